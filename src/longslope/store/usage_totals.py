"""Usage summed up: what was asked for, what it cost, and how soon the first token came, per day, model,
project, ….

Every figure is computed from the rows at the moment it is asked for; nothing is kept beside them. Money of
different currencies is never added: the currency is always part of the grouping.
"""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, case, func, literal_column, nulls_last, select
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.store import names, tables
from longslope.store.usage_query import GROUPINGS, Grouping, UsageQuery, conditions

_DAY_MS = 86_400_000
_MOST_OFFSET_MIN = 18 * 60  # further ahead or behind UTC no clock is


class UsageGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The sums over one group of requests. Of the first seven fields those are set that were grouped by."""

    day: str | None = None  # 2026-01-31
    model: str | None = None
    version: str | None = None
    project: str | None = None
    key: str | None = None
    endpoint: str | None = None
    operation: str | None = None
    currency: str
    requests: int
    errors: int  # those with a status of 400 or more
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    price_nano: int
    cost_nano: int
    margin_nano: int
    first_mean_us: int | None  # over the requests that an engine answered; None where it answered none


class FirstToken(msgspec.Struct, frozen=True, kw_only=True):
    """How soon the engine's first byte came in one group, in microseconds, by nearest rank."""

    day: str | None = None
    model: str | None = None
    version: str | None = None
    project: str | None = None
    key: str | None = None
    endpoint: str | None = None
    operation: str | None = None
    answered: int
    p50_us: int
    p95_us: int


async def aggregate(connection: AsyncConnection, query: UsageQuery) -> list[UsageGroup]:
    """The sums of each group, ordered by the grouping; one per currency where nothing is grouped by.

    Raises InvalidRequest for an unknown grouping or an impossible time zone.
    """
    columns = tables.usage.c
    answered = case((columns.first_us > 0, columns.first_us))
    keys = _keys(query)
    wanted = _grouped(
        select(
            *keys,
            columns.currency,
            func.count().label("requests"),
            func.sum(case((columns.status >= 400, 1), else_=0)).label("errors"),
            func.sum(columns.prompt_tokens).label("prompt_tokens"),
            func.sum(columns.cached_tokens).label("cached_tokens"),
            func.sum(columns.completion_tokens).label("completion_tokens"),
            func.sum(columns.price_nano).label("price_nano"),
            func.sum(columns.cost_nano).label("cost_nano"),
            func.avg(answered).label("first_mean_us"),
        ).where(*conditions(query)),
        [*keys, columns.currency],
    )
    return [_group(row, query) for row in await connection.execute(wanted)]


async def first_tokens(connection: AsyncConnection, query: UsageQuery) -> list[FirstToken]:
    """The median and the 95th percentile of the time to the first token of each group that was answered at
    all.

    Sorts the rows in the database, which is dearer than `aggregate`. Raises as that does.
    """
    columns = tables.usage.c
    keys = _keys(query)
    partition = [key.element for key in keys]
    ranked = (
        select(
            *keys,
            columns.first_us,
            func.row_number().over(partition_by=partition, order_by=columns.first_us).label("rank"),
            func.count().over(partition_by=partition).label("answered"),
        )
        .where(columns.first_us > 0, *conditions(query))
        .subquery()
    )
    rank, answered = ranked.c.rank, ranked.c.answered
    groups: list[Any] = [ranked.c[key.name] for key in keys]
    wanted = _grouped(
        select(
            *groups,
            func.max(answered).label("answered"),
            func.max(case((rank == (answered * 50 + 99) // 100, ranked.c.first_us))).label("p50_us"),
            func.max(case((rank == (answered * 95 + 99) // 100, ranked.c.first_us))).label("p95_us"),
        ),
        groups,
    )
    return [
        FirstToken(**_named(row, query), answered=row.answered, p50_us=row.p50_us, p95_us=row.p95_us)
        for row in await connection.execute(wanted)
        if row.answered
    ]


def _keys(query: UsageQuery) -> list[Any]:
    """The grouping's columns, labelled with its names."""
    names.check_number(query.tz_offset_min, param="tz_offset", least=-_MOST_OFFSET_MIN, most=_MOST_OFFSET_MIN)
    for grouping in query.group_by:
        names.check_choice(grouping, GROUPINGS, param="group_by")
    columns = tables.usage.c
    # Literal, as Postgres takes two equal parameters in SELECT and GROUP BY for two different expressions.
    day = (columns.created_ms + literal_column(str(query.tz_offset_min * 60_000))) // literal_column(
        str(_DAY_MS)
    )
    expressions: dict[Grouping, ColumnElement[Any]] = {
        "day": day,
        "model": columns.model,
        "version": columns.version_id,
        "project": columns.project_id,
        "key": columns.key_id,
        "endpoint": columns.endpoint_id,
        "operation": columns.operation,
    }
    return [expressions[grouping].label(grouping) for grouping in dict.fromkeys(query.group_by)]


def _grouped(wanted: Select[*tuple[Any, ...]], keys: list[Any]) -> Select[*tuple[Any, ...]]:
    return wanted.group_by(*keys).order_by(*(nulls_last(key) for key in keys)) if keys else wanted


def _named(row: Row[*tuple[Any, ...]], query: UsageQuery) -> dict[str, Any]:
    named: dict[str, Any] = {grouping: getattr(row, grouping) for grouping in query.group_by}
    if "day" in named:
        day = datetime.datetime.fromtimestamp(named["day"] * _DAY_MS / 1000, datetime.UTC)
        named["day"] = day.date().isoformat()
    return named


def _group(row: Row[*tuple[Any, ...]], query: UsageQuery) -> UsageGroup:
    # Postgres sums 64-bit columns as decimals.
    return UsageGroup(
        **_named(row, query),
        currency=row.currency,
        requests=row.requests,
        errors=int(row.errors),
        prompt_tokens=int(row.prompt_tokens),
        cached_tokens=int(row.cached_tokens),
        completion_tokens=int(row.completion_tokens),
        price_nano=int(row.price_nano),
        cost_nano=int(row.cost_nano),
        margin_nano=int(row.price_nano) - int(row.cost_nano),
        first_mean_us=None if row.first_mean_us is None else round(row.first_mean_us),
    )
