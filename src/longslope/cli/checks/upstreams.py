"""The upstreams in the catalog: whether each can be reached, and takes its secret."""

from __future__ import annotations

import asyncio

from longslope.catalog.secrets import Secrets
from longslope.catalog.snapshot import Snapshot
from longslope.cli.checks.check import Check, fail, ok
from longslope.engines.protocol import EngineState
from longslope.engines.remote import Timeouts
from longslope.engines.upstream import UpstreamConfig, UpstreamEngine
from longslope.settings import Settings
from longslope.store.versions import Version


async def upstreams(snapshot: Snapshot, settings: Settings) -> list[Check]:
    """One check for each model whose newest version is an upstream's; all are asked at once."""
    asked = [version for version in snapshot.newest.values() if version.engine == "upstream"]
    return list(await asyncio.gather(*(_asked(version, settings) for version in asked)))


async def _asked(version: Version, settings: Settings) -> Check:
    name = f"upstream {version.model}"
    known = version.settings
    secret_name = known.get("secret_name")
    secret = Secrets(settings.home).get(secret_name) if secret_name else None
    if secret_name and not secret:
        cure = (
            f"Give it again: `longslope models add {version.model} --url … --model … --secret-env VARIABLE`."
        )
        return fail(name, "its secret is not in the home's secrets.json", cure)
    upstream = UpstreamEngine(
        UpstreamConfig(
            version=version.id,
            base_url=known["base_url"],
            model=known["model"],
            secret=secret or "",
            timeouts=Timeouts(connect_s=settings.upstream_connect_timeout_s),
        )
    )
    try:
        await upstream.start()
        health = upstream.health()
    finally:
        await upstream.stop()
    if health.state is EngineState.READY:
        return ok(name, f"{known['model']} at {known['base_url']} answers")
    cure = f"See that the server runs, or take it out: `longslope models remove {version.model}`."
    return fail(name, f"{known['base_url']}: {health.detail}", cure)
