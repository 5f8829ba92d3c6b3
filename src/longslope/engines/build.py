"""From a version in the catalog to the engine that serves it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from longslope.catalog.secrets import Secrets
from longslope.engines.llama import LlamaConfig, LlamaEngine
from longslope.engines.protocol import Engine
from longslope.engines.remote import Timeouts
from longslope.engines.replicas import Replicas
from longslope.engines.upstream import UpstreamConfig, UpstreamEngine
from longslope.store.versions import Version


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What all engines of a platform have in common. `context` is tokens a slot; `threads` 0 takes every
    core.
    """

    models_dir: Path
    log_dir: Path
    slots: int
    context: int
    threads: int
    replicas: int
    start_timeout_s: float
    connect_timeout_s: float
    first_byte_timeout_s: float
    idle_timeout_s: float


def build_engine(version: Version, kind: str, settings: EngineSettings, secrets: Secrets) -> Engine:
    """The engine of a version, not started yet; several replicas stand behind one."""
    if version.engine == "upstream":
        return UpstreamEngine(_upstream(version, settings, secrets))
    engines = [LlamaEngine(_llama(version, kind, settings, replica)) for replica in range(settings.replicas)]
    return engines[0] if len(engines) == 1 else Replicas(version.id, engines)


def _llama(version: Version, kind: str, settings: EngineSettings, replica: int) -> LlamaConfig:
    return LlamaConfig(
        version=version.id,
        weights=settings.models_dir / (version.weights or ""),  # an absolute path stays as it is
        sha256=version.sha256,
        mtime_ns=version.settings.get("mtime_ns"),
        log_dir=settings.log_dir,
        context=min(version.context_length, settings.context),
        slots=settings.slots,
        threads=settings.threads,
        embedding=kind == "embedding",
        replica=replica,
        start_timeout_s=settings.start_timeout_s,
    )


def _upstream(version: Version, settings: EngineSettings, secrets: Secrets) -> UpstreamConfig:
    known = version.settings
    name = known.get("secret_name")
    return UpstreamConfig(
        version=version.id,
        base_url=known["base_url"],
        model=known["model"],
        secret=(secrets.get(name) or "") if name else "",
        capacity=known.get("capacity", 256),
        timeouts=Timeouts(
            connect_s=settings.connect_timeout_s,
            first_byte_s=settings.first_byte_timeout_s,
            idle_s=settings.idle_timeout_s,
        ),
    )
