"""Usage: one row a request, appended in groups and never updated; every bill and every chart comes from it.

Appending is the hot path: some microseconds a row. It may be given a row twice (a writer that does not know
whether its commit arrived), which leaves one row, and a client's retry, which leaves two rows of which one is
billed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.store import names, tables
from longslope.store.database import Store, in_sqlite, sqlite_transaction


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a request used. Times as in `tables`: `*_ms` since the epoch, `*_us` since the request arrived."""

    id: str  # the request's id
    client_request_id: str | None = None
    retry_of: str | None = None
    project_id: str
    key_id: str
    endpoint_id: str | None = None
    model: str
    version_id: str
    engine: str
    operation: str
    stream: bool
    status: int  # HTTP status; 499 when the client left
    error_code: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    price_id: str | None = None
    price_nano: int
    cost_id: str | None = None
    cost_nano: int
    currency: str
    created_ms: int
    resolved_us: int
    admitted_us: int
    first_us: int  # 0: the engine sent nothing
    total_us: int


COLUMNS = UsageRow.__struct_fields__


def select_rows() -> Select[*tuple[Any, ...]]:
    """The SELECT of whole rows, to be narrowed; its rows are read by `row_of`."""
    return select(*(tables.usage.c[name] for name in COLUMNS))


def row_of(values: Sequence[Any]) -> UsageRow:
    """The struct of a row that `select_rows` has found."""
    # Twice as fast as by SQLAlchemy's own mapping of a row, and an export reads millions.
    return UsageRow(**dict(zip(COLUMNS, values, strict=True)))


