"""More requests at once than there are places: each is answered or told when to come back, none hangs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.engines.server import Server
from tests.integration.gateway.acts import Telling
from tests.integration.gateway.calls import bearer, chat_body, eventually, new_key, rows_of, upstream_model
from tests.server import Platform

CROWD = 500
PLACES = 20
LINE = 80


@pytest.fixture
async def crowd_client(server: Platform) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that opens as many connections as it is asked to."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(server.url, headers=server.headers, connector=connector) as session:
        yield session


async def test_each_of_500_at_once_is_answered_or_told_to_wait(
    crowd_client: aiohttp.ClientSession, engine: Server
) -> None:
    telling = Telling(holds_at=0)
    engine.will(telling)
    limits = {"max_concurrency": PLACES, "max_queue": LINE, "queue_deadline_ms": 120_000}
    made = await new_key(crowd_client, limits)
    refused = 0

    async def one(place: int, model: str) -> int:
        nonlocal refused
        body, headers = chat_body(model, stream=place % 2 == 0), bearer(made["secret"])
        async with crowd_client.post("/v1/chat/completions", json=body, headers=headers) as reply:
            text = await reply.text()
        if reply.status == 429:
            refused += 1
            assert int(reply.headers["retry-after"]) >= 1
            assert "InflightBatchsizeExceeded" in text
            assert f"{PLACES} and {LINE}" in text
        elif place % 2 == 0:
            assert text.endswith("data: [DONE]\n\n")
        return reply.status

    async with upstream_model(crowd_client, engine) as name:
        asking = [asyncio.ensure_future(one(place, name)) for place in range(CROWD)]
        await eventually(lambda: refused == CROWD - PLACES - LINE)
        await eventually(lambda: telling.running == PLACES)
        telling.released.set()
        statuses = Counter(await asyncio.gather(*asking))
        rows = await rows_of(crowd_client, model=name)
    assert statuses == {200: PLACES + LINE, 429: CROWD - PLACES - LINE}
    assert Counter(row["status"] for row in rows) == {200: PLACES + LINE}


@pytest.mark.parametrize("stream", [True, False])
async def test_the_line_has_a_deadline(client: aiohttp.ClientSession, engine: Server, stream: bool) -> None:
    telling = Telling(holds_at=0)
    engine.will(telling)
    made = await new_key(client, {"max_concurrency": 1, "max_queue": 9, "queue_deadline_ms": 50})
    headers = bearer(made["secret"])
    async with upstream_model(client, engine) as name:
        body = chat_body(name, stream=stream)
        first = asyncio.ensure_future(client.post("/v1/chat/completions", json=body, headers=headers))
        await eventually(lambda: telling.running == 1)
        async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
            error = (await reply.json())["error"]
        telling.released.set()
        assert (await first).status == 200
    assert (reply.status, error["code"]) == (429, "InflightBatchsizeExceeded")
    assert "0.05 s" in error["message"]
    assert int(reply.headers["retry-after"]) >= 1


async def test_one_projects_crowd_takes_no_others_place(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    telling = Telling(holds_at=0)
    engine.will(telling)
    crowded, other = [await new_key(client, {"max_concurrency": 1, "max_queue": 0}) for _ in range(2)]
    async with upstream_model(client, engine) as name:
        asking = [
            asyncio.ensure_future(
                client.post("/v1/chat/completions", json=chat_body(name), headers=bearer(made["secret"]))
            )
            for made in (crowded, other)
        ]
        await eventually(lambda: telling.running == 2)
        telling.released.set()
        assert [(await each).status for each in asking] == [200, 200]
