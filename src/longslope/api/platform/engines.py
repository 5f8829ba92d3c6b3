"""The engines that run, and the settings they run under."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler

from longslope.api.caller import require_caller
from longslope.api.parts import Parts
from longslope.wire.platform import EngineView, Listing, SettingView


def engine_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/platform/v1/engines` and `/platform/v1/settings`."""

    @get("/platform/v1/engines", tags=["operation"], operation_id="list_engines")
    async def list_engines(request: Request[Any, Any, Any]) -> Listing[EngineView]:
        """Every running engine, read now."""
        require_caller(request, parts, "viewer")
        return Listing(data=[_view(health) for health in parts.fleet.health()])

    @post(
        "/platform/v1/engines/{version:str}/restart",
        status_code=202,
        tags=["operation"],
        operation_id="restart_engine",
    )
    async def restart_engine(request: Request[Any, Any, Any], version: str) -> None:
        """Restarts the engines of a version. Their requests fail with an error that says to retry."""
        require_caller(request, parts, "admin")
        await parts.fleet.restart(version)

    @get("/platform/v1/settings", tags=["operation"], operation_id="list_settings")
    async def list_settings(request: Request[Any, Any, Any]) -> Listing[SettingView]:
        """The settings in force and where each came from."""
        require_caller(request, parts, "admin")
        return Listing(data=[SettingView(name=n, value=v, origin=o) for n, v, o in parts.effective.rows()])

    return [list_engines, restart_engine, list_settings]


def _view(health: Any) -> EngineView:
    return msgspec.convert(msgspec.to_builtins(health), EngineView)
