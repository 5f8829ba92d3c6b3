from __future__ import annotations

import random

import pytest

from longslope.errors import InvalidRequest, NotFound
from longslope.store.database import Store
from longslope.store.requests import Cursor, RequestQuery, get_request, list_requests
from longslope.store.usage import UsageRow, append_group
from tests.integration.store.samples import usage_row


async def pages(store: Store, **filters: object) -> list[list[UsageRow]]:
    """Every page of a listing, while rows keep arriving at its head."""
    found: list[list[UsageRow]] = []
    after: Cursor | None = None
    while True:
        query = RequestQuery(after=after, **filters)  # type: ignore[arg-type]
        async with store.read() as connection:
            page = await list_requests(connection, query)
        found.append(page.requests)
        after = page.next
        if after is None:
            return found
        await append_group(store, [usage_row(created_ms=10**13)])


async def test_pages_neither_repeat_nor_skip_while_rows_arrive(store: Store) -> None:
    moments = random.Random(5)
    rows = [usage_row(created_ms=1_000 + moments.randrange(5)) for _ in range(40)]
    await append_group(store, rows)
    found = await pages(store, limit=7)
    assert [len(page) for page in found] == [7, 7, 7, 7, 7, 5]
    newest_first = sorted(rows, key=lambda row: (row.created_ms, row.id), reverse=True)
    assert [row for page in found for row in page] == newest_first


async def test_the_last_page_has_no_next_even_when_it_is_full(store: Store) -> None:
    await append_group(store, [usage_row() for _ in range(6)])
    async with store.read() as connection:
        assert (await list_requests(connection, RequestQuery(limit=6))).next is None
        assert (await list_requests(connection, RequestQuery(limit=5))).next is not None
        assert (await list_requests(connection, RequestQuery(project_id="none"))).requests == []


async def test_each_filter_finds_its_rows_and_no_others(store: Store) -> None:
    rows = {
        "project": usage_row(project_id="proj-b"),
        "model": usage_row(model="pro"),
        "client": usage_row(client_request_id="Order_50%-Ä"),
        "refused": usage_row(status=429),
        "broken": usage_row(status=503),
    }
    await append_group(store, list(rows.values()))

    async def found(**filters: object) -> set[str]:
        async with store.read() as connection:
            page = await list_requests(connection, RequestQuery(**filters))  # type: ignore[arg-type]
        return {row.id for row in page.requests}

    assert await found(project_id="proj-b") == {rows["project"].id}
    assert await found(model="pro") == {rows["model"].id}
    assert await found(status_class=4) == {rows["refused"].id}
    assert await found(status_class=5) == {rows["broken"].id}
    assert await found(outcome="error") == {rows["refused"].id, rows["broken"].id}
    assert await found(outcome="ok") == await found(status_class=2)
    assert await found(status_class=2) == {rows[name].id for name in ("project", "model", "client")}
    assert await found(text=rows["broken"].id[8:]) == {rows["broken"].id}
    assert await found(text="order_50%") == {rows["client"].id}
    assert await found(text="%") == {rows["client"].id}  # not a wildcard
    assert await found(text="o_der") == set()
    assert await found(text="x\x00") == set()
    assert await found(text="") == {row.id for row in rows.values()}
    assert await found(model="pro", status_class=5) == set()


async def test_what_cannot_be_is_refused(store: Store) -> None:
    async with store.read() as connection:
        for query in (
            RequestQuery(limit=0),
            RequestQuery(limit=1_001),
            RequestQuery(status_class=9),
            RequestQuery(after=Cursor(2**70, "req-x")),
        ):
            with pytest.raises(InvalidRequest):
                await list_requests(connection, query)
        with pytest.raises(NotFound, match="req-none"):
            await get_request(connection, "req-none")
