"""Prices: what a user pays for a model's tokens, and on the other side what they cost us.

Both are appended; the newest row of a model and side is in force, and a usage row names the one it was billed
by.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.errors import InvalidRequest, NotFound
from longslope.store import names, revisions, tables
from longslope.store.models import get_model

Side = Literal["price", "cost"]
SIDES: tuple[Side, ...] = ("price", "cost")

# A million units of the currency per million tokens. Two billion tokens at this price still fit 64 bits of
# `*_nano`.
MOST_MICRO = 10**12
_CURRENCY = re.compile("[A-Z]{3}")


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Millionths of `currency` per million tokens: fresh input, input from the cache, output."""

    id: str
    model: str
    side: Side
    input_micro: int
    cached_input_micro: int
    output_micro: int
    currency: str  # ISO 4217, such as CNY
    created_ms: int


async def insert_price(connection: AsyncConnection, price: Price) -> Price:
    """Puts a price or cost into force from now on, and returns it as stored.

    Its time is moved past the newest one's where a clock was set back, as the newest row is the one in force.
    Raises InvalidRequest for values out of range, ModelNotFound for an unknown model.
    """
    _check(price)
    await revisions.bump(connection)
    await get_model(connection, price.model)
    table = tables.prices
    newest = await connection.scalar(
        select(func.max(table.c.created_ms)).where(table.c.model == price.model, table.c.side == price.side)
    )
    stored = msgspec.structs.replace(price, created_ms=max(price.created_ms, (newest or 0) + 1))
    await connection.execute(insert(table).values(msgspec.structs.asdict(stored)))
    return stored


async def get_price(connection: AsyncConnection, price_id: str) -> Price:
    """The price or cost of this id, in force or past. Raises NotFound."""
    table = tables.prices
    found = await connection.execute(select(table).where(table.c.id == names.storable(price_id)))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound(f'There is no price "{price_id}".', param="price_id")
    return Price(**row)


async def current_prices(connection: AsyncConnection) -> dict[tuple[str, Side], Price]:
    """The price and the cost in force of each model that has them, by (model, side)."""
    table = tables.prices
    found = await connection.execute(select(table).order_by(table.c.created_ms))
    return {(row["model"], row["side"]): Price(**row) for row in found.mappings()}


async def list_prices(connection: AsyncConnection, model: str | None = None) -> list[Price]:
    """Every price and cost, newest first; of one model when it is given."""
    table = tables.prices
    query = select(table).order_by(table.c.created_ms.desc(), table.c.id.desc())
    if model is not None:
        query = query.where(table.c.model == names.storable(model))
    return [Price(**row) for row in (await connection.execute(query)).mappings()]


def _check(price: Price) -> None:
    names.check_length(price.id, tables.prices.c.id, param="id")
    names.check_choice(price.side, SIDES, param="side")
    for param in ("input_micro", "cached_input_micro", "output_micro"):
        names.check_number(getattr(price, param), param=param, most=MOST_MICRO)
    if _CURRENCY.fullmatch(price.currency) is None:
        raise InvalidRequest(
            f'"currency" is {price.currency[:20]!r}; it must be three capital letters such as "CNY".',
            param="currency",
        )
