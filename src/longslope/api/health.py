"""What operators and their machines ask: is it well, and how much of everything."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from longslope.api.parts import Parts
from longslope.engines.protocol import EngineHealth, EngineState


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one engine, and why where it is down."""

    version: str
    state: str
    detail: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The platform's state. `status` is "ok", or "degraded" where an engine is down or usage cannot be
    written.
    """

    status: str
    version: str
    engines: list[EngineStatus]
    usage_backlog: int
    usage_failure: str | None


def health_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/healthz` and `/metrics`; both open, both without any content of requests."""

    @get("/healthz", tags=["operation"], operation_id="get_health")
    async def get_health() -> Health:
        """Answers 200 while requests are taken, with the state of each engine."""
        engines = parts.fleet.health()
        well = parts.meter.failure is None and all(map(_is_well, engines))
        return Health(
            status="ok" if well else "degraded",
            version=parts.version,
            engines=[
                EngineStatus(version=engine.version, state=engine.state.value, detail=engine.detail)
                for engine in engines
            ],
            usage_backlog=parts.meter.backlog,
            usage_failure=parts.meter.failure,
        )

    @get("/metrics", tags=["operation"], operation_id="get_metrics", media_type="text/plain")
    async def get_metrics() -> Response[Any]:
        """Prometheus' text format."""
        return Response(parts.metrics.render(), media_type="text/plain; version=0.0.4")

    return [get_health, get_metrics]


def _is_well(engine: EngineHealth) -> bool:
    """An engine that is loading for the first time is well; one that is trying to come back is not."""
    failed = engine.state is EngineState.DOWN or (
        engine.state is EngineState.STARTING and engine.restarts > 0
    )
    return not failed
