"""Keys: made once, shown once, revoked at once."""

from __future__ import annotations

import ipaddress
from typing import Any

from litestar import Request, delete, get, post
from litestar.handlers import HTTPRouteHandler

from longslope.api.caller import require_caller
from longslope.api.parts import Parts
from longslope.api.platform.views import view_key
from longslope.clock import clock, new_id
from longslope.errors import InvalidRequest, NotFound, nearest
from longslope.store import keys
from longslope.store.keys import Key
from longslope.wire.platform import KeyCreate, KeyCreated, KeyView, Listing


def key_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/platform/v1/keys`."""

    @get("/platform/v1/keys", tags=["keys"], operation_id="list_keys")
    async def list_keys(request: Request[Any, Any, Any]) -> Listing[KeyView]:
        """Every key, revoked ones included, without secrets."""
        require_caller(request, parts, "admin")
        async with parts.store.read() as connection:
            return Listing(data=[view_key(key) for key in await keys.list_keys(connection)])

    @post("/platform/v1/keys", tags=["keys"], operation_id="create_key")
    async def create_key(request: Request[Any, Any, Any], data: KeyCreate) -> KeyCreated:
        """A new key. The answer holds its secret, which is never shown again."""
        identity = require_caller(request, parts, "admin")
        _check(parts, data)
        secret = keys.new_secret()
        key = Key(
            id=new_id("key"),
            project_id=data.project_id or identity.project.id,
            name=data.name,
            sha256=keys.hash_secret(secret),
            hint=keys.hint(secret),
            role=data.role,
            allowed_models=tuple(data.allowed_models),
            allowed_ips=tuple(data.allowed_ips),
            expires_ms=data.expires_ms,
            created_ms=clock.now_ms(),
        )
        async with parts.store.write() as connection:
            await keys.insert_key(connection, key)
        await parts.catalog.refresh()
        return KeyCreated(key=view_key(key), secret=secret)

    @delete("/platform/v1/keys/{key_id:str}", status_code=200, tags=["keys"], operation_id="revoke_key")
    async def revoke_key(request: Request[Any, Any, Any], key_id: str) -> KeyView:
        """Revokes a key. It stops working at once here, within a second on other gateways."""
        require_caller(request, parts, "admin")
        async with parts.store.write() as connection:
            await keys.revoke_key(connection, key_id, clock.now_ms())
            key = await keys.get_key(connection, key_id)
        await parts.catalog.refresh()
        return view_key(key)

    return [list_keys, create_key, revoke_key]


def _check(parts: Parts, data: KeyCreate) -> None:
    snapshot = parts.catalog.snapshot
    known = {*snapshot.models, *snapshot.versions, *snapshot.endpoints}
    for name in data.allowed_models:
        if name not in known:
            raise NotFound(
                f'There is no model, version or endpoint "{name}".{nearest(name, known)}',
                param="allowed_models",
            )
    for address in data.allowed_ips:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError as error:
            raise InvalidRequest(
                f'"{address}" is neither an address nor a network such as 10.0.0.0/8.', param="allowed_ips"
            ) from error
    if data.expires_ms is not None and data.expires_ms <= clock.now_ms():
        raise InvalidRequest(f"expires_ms is {data.expires_ms}, which has passed.", param="expires_ms")
