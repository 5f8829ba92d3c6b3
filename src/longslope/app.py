"""The composition root: the only place where the platform's parts are put together, started and ended.

`serve` is the life of `longslope up`: open the store, register the family, start the engines, listen, and
on SIGTERM let running requests finish before anything is closed.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

import structlog

from longslope.api.bounds import BodyDeadline
from longslope.api.listener import Listener, bind
from longslope.api.parts import Parts
from longslope.api.platform.session import local_session
from longslope.api.routes import create_application
from longslope.catalog.family import FAMILY, expand_models
from longslope.catalog.register import register_family_model
from longslope.catalog.secrets import Secrets
from longslope.catalog.snapshot import Catalog, Snapshot
from longslope.console.pages import console_routes
from longslope.engines.build import EngineSettings, build_engine
from longslope.engines.cores import share_of_cores
from longslope.engines.protocol import Engine
from longslope.gateway.admission import Admission
from longslope.gateway.auth import Sessions
from longslope.gateway.first_key import ensure_first_key, session_secret
from longslope.gateway.fleet import Builder, Fleet, Serving
from longslope.gateway.gateway import Gateway
from longslope.gateway.metering import Meter
from longslope.gateway.metrics import Metrics
from longslope.gateway.prepare import Limits
from longslope.gateway.privacy import ContentKeeper
from longslope.gateway.tracing import open_tracer
from longslope.settings import Effective, Settings
from longslope.store.migrate import migrate
from longslope.store.opening import open_store
from longslope.store.versions import Version

log = structlog.get_logger(__name__)
_CUT_OFF_S = 5.0  # for requests to end once their engines have


@asynccontextmanager
async def open_parts(effective: Effective) -> AsyncGenerator[Parts]:
    """Every part of a running platform, without its HTTP server. Ends them in reverse order."""
    settings = effective.settings
    home = settings.home
    release = version("longslope")
    store = open_store(settings)
    await migrate(store)
    admin_key = await ensure_first_key(store, home, settings)
    served = expand_models(settings.models)
    async with store.write() as connection:
        for name in served:
            await register_family_model(connection, FAMILY[name])
    catalog = await Catalog.open(store)
    fleet = Fleet(_builder(settings, Secrets(home), lambda: _chat_engines(catalog.snapshot, served)))
    meter = Meter(store, settings.usage_group)
    admission = Admission()
    gateway = Gateway(
        catalog,
        fleet,
        admission,
        meter,
        ContentKeeper(store),
        Limits(settings.max_messages, settings.engine_context),
    )
    metrics = Metrics(fleet, admission, meter)
    gateway.on_request_ended(metrics.request_ended)
    tracer = open_tracer(settings.otlp_endpoint, release) if settings.otlp_endpoint else None
    if tracer is not None:
        gateway.on_request_ended(tracer.request_ended)

    async def follow(snapshot: Snapshot) -> None:
        await fleet.serve(versions_to_serve(snapshot, served))

    catalog.on_change(follow)
    meter.start()
    await follow(catalog.snapshot)
    catalog.follow()
    try:
        yield Parts(
            home=home,
            effective=effective,
            store=store,
            catalog=catalog,
            fleet=fleet,
            gateway=gateway,
            meter=meter,
            metrics=metrics,
            sessions=Sessions(catalog, session_secret(home)),
            admin_key_id=admin_key,
            version=release,
        )
    finally:
        await catalog.close()
        await fleet.close()
        await meter.close()
        await store.close()
        if tracer is not None:
            await asyncio.to_thread(tracer.close)


def versions_to_serve(snapshot: Snapshot, served: Sequence[str]) -> list[Serving]:
    """The newest version of every chosen family model and of every model a user added, and what
    endpoints lead to.
    """
    chosen = {
        version.id: version
        for name, version in snapshot.newest.items()
        if name in served or name not in FAMILY
    }
    chosen.update(
        (version.id, version) for name, version in snapshot.bound.items() if name in snapshot.endpoints
    )
    return [
        (version, snapshot.models[version.model].kind)
        for version in chosen.values()
        if version.model in snapshot.models
    ]


async def serve(effective: Effective, on_ready: Callable[[str], None]) -> None:
    """Runs the platform until SIGTERM or SIGINT. Calls `on_ready` with its address once engines have
    settled.
    """
    settings = effective.settings
    listener = bind(settings.host, settings.port)
    port = listener.getsockname()[1]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_parts(effective) as parts:
        application = create_application(parts, console_routes(local_session(parts)))
        server = Listener(
            BodyDeadline(application, settings.body_timeout_s),
            listener,
            head_timeout_s=settings.body_timeout_s,
            most=settings.max_connections,
        )
        listening = asyncio.ensure_future(server.serve())
        ready = asyncio.ensure_future(parts.fleet.settled())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({listening, ready, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set() and not listening.done():
            _settle_memory()
            on_ready(f"http://{_shown(settings.host)}:{port}")
            await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        admission = parts.gateway.admission
        if not await admission.drain(settings.drain_s):
            log.warning("drain_timed_out", running=admission.running)
            # What still runs fails with its engine: its callers are told, and its tokens are metered.
            await parts.fleet.close()
            await admission.drain(_CUT_OFF_S)
        server.stop()
        await asyncio.wait({listening}, timeout=5)
        if listening.done():
            listening.result()


def _builder(settings: Settings, secrets_: Secrets, chat_engines: Callable[[], int]) -> Builder:
    def build(version: Version, kind: str) -> Engine:
        engine_settings = EngineSettings(
            models_dir=settings.home / "models",
            log_dir=settings.home / "logs",
            slots=settings.engine_slots,
            context=settings.engine_context,
            threads=settings.engine_threads or share_of_cores(chat_engines() * settings.engine_replicas),
            replicas=settings.engine_replicas,
            start_timeout_s=settings.engine_start_timeout_s,
            connect_timeout_s=settings.upstream_connect_timeout_s,
            first_byte_timeout_s=settings.upstream_first_byte_timeout_s,
            idle_timeout_s=settings.upstream_idle_timeout_s,
        )
        return build_engine(version, kind, engine_settings, secrets_)

    return build


def _chat_engines(snapshot: Snapshot, served: Sequence[str]) -> int:
    """How many versions answer chats by an engine on this machine; embeddings come and go too fast to
    count.
    """
    return sum(
        version.engine == "llama" and kind == "chat" for version, kind in versions_to_serve(snapshot, served)
    )


def _settle_memory() -> None:
    """Takes what was made at start out of the garbage collector's sight.

    It lives as long as the process; looking through it again and again took a fifth of the time under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
