"""Models: the names that callers use. What computes behind a name is a version.

A model is never deleted, as usage and prices name it; it is removed, and adding the name again brings it back
with its versions.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.errors import Conflict, ModelNotFound, nearest
from longslope.store import names, revisions, tables

Kind = Literal["chat", "embedding"]
KINDS: tuple[Kind, ...] = ("chat", "embedding")


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the family."""

    name: str
    kind: Kind
    summary: str = ""
    created_ms: int
    removed_ms: int | None = None


async def insert_model(connection: AsyncConnection, model: Model) -> None:
    """Adds a model, or brings a removed one of the same name and kind back with the new summary.

    Raises InvalidRequest for a name or kind that cannot be, Conflict when the name is in use or was of
    another kind.
    """
    names.check_model_name(model.name)
    names.check_choice(model.kind, KINDS, param="kind")
    names.check_length(model.summary, tables.models.c.summary, param="summary")
    await revisions.bump(connection)
    table = tables.models
    existing = await find_model(connection, model.name)
    if existing is None:
        try:
            await connection.execute(insert(table).values(msgspec.structs.asdict(model)))
        except IntegrityError as error:
            raise _taken(model.name) from error
        return
    if existing.removed_ms is None:
        raise _taken(model.name)
    if existing.kind != model.kind:
        raise Conflict(
            f'"{model.name}" was a model of kind "{existing.kind}", and its usage is kept under that name. '
            f'Add the "{model.kind}" model under another name.',
            param="kind",
        )
    await connection.execute(
        update(table).where(table.c.name == model.name).values(summary=model.summary, removed_ms=None)
    )


async def remove_model(connection: AsyncConnection, name: str, at_ms: int) -> None:
    """Removes a model; removing it again changes nothing. Raises ModelNotFound."""
    model = await get_model(connection, name)
    if model.removed_ms is not None:
        return
    await revisions.bump(connection)
    await connection.execute(
        update(tables.models).where(tables.models.c.name == name).values(removed_ms=at_ms)
    )


async def find_model(connection: AsyncConnection, name: str) -> Model | None:
    """The model of this name, removed or not, or None."""
    table = tables.models
    found = await connection.execute(select(table).where(table.c.name == names.storable(name)))
    row = found.mappings().one_or_none()
    return None if row is None else Model(**row)


async def get_model(connection: AsyncConnection, name: str) -> Model:
    """The model of this name, removed or not. Raises ModelNotFound, naming the nearest."""
    model = await find_model(connection, name)
    if model is None:
        known = (each.name for each in await list_models(connection))
        raise ModelNotFound(f'There is no model "{name}".{nearest(name, known)}', param="model")
    return model


async def list_models(connection: AsyncConnection) -> list[Model]:
    """Every model, removed ones included, by name."""
    found = await connection.execute(select(tables.models).order_by(tables.models.c.name))
    return [Model(**row) for row in found.mappings()]


def _taken(name: str) -> Conflict:
    return Conflict(f'There is a model named "{name}" already. Choose another name.', param="name")
