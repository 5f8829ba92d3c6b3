"""Versions: the immutable weights, or the upstream's model, behind a model's name, with their lineage.

A version is appended and never changed: what answered a request in the past can be told for ever.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import RowMapping, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.errors import Conflict, InvalidRequest, ModelNotFound, nearest
from longslope.store import names, revisions, tables
from longslope.store.models import get_model

EngineKind = Literal["llama", "upstream"]
ENGINES: tuple[EngineKind, ...] = ("llama", "upstream")


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version: `id` is `model@number`; `parent` what it descends from; `context_length` in tokens."""

    id: str
    model: str
    number: int
    parent: str | None = None
    origin: str
    independence: str
    engine: EngineKind
    weights: str | None = None  # a file name under models/, or an absolute path
    sha256: str | None = None
    bytes: int | None = None
    context_length: int
    settings: dict[str, Any] = {}
    created_ms: int


def version_id(model: str, number: int) -> str:
    """How a version is named: `mini@1`."""
    return f"{model}@{number}"


async def next_number(connection: AsyncConnection, model: str) -> int:
    """The number that the model's next version takes. Certain only within the transaction that inserts it."""
    newest = await connection.scalar(
        select(func.max(tables.versions.c.number)).where(tables.versions.c.model == names.storable(model))
    )
    return (newest or 0) + 1


async def insert_version(connection: AsyncConnection, version: Version) -> None:
    """Adds a version.

    Raises InvalidRequest for values that cannot be, ModelNotFound for an unknown model or parent, Conflict
    when the number is taken.
    """
    _check(version)
    await revisions.bump(connection)
    await get_model(connection, version.model)
    if version.parent is not None:
        await get_version(connection, version.parent)
    values = msgspec.structs.asdict(version)
    values["settings"] = msgspec.json.encode(version.settings).decode()
    try:
        await connection.execute(insert(tables.versions).values(values))
    except IntegrityError as error:
        raise Conflict(
            f'There is a version "{version.id}" already, and versions never change. Take the next number.',
            param="number",
        ) from error


async def get_version(connection: AsyncConnection, version: str) -> Version:
    """The version of this id. Raises ModelNotFound, naming the nearest."""
    table = tables.versions
    found = await connection.execute(select(table).where(table.c.id == names.storable(version)))
    row = found.mappings().one_or_none()
    if row is None:
        known = (await connection.execute(select(table.c.id))).scalars()
        raise ModelNotFound(f'There is no version "{version}".{nearest(version, known)}', param="version")
    return _decode(row)


async def list_versions(connection: AsyncConnection, model: str | None = None) -> list[Version]:
    """Every version by model and number; of one model when it is given."""
    table = tables.versions
    query = select(table).order_by(table.c.model, table.c.number)
    if model is not None:
        query = query.where(table.c.model == names.storable(model))
    return [_decode(row) for row in (await connection.execute(query)).mappings()]


def _decode(row: RowMapping) -> Version:
    values = dict(row)
    values["settings"] = msgspec.json.decode(values["settings"])
    return Version(**values)


def _check(version: Version) -> None:
    columns = tables.versions.c
    names.check_model_name(version.model, param="model")
    names.check_number(version.number, param="number", least=1)
    if version.id != version_id(version.model, version.number):
        raise InvalidRequest(
            f'A version\'s id is its model and number, "{version_id(version.model, version.number)}"; '
            f"this one is {version.id[:100]!r}.",
            param="id",
        )
    names.check_choice(version.engine, ENGINES, param="engine")
    names.check_number(version.context_length, param="context_length", least=1)
    names.check_number(version.bytes or 0, param="bytes", most=2**63 - 1)
    names.check_length(version.origin, columns.origin, param="origin")
    names.check_length(version.independence, columns.independence, param="independence")
    names.check_length(version.weights or "", columns.weights, param="weights")
    names.check_length(version.sha256 or "", columns.sha256, param="sha256")
