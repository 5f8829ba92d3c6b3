"""Endpoints: named ways in (`ep-…`), each bound to a version, and to another from some moment on.

Bindings are appended; the newest of an endpoint is in force, the older ones tell what it led to.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.errors import Conflict, ModelNotFound
from longslope.store import names, revisions, tables
from longslope.store.versions import get_version


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint."""

    id: str
    name: str
    created_ms: int
    removed_ms: int | None = None


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint leads to, from `created_ms` on."""

    id: str
    endpoint_id: str
    version_id: str
    created_ms: int


async def insert_endpoint(connection: AsyncConnection, endpoint: Endpoint) -> None:
    """Adds an endpoint, still bound to nothing. Raises InvalidRequest, or Conflict for a taken name."""
    names.check_length(endpoint.id, tables.endpoints.c.id, param="id")
    names.check_name(endpoint.name, tables.endpoints.c.name)
    await revisions.bump(connection)
    try:
        await connection.execute(insert(tables.endpoints).values(msgspec.structs.asdict(endpoint)))
    except IntegrityError as error:
        raise Conflict(
            f'There is an endpoint named "{endpoint.name}" already. Choose another name, or remove that one.',
            param="name",
        ) from error


async def remove_endpoint(connection: AsyncConnection, endpoint_id: str, at_ms: int) -> None:
    """Removes an endpoint; removing it again changes nothing. Raises ModelNotFound for an unknown id."""
    endpoint = await get_endpoint(connection, endpoint_id)
    if endpoint.removed_ms is not None:
        return
    await revisions.bump(connection)
    table = tables.endpoints
    await connection.execute(update(table).where(table.c.id == endpoint.id).values(removed_ms=at_ms))


async def get_endpoint(connection: AsyncConnection, endpoint_id: str) -> Endpoint:
    """The endpoint of this id, removed or not. Raises ModelNotFound: callers name it as a model."""
    table = tables.endpoints
    found = await connection.execute(select(table).where(table.c.id == names.storable(endpoint_id)))
    row = found.mappings().one_or_none()
    if row is None:
        raise ModelNotFound(f'There is no endpoint "{endpoint_id}".', param="endpoint_id")
    return Endpoint(**row)


async def list_endpoints(connection: AsyncConnection) -> list[Endpoint]:
    """Every endpoint, removed ones included, oldest first."""
    table = tables.endpoints
    found = await connection.execute(select(table).order_by(table.c.created_ms, table.c.id))
    return [Endpoint(**row) for row in found.mappings()]


async def insert_binding(connection: AsyncConnection, binding: Binding) -> Binding:
    """Binds an endpoint to a version from now on, and returns the binding as stored.

    Its time is moved past the newest binding's where a clock was set back, as the newest row is the one in
    force. Raises ModelNotFound for an unknown endpoint or version, Conflict when the endpoint is removed.
    """
    names.check_length(binding.id, tables.bindings.c.id, param="id")
    await revisions.bump(connection)
    endpoint = await get_endpoint(connection, binding.endpoint_id)
    if endpoint.removed_ms is not None:
        raise Conflict(f'The endpoint "{endpoint.id}" was removed. Add a new one.', param="endpoint_id")
    await get_version(connection, binding.version_id)
    table = tables.bindings
    newest = await connection.scalar(
        select(func.max(table.c.created_ms)).where(table.c.endpoint_id == endpoint.id)
    )
    stored = msgspec.structs.replace(binding, created_ms=max(binding.created_ms, (newest or 0) + 1))
    await connection.execute(insert(table).values(msgspec.structs.asdict(stored)))
    return stored


async def current_bindings(connection: AsyncConnection) -> dict[str, Binding]:
    """The binding in force of each endpoint that has one, by endpoint id."""
    table = tables.bindings
    found = await connection.execute(select(table).order_by(table.c.created_ms))
    return {row["endpoint_id"]: Binding(**row) for row in found.mappings()}


async def list_bindings(connection: AsyncConnection, endpoint_id: str) -> list[Binding]:
    """Every binding of an endpoint, the one in force first."""
    table = tables.bindings
    found = await connection.execute(
        select(table)
        .where(table.c.endpoint_id == names.storable(endpoint_id))
        .order_by(table.c.created_ms.desc())
    )
    return [Binding(**row) for row in found.mappings()]
