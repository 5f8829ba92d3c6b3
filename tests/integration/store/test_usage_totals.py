from __future__ import annotations

import datetime
import math
import random
from collections import defaultdict

import pytest

from longslope.errors import InvalidRequest
from longslope.store.database import Store
from longslope.store.usage import UsageRow, append_group
from longslope.store.usage_query import GROUPINGS, UsageQuery, iter_rows
from longslope.store.usage_totals import UsageGroup, aggregate, first_tokens
from tests.integration.store.samples import usage_row

NEW_YEAR_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY_MS = 86_400_000
FIELDS = {
    "model": "model",
    "version": "version_id",
    "project": "project_id",
    "key": "key_id",
    "endpoint": "endpoint_id",
    "operation": "operation",
}


def random_rows(number: int) -> list[UsageRow]:
    chance = random.Random(11)
    return [
        usage_row(
            project_id=f"proj-{chance.randrange(3)}",
            key_id=f"key-{chance.randrange(4)}",
            model=(model := chance.choice(["mini", "lite", "pro"])),
            version_id=f"{model}@{chance.randrange(1, 3)}",
            endpoint_id=chance.choice([None, "ep-a", "ep-b"]),
            operation=chance.choice(["chat", "embeddings"]),
            status=chance.choice([200, 200, 200, 400, 499, 503]),
            currency=chance.choice(["CNY", "CNY", "USD"]),
            prompt_tokens=chance.randrange(10_000),
            cached_tokens=chance.randrange(5_000),
            completion_tokens=chance.randrange(2_000),
            price_nano=chance.randrange(10**9),
            cost_nano=chance.randrange(10**9),
            first_us=chance.choice([0, chance.randrange(1, 10**6)]),
            created_ms=NEW_YEAR_MS + chance.randrange(-2 * DAY_MS, 3 * DAY_MS),
        )
        for _ in range(number)
    ]


def day_of(row: UsageRow, offset_min: int) -> str:
    zone = datetime.timezone(datetime.timedelta(minutes=offset_min))
    return datetime.datetime.fromtimestamp(row.created_ms / 1000, zone).date().isoformat()


def chosen(rows: list[UsageRow], query: UsageQuery) -> list[UsageRow]:
    return [
        row
        for row in rows
        if (query.from_ms is None or row.created_ms >= query.from_ms)
        and (query.to_ms is None or row.created_ms < query.to_ms)
        and (query.project_id is None or row.project_id == query.project_id)
        and (query.key_id is None or row.key_id == query.key_id)
        and (query.model is None or row.model == query.model)
    ]


def named(row: UsageRow, query: UsageQuery) -> tuple[str | None, ...]:
    return tuple(
        day_of(row, query.tz_offset_min) if grouping == "day" else getattr(row, FIELDS[grouping])
        for grouping in query.group_by
    )


def summed(rows: list[UsageRow], query: UsageQuery) -> set[UsageGroup]:
    """The same sums by the plainest code."""
    groups: dict[tuple[tuple[str | None, ...], str], list[UsageRow]] = defaultdict(list)
    for row in chosen(rows, query):
        groups[named(row, query), row.currency].append(row)
    result = set()
    for (names, currency), members in groups.items():
        answered = [row.first_us for row in members if row.first_us]
        result.add(
            UsageGroup(
                **dict(zip(query.group_by, names, strict=True)),
                currency=currency,
                requests=len(members),
                errors=sum(row.status >= 400 for row in members),
                prompt_tokens=sum(row.prompt_tokens for row in members),
                cached_tokens=sum(row.cached_tokens for row in members),
                completion_tokens=sum(row.completion_tokens for row in members),
                price_nano=sum(row.price_nano for row in members),
                cost_nano=sum(row.cost_nano for row in members),
                margin_nano=sum(row.price_nano - row.cost_nano for row in members),
                first_mean_us=round(sum(answered) / len(answered)) if answered else None,
            )
        )
    return result


QUERIES = [
    UsageQuery(),
    *(UsageQuery(group_by=(grouping,)) for grouping in GROUPINGS),
    UsageQuery(group_by=GROUPINGS, tz_offset_min=-330),
    UsageQuery(group_by=("day", "model"), tz_offset_min=480),
    UsageQuery(group_by=("day", "day"), from_ms=NEW_YEAR_MS, to_ms=NEW_YEAR_MS + DAY_MS),
    UsageQuery(group_by=("key",), project_id="proj-1", model="lite"),
    UsageQuery(key_id="key-2", group_by=("endpoint",)),
    UsageQuery(project_id="a\x00b"),
]


async def test_totals_are_those_of_the_plainest_code(store: Store) -> None:
    rows = random_rows(400)
    await append_group(store, rows)
    async with store.read() as connection:
        for query in QUERIES:
            found = await aggregate(connection, query)
            assert len(found) == len(set(found))
            assert set(found) == summed(rows, query), query


async def test_first_tokens_are_ranked_by_nearest_rank(store: Store) -> None:
    rows = random_rows(300)
    await append_group(store, rows)

    def rank(values: list[int], share: float) -> int:
        return sorted(values)[math.ceil(len(values) * share) - 1]

    async with store.read() as connection:
        for query in QUERIES:
            groups: dict[tuple[str | None, ...], list[int]] = defaultdict(list)
            for row in chosen(rows, query):
                if row.first_us:
                    groups[named(row, query)].append(row.first_us)
            expected = {
                (names, len(values), rank(values, 0.5), rank(values, 0.95))
                for names, values in groups.items()
            }
            found = await first_tokens(connection, query)
            assert {
                (
                    tuple(getattr(each, grouping) for grouping in query.group_by),
                    each.answered,
                    each.p50_us,
                    each.p95_us,
                )
                for each in found
            } == expected, query


async def test_days_come_in_order_and_nothing_gives_no_groups(store: Store) -> None:
    async with store.read() as connection:
        assert await aggregate(connection, UsageQuery()) == []
        assert await first_tokens(connection, UsageQuery(group_by=("day",))) == []
        assert await first_tokens(connection, UsageQuery()) == []
    await append_group(store, random_rows(100))
    async with store.read() as connection:
        days = [group.day for group in await aggregate(connection, UsageQuery(group_by=("day",)))]
    assert days == sorted(days, key=str)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        (UsageQuery(group_by=("modle",)), 'Did you mean "model"'),  # type: ignore[arg-type]
        (UsageQuery(group_by=("day",), tz_offset_min=5_000), "5000"),
        (UsageQuery(from_ms=-1), "from"),
        (UsageQuery(to_ms=2**63), "to"),
    ],
)
async def test_an_impossible_query_is_refused(store: Store, query: UsageQuery, named: str) -> None:
    async with store.read() as connection:
        with pytest.raises(InvalidRequest, match=named):
            await aggregate(connection, query)


async def test_all_rows_are_read_once_in_order_whatever_the_chunk(store: Store) -> None:
    moments = random.Random(3)
    rows = [usage_row(created_ms=NEW_YEAR_MS + moments.randrange(4)) for _ in range(60)]
    await append_group(store, rows)
    expected = sorted(rows, key=lambda row: (row.created_ms, row.id))
    for chunk in (1, 7, 30, 60, 1_000):
        lists = [part async for part in iter_rows(store, UsageQuery(), chunk)]
        assert [row for part in lists for row in part] == expected
        assert all(0 < len(part) <= chunk for part in lists)
    narrow = UsageQuery(from_ms=NEW_YEAR_MS + 1, to_ms=NEW_YEAR_MS + 3)
    found = [row async for part in iter_rows(store, narrow, 5) for row in part]
    assert found == chosen(expected, narrow)
