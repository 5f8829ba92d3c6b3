from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest
from sqlalchemy import func, select

from longslope.clock import new_id
from longslope.store import tables
from longslope.store.database import Store
from longslope.store.requests import get_request
from longslope.store.usage import COLUMNS, UsageRow, append_group, insert_group
from tests.integration.store.samples import usage_row

Append = Callable[[Store, Sequence[UsageRow]], Awaitable[list[str]]]


async def _insert(store: Store, rows: Sequence[UsageRow]) -> list[str]:
    async with store.write() as connection:
        return await insert_group(connection, rows)


@pytest.fixture(params=[append_group, _insert], ids=["append", "insert"])
def append(request: pytest.FixtureRequest) -> Append:
    """Both ways of appending."""
    return request.param


async def stored(store: Store, request_id: str) -> UsageRow:
    async with store.read() as connection:
        return await get_request(connection, request_id)


async def count(store: Store) -> int:
    async with store.read() as connection:
        return await connection.scalar(select(func.count()).select_from(tables.usage)) or 0


def test_a_row_has_the_tables_columns() -> None:
    assert tuple(column.name for column in tables.usage.columns) == COLUMNS


async def test_rows_come_back_as_they_were_given(store: Store, append: Append) -> None:
    rows = [
        usage_row(),
        usage_row(stream=True, status=499, finish_reason=None, endpoint_id="ep-1", first_us=0),
        usage_row(client_request_id="c-1", error_code="ServiceUnavailable", status=503, price_nano=0),
        usage_row(total_us=3 * 3_600_000_000, prompt_tokens=2**40),  # three hours; more than 32 bits
        usage_row(price_id=None, cost_id=None, price_nano=0, cost_nano=0),
    ]
    assert await append(store, rows) == []
    assert [await stored(store, row.id) for row in rows] == rows
    assert await append(store, []) == []


async def test_a_row_given_again_is_left_out(store: Store, append: Append) -> None:
    rows = [usage_row(client_request_id=new_id("c") if n % 2 else None) for n in range(8)]
    assert await append(store, rows) == []
    assert await append(store, [*rows[3:], rows[4], usage_row()]) == []
    assert [await stored(store, row.id) for row in rows] == rows
    assert await count(store) == 9


async def test_a_clients_retry_is_not_billed_again_but_did_cost(store: Store, append: Append) -> None:
    first, again = usage_row(client_request_id="c"), usage_row(client_request_id="c")
    assert await append(store, [first]) == []
    assert await append(store, [again]) == [again.id]
    assert await stored(store, first.id) == first
    assert await stored(store, again.id) == msgspec.structs.replace(again, price_nano=0, retry_of=first.id)


async def test_a_retry_within_one_group_is_not_billed_again(store: Store, append: Append) -> None:
    first, second, third = (usage_row(client_request_id="c") for _ in range(3))
    assert await append(store, [first, second, third]) == [second.id, third.id]
    assert [(await stored(store, row.id)).price_nano for row in (first, second, third)] == [7_000, 0, 0]
    assert (await stored(store, third.id)).retry_of == first.id


async def test_what_failed_unbilled_leaves_the_bill_to_the_retry(store: Store, append: Append) -> None:
    failed = usage_row(client_request_id="c", status=503, price_nano=0)
    won = usage_row(client_request_id="c")
    late = usage_row(client_request_id="c", status=503, price_nano=0)
    assert await append(store, [failed, won, late]) == [late.id]
    assert await stored(store, failed.id) == failed
    assert await stored(store, won.id) == won
    assert (await stored(store, late.id)).retry_of == won.id


async def test_a_failure_that_was_billed_is_billed_once(store: Store, append: Append) -> None:
    left = usage_row(client_request_id="c", status=499, price_nano=900)
    again = usage_row(client_request_id="c")
    await append(store, [left])
    assert await append(store, [again]) == [again.id]
    assert (await stored(store, left.id)).price_nano == 900


async def test_a_free_answer_counts_as_billed(store: Store, append: Append) -> None:
    free, again = usage_row(client_request_id="c", price_nano=0), usage_row(client_request_id="c")
    await append(store, [free])
    assert await append(store, [again]) == [again.id]


async def test_a_request_id_belongs_to_its_project(store: Store, append: Append) -> None:
    rows = [usage_row(client_request_id="c", project_id=f"proj-{n}") for n in range(3)]
    assert await append(store, rows) == []
    assert [await stored(store, row.id) for row in rows] == rows


async def test_an_empty_request_id_is_none(store: Store, append: Append) -> None:
    rows = [usage_row(client_request_id="") for _ in range(2)]
    assert await append(store, rows) == []
    assert await stored(store, rows[1].id) == rows[1]


async def test_a_group_that_is_rolled_back_bills_nothing(store: Store) -> None:
    lost, again = usage_row(client_request_id="c"), usage_row(client_request_id="c")
    with pytest.raises(RuntimeError, match="power"):
        async with store.write() as connection:
            await insert_group(connection, [lost])
            raise RuntimeError("power")
    assert await append_group(store, [again]) == []
    assert await count(store) == 1


async def test_nothing_from_outside_can_keep_a_group_from_being_stored(store: Store, append: Append) -> None:
    row = usage_row(
        client_request_id="x" * 500,
        error_code="NUL\x00" * 40,
        finish_reason="半\ud800" * 30,
        prompt_tokens=10**30,
        completion_tokens=-5,
        price_nano=10**25,
        first_us=-1,
    )
    fine = usage_row()
    assert await append(store, [row, fine]) == []
    kept = await stored(store, row.id)
    assert kept.client_request_id == "x" * 128
    assert kept.error_code == ("NUL\ufffd" * 40)[:64]
    assert kept.finish_reason == ("半\ufffd" * 30)[:32]
    assert (kept.prompt_tokens, kept.completion_tokens, kept.first_us) == (2**50 - 1, 0, 0)
    assert kept.created_ms == row.created_ms
    assert await stored(store, fine.id) == fine


async def open_connections(store: Store, number: int) -> None:
    """Fills the store's pool."""
    together = asyncio.Barrier(number)

    async def connect() -> None:
        async with store.read():
            await together.wait()

    await asyncio.gather(*(connect() for _ in range(number)))


async def test_writers_that_bill_the_same_requests_at_once_bill_each_once(store: Store) -> None:
    shuffled = random.Random(7)
    clients = [f"c-{n:02}" for n in range(60)]
    groups = []
    for _ in range(6):
        shuffled.shuffle(clients)
        groups.append([usage_row(client_request_id=client) for client in clients])
    await open_connections(store, len(groups))  # else the time it takes to connect would keep them apart
    retries = await asyncio.gather(*(append_group(store, group) for group in groups))
    assert sum(len(each) for each in retries) == 5 * 60
    columns = tables.usage.c
    async with store.read() as connection:
        billed = await connection.execute(
            select(columns.client_request_id, func.sum(columns.price_nano), func.count())
            .group_by(columns.client_request_id)
            .order_by(columns.client_request_id)
        )
        assert [tuple(row) for row in billed] == [(client, 7_000, 6) for client in sorted(clients)]
