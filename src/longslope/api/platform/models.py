"""The family as it stands here: models, versions, and how new ones come in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from litestar import Request, delete, get, post
from litestar.handlers import HTTPRouteHandler

from longslope.api.caller import require_caller
from longslope.api.parts import Parts
from longslope.api.platform.views import view_model, view_version
from longslope.catalog.gguf import inspect_gguf
from longslope.catalog.register import register_upstream, register_weights, secret_name_of
from longslope.catalog.secrets import Secrets
from longslope.catalog.weights import sha256_of
from longslope.clock import clock
from longslope.store import models
from longslope.wire.platform import Listing, ModelView, UpstreamCreate, VersionView, WeightsCreate


def model_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/platform/v1/models` and `/platform/v1/versions`."""

    @get("/platform/v1/models", tags=["catalog"], operation_id="list_catalog_models")
    async def list_models(request: Request[Any, Any, Any]) -> Listing[ModelView]:
        """Every model with its versions, price, cost and state."""
        require_caller(request, parts, "viewer")
        snapshot = parts.catalog.snapshot
        states = {version: state.value for version, state in parts.fleet.states().items()}
        return Listing(data=[view_model(model, snapshot, states) for model in snapshot.models.values()])

    @delete("/platform/v1/models/{name:str}", status_code=204, tags=["catalog"], operation_id="remove_model")
    async def remove_model(request: Request[Any, Any, Any], name: str) -> None:
        """Takes a model out of the catalog. Its usage, versions and weights stay."""
        require_caller(request, parts, "admin")
        async with parts.store.write() as connection:
            await models.remove_model(connection, name, clock.now_ms())
        await parts.catalog.refresh()

    @post("/platform/v1/models/upstreams", tags=["catalog"], operation_id="add_upstream")
    async def add_upstream(request: Request[Any, Any, Any], data: UpstreamCreate) -> VersionView:
        """Adds a model behind an OpenAI-compatible URL, and serves it."""
        require_caller(request, parts, "admin")
        secret_name = None
        if data.secret:
            secret_name = secret_name_of(data.name, data.base_url)
            await asyncio.to_thread(Secrets(parts.home).put, secret_name, data.secret)
        async with parts.store.write() as connection:
            version = await register_upstream(
                connection,
                name=data.name,
                kind=data.kind,
                base_url=data.base_url,
                upstream_model=data.model,
                secret_name=secret_name,
                context_length=data.context_length,
                capacity=data.capacity,
                summary=data.summary,
                independence=data.independence,
            )
        await parts.catalog.refresh()
        return view_version(version)

    @post("/platform/v1/models/weights", tags=["catalog"], operation_id="add_weights")
    async def add_weights(request: Request[Any, Any, Any], data: WeightsCreate) -> VersionView:
        """Adds a GGUF file that lies on the platform's machine, and serves it."""
        require_caller(request, parts, "admin")
        path = await asyncio.to_thread(_absolute, data.path)
        facts = await asyncio.to_thread(inspect_gguf, path)
        sha256 = await asyncio.to_thread(sha256_of, path)
        size = (await asyncio.to_thread(path.stat)).st_size
        async with parts.store.write() as connection:
            version = await register_weights(
                connection,
                name=data.name,
                kind=data.kind,
                path=path,
                facts=facts,
                sha256=sha256,
                size=size,
                summary=data.summary,
                independence=data.independence,
                parent=data.parent,
            )
        await parts.catalog.refresh()
        return view_version(version)

    @get("/platform/v1/versions", tags=["catalog"], operation_id="list_versions")
    async def list_versions(request: Request[Any, Any, Any]) -> Listing[VersionView]:
        """Every version of every model."""
        require_caller(request, parts, "viewer")
        return Listing(data=[view_version(version) for version in parts.catalog.snapshot.versions.values()])

    return [list_models, remove_model, add_upstream, add_weights, list_versions]


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()