_USAGE = "INSERT INTO usage ({}) VALUES ({}) ON CONFLICT DO NOTHING"
_SQLITE_USAGE = _USAGE.format(", ".join(COLUMNS), ", ".join("?" for _ in COLUMNS))
_POSTGRES_USAGE = _USAGE.format(", ".join(COLUMNS), ", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1)))
_SQLITE_BILL = (
    "INSERT INTO billed (project_id, client_request_id, request_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
_POSTGRES_BILL = (
    "INSERT INTO billed (project_id, client_request_id, request_id)"
    " SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING RETURNING 1"
)
_SQLITE_BILLED = "SELECT request_id FROM billed WHERE project_id = ? AND client_request_id = ?"
# A subquery, as the planner would take a join for cause to read the whole table.
_POSTGRES_BILLED = (
    "SELECT asked.project_id, asked.client_request_id, (SELECT billed.request_id FROM billed"
    " WHERE billed.project_id = asked.project_id AND billed.client_request_id = asked.client_request_id)"
    " FROM unnest($1::text[], $2::text[]) AS asked (project_id, client_request_id)"
)


async def append_group(store: Store, rows: Sequence[UsageRow]) -> list[str]:
    """`insert_group` in a transaction of its own, durable on return; on SQLite in one switch of threads."""
    if not rows:
        return []
    if store.is_sqlite:
        return await sqlite_transaction(store, partial(_append_to_sqlite, _Group(rows)), _SQLITE_USAGE)
    async with store.write() as connection:
        return await _append_to_postgres(connection, _Group(rows))


async def insert_group(connection: AsyncConnection, rows: Sequence[UsageRow]) -> list[str]:
    """Appends `rows` within the open transaction, and returns the ids of those that turned out to be retries.

    A retry has the project and client_request_id of a request that was billed (a price, or a status below
    400): its row says so in `retry_of` and its price is 0; its cost stays, as it did cost. A row whose id is
    stored already is left out. Text too long for its column is cut and numbers past 50 bits are capped, so
    that nothing an upstream sends can keep a group from being stored, or sums of such rows from fitting 64
    bits. Raises SQLAlchemy's DBAPIError, for instance OperationalError where the disk is full; the caller's
    transaction then stores none of them, and they may be given again.
    """
    if not rows:
        return []
    if connection.dialect.name == "sqlite":
        return await in_sqlite(connection, partial(_append_to_sqlite, _Group(rows)), _SQLITE_USAGE)
    return await _append_to_postgres(connection, _Group(rows))


_Key = tuple[str, str]  # project, client_request_id


class _Group:
    """Rows to append, and what is to be asked and claimed in `billed` for them, in the order of the keys.

    The order matters: two gateways that bill the same two requests would else wait for each other.
    """

    def __init__(self, rows: Sequence[UsageRow]) -> None:
        self.rows = [_storable(row) for row in rows]
        self.first: dict[_Key, str] = {}  # the first row of the group to bill for a key
        asked: set[_Key] = set()
        for row in self.rows:
            if not row.client_request_id or row.retry_of is not None:
                continue
            key = row.project_id, row.client_request_id
            asked.add(key)
            if row.price_nano > 0 or row.status < 400:
                self.first.setdefault(key, row.id)
        self.asked = sorted(asked)
        self.claims = [(*key, self.first[key]) for key in self.asked if key in self.first]

    def settle(self, billed: dict[_Key, str]) -> tuple[list[UsageRow], list[str]]:
        """The rows, retries marked, and the retries' ids. `billed`: which request was billed for a key."""
        if not billed:
            return self.rows, []
        settled: list[UsageRow] = []
        retries: list[str] = []
        reached: set[str] = set()
        for row in self.rows:
            key = row.project_id, row.client_request_id or ""
            winner = None if row.retry_of else billed.get(key)
            if winner is None or winner == row.id:
                reached.add(row.id)
            elif winner in reached or self.first.get(key) != winner:
                row = msgspec.structs.replace(row, price_nano=0, retry_of=winner)
                retries.append(row.id)
            # Else the row failed, unbilled, before the one that was billed came.
            settled.append(row)
        return settled, retries


def _append_to_sqlite(group: _Group, driver: sqlite3.Connection) -> list[str]:
    billed: dict[_Key, str] = {}
    won = driver.executemany(_SQLITE_BILL, group.claims).rowcount if group.claims else 0
    if won == len(group.asked):
        billed = group.first
    else:
        for key in group.asked:
            found = driver.execute(_SQLITE_BILLED, key).fetchone()
            if found is not None:
                billed[key] = found[0]
    rows, retries = group.settle(billed)
    driver.executemany(_SQLITE_USAGE, map(msgspec.structs.astuple, rows))
    return retries


async def _append_to_postgres(connection: AsyncConnection, group: _Group) -> list[str]:
    billed: dict[_Key, str] = {}
    won = 0
    if group.claims:
        columns = tuple(map(list, zip(*group.claims, strict=True)))
        won = len((await connection.exec_driver_sql(_POSTGRES_BILL, columns)).all())
    if won == len(group.asked):
        billed = group.first
    else:
        columns = tuple(map(list, zip(*group.asked, strict=True)))
        found = await connection.exec_driver_sql(_POSTGRES_BILLED, columns)
        billed = {(row.project_id, row.client_request_id): row.request_id for row in found if row.request_id}
    rows, retries = group.settle(billed)
    await connection.exec_driver_sql(_POSTGRES_USAGE, [msgspec.structs.astuple(row) for row in rows])
    return retries


# The columns whose text comes from outside: a client's header, an upstream's answer.
_FOREIGN = tuple(
    (name, names.limit(tables.usage.c[name])) for name in ("client_request_id", "error_code", "finish_reason")
)
_BITS = 50
_COUNTED = tuple(name for name in COLUMNS if name.endswith(("_tokens", "_nano", "_ms", "_us")))


def _storable(row: UsageRow) -> UsageRow:
    changes: dict[str, Any] = {}
    for name, limit in _FOREIGN:
        text: str | None = getattr(row, name)
        if text is not None and (len(text) > limit or not text.isascii() or "\x00" in text):
            changes[name] = names.storable(text, limit)
    # One test for all: a number below 0 or too large leaves a bit above the 50th in the union of all.
    union = (
        row.prompt_tokens | row.cached_tokens | row.completion_tokens | row.price_nano | row.cost_nano
        | row.created_ms | row.resolved_us | row.admitted_us | row.first_us | row.total_us
    )  # fmt: skip
    if union >> _BITS:
        changes.update({name: min(max(getattr(row, name), 0), (1 << _BITS) - 1) for name in _COUNTED})
    return msgspec.structs.replace(row, **changes) if changes else row
