"""Endpoints: names that a product keeps while what stands behind them changes."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post
from litestar.handlers import HTTPRouteHandler

from longslope.api.caller import require_caller
from longslope.api.parts import Parts
from longslope.api.platform.views import view_endpoint
from longslope.catalog.snapshot import Snapshot
from longslope.clock import clock, new_id
from longslope.errors import ModelNotFound, nearest
from longslope.store import endpoints
from longslope.store.endpoints import Binding, Endpoint
from longslope.wire.platform import EndpointBind, EndpointCreate, EndpointView, Listing


def endpoint_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/platform/v1/endpoints`."""

    @get("/platform/v1/endpoints", tags=["catalog"], operation_id="list_endpoints")
    async def list_endpoints(request: Request[Any, Any, Any]) -> Listing[EndpointView]:
        """Every endpoint with the history of its bindings."""
        require_caller(request, parts, "viewer")
        async with parts.store.read() as connection:
            views = [
                view_endpoint(endpoint, await endpoints.list_bindings(connection, endpoint.id))
                for endpoint in parts.catalog.snapshot.endpoints.values()
            ]
        return Listing(data=views)

    @post("/platform/v1/endpoints", tags=["catalog"], operation_id="create_endpoint")
    async def create_endpoint(request: Request[Any, Any, Any], data: EndpointCreate) -> EndpointView:
        """A new endpoint, bound to a version."""
        require_caller(request, parts, "admin")
        version_id = _version_id(parts.catalog.snapshot, data.version)
        endpoint = Endpoint(id=new_id("ep"), name=data.name, created_ms=clock.now_ms())
        async with parts.store.write() as connection:
            await endpoints.insert_endpoint(connection, endpoint)
            binding = await endpoints.insert_binding(connection, _binding(endpoint.id, version_id))
        await parts.catalog.refresh()
        return view_endpoint(endpoint, [binding])

    @post("/platform/v1/endpoints/{endpoint_id:str}/bindings", tags=["catalog"], operation_id="bind_endpoint")
    async def bind_endpoint(
        request: Request[Any, Any, Any], endpoint_id: str, data: EndpointBind
    ) -> EndpointView:
        """Leads an endpoint to another version from now on."""
        require_caller(request, parts, "admin")
        version_id = _version_id(parts.catalog.snapshot, data.version)
        async with parts.store.write() as connection:
            endpoint = await endpoints.get_endpoint(connection, endpoint_id)
            await endpoints.insert_binding(connection, _binding(endpoint_id, version_id))
            bindings = await endpoints.list_bindings(connection, endpoint_id)
        await parts.catalog.refresh()
        return view_endpoint(endpoint, bindings)

    @delete(
        "/platform/v1/endpoints/{endpoint_id:str}",
        status_code=204,
        tags=["catalog"],
        operation_id="remove_endpoint",
    )
    async def remove_endpoint(request: Request[Any, Any, Any], endpoint_id: str) -> None:
        """Closes an endpoint. Its usage stays."""
        require_caller(request, parts, "admin")
        async with parts.store.write() as connection:
            await endpoints.remove_endpoint(connection, endpoint_id, clock.now_ms())
        await parts.catalog.refresh()

    return [list_endpoints, create_endpoint, bind_endpoint, remove_endpoint]


def _binding(endpoint_id: str, version_id: str) -> Binding:
    return Binding(
        id=new_id("bind"), endpoint_id=endpoint_id, version_id=version_id, created_ms=clock.now_ms()
    )


def _version_id(snapshot: Snapshot, name: str) -> str:
    version = snapshot.newest.get(name) or snapshot.versions.get(name)
    if version is None:
        known = [*snapshot.models, *snapshot.versions]
        raise ModelNotFound(f'There is no model or version "{name}".{nearest(name, known)}', param="version")
    return version.id
