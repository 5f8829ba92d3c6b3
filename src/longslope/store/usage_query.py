"""Which usage rows are meant, and all of them in order, in flat memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, tuple_

from longslope.store import names, tables
from longslope.store.database import Store
from longslope.store.usage import UsageRow, row_of, select_rows

Grouping = Literal["day", "model", "version", "project", "key", "endpoint", "operation"]
GROUPINGS: tuple[Grouping, ...] = ("day", "model", "version", "project", "key", "endpoint", "operation")
_LATEST_MS = 2**63 - 1


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A choice of usage rows, and how to group them.

    Rows count from `from_ms` up to, and without, `to_ms`. Days are those of a clock `tz_offset_min` minutes
    ahead of UTC (China: 480).
    """

    group_by: tuple[Grouping, ...] = ()
    from_ms: int | None = None
    to_ms: int | None = None
    project_id: str | None = None
    key_id: str | None = None
    model: str | None = None
    tz_offset_min: int = 0


def conditions(query: UsageQuery) -> list[ColumnElement[bool]]:
    """The query's filters as SQL conditions, for `select(…).where(*conditions(query))`.

    Raises InvalidRequest for a time that cannot be.
    """
    columns = tables.usage.c
    found: list[ColumnElement[bool]] = []
    if query.from_ms is not None:
        names.check_number(query.from_ms, param="from", most=_LATEST_MS)
        found.append(columns.created_ms >= query.from_ms)
    if query.to_ms is not None:
        names.check_number(query.to_ms, param="to", most=_LATEST_MS)
        found.append(columns.created_ms < query.to_ms)
    for column, wanted in (
        (columns.project_id, query.project_id),
        (columns.key_id, query.key_id),
        (columns.model, query.model),
    ):
        if wanted is not None:
            found.append(column == names.storable(wanted))
    return found


async def iter_rows(store: Store, query: UsageQuery, chunk: int = 500) -> AsyncGenerator[list[UsageRow]]:
    """The chosen rows, oldest first, in lists of up to `chunk`; `group_by` means nothing here.

    Each list is read by itself, so that a reader who takes an hour holds no connection and no snapshot. Rows
    of requests that end meanwhile may be left out; choose a `to_ms` in the past for a closed account.
    """
    columns = tables.usage.c
    wanted = select_rows().where(*conditions(query))
    wanted = wanted.order_by(columns.created_ms, columns.id).limit(chunk)
    after: tuple[int, str] | None = None
    while True:
        page = wanted if after is None else wanted.where(tuple_(columns.created_ms, columns.id) > after)
        async with store.read() as connection:
            found = await connection.execute(page)
            rows = [row_of(row) for row in found]
        if rows:
            yield rows
            after = rows[-1].created_ms, rows[-1].id
        if len(rows) < chunk:
            return
