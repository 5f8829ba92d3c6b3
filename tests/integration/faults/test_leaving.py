"""Clients that leave: the engine stops, the place is free, and what they were given is metered."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.integration.engines.server import Server
from tests.integration.gateway.acts import Telling
from tests.integration.gateway.calls import (
    ask,
    bearer,
    chat_body,
    eventually,
    new_key,
    rows_of,
    upstream_model,
)
from tests.server import Platform

ONE_PLACE = {"max_concurrency": 1, "max_queue": 0}


async def only_row(client: aiohttp.ClientSession, model: str) -> dict[str, Any]:
    """The model's one row, once it is there."""
    rows = await eventually(lambda: rows_of(client, model=model))
    assert len(rows) == 1
    return rows[0]


async def test_leaving_a_stream_stops_the_engine_and_meters_what_was_given(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    telling = Telling(words=6, holds_at=3)
    engine.will(telling)
    made = await new_key(client, ONE_PLACE)
    async with upstream_model(client, engine, price="1000") as name:
        body, headers = chat_body(name, stream=True), bearer(made["secret"])
        async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
            text = b""
            while text.count(b"snow") < 3:
                text += await reply.content.readany()
            reply.close()
        await eventually(lambda: telling.left == 1)
        row = await only_row(client, name)
        telling.released.set()
        async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
            assert reply.status == 200, "the place was not given back"
            await reply.read()
    assert (row["status"], row["error_code"], row["completion_tokens"]) == (499, "ClientClosedRequest", 3)
    assert float(row["price"]) > 0


@pytest.mark.parametrize("stream", [True, False])
async def test_leaving_before_the_first_byte(
    client: aiohttp.ClientSession, engine: Server, stream: bool
) -> None:
    telling = Telling(holds_at=0)
    engine.will(telling)
    made = await new_key(client, ONE_PLACE)
    async with upstream_model(client, engine) as name:
        asking = asyncio.ensure_future(
            client.post(
                "/v1/chat/completions", json=chat_body(name, stream=stream), headers=bearer(made["secret"])
            )
        )
        await eventually(lambda: telling.running == 1)
        asking.cancel()
        await eventually(lambda: telling.left == 1)
        row = await only_row(client, name)
        telling.released.set()
        answer = await client.post(
            "/v1/chat/completions", json=chat_body(name), headers=bearer(made["secret"])
        )
        assert answer.status == 200, "the place was not given back"
    assert (row["status"], row["completion_tokens"], row["stream"]) == (499, 0, stream)


async def test_leaving_the_line_takes_no_place_and_leaves_no_row(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    telling = Telling(holds_at=0)
    engine.will(telling)
    made = await new_key(client, {"max_concurrency": 1, "max_queue": 1})
    headers = bearer(made["secret"])
    async with upstream_model(client, engine) as name:
        body = chat_body(name)

        async def answered() -> int:
            async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
                return reply.status

        first = asyncio.ensure_future(answered())
        await eventually(lambda: telling.running == 1)
        waiting = asyncio.ensure_future(answered())
        await eventually(lambda: waiting_in_line(client))
        assert await answered() == 429
        waiting.cancel()
        await eventually(lambda: nobody_in_line(client))
        telling.released.set()
        assert await first == 200
        assert await answered() == 200
        assert [row["status"] for row in await rows_of(client, model=name)] == [200, 200]


async def waiting_in_line(client: aiohttp.ClientSession) -> bool:
    return await reading(client, "longslope_requests_waiting") > 0


async def nobody_in_line(client: aiohttp.ClientSession) -> bool:
    return await reading(client, "longslope_requests_waiting") == 0


async def reading(client: aiohttp.ClientSession, name: str) -> float:
    """A gauge of the platform."""
    async with client.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


@pytest.mark.parametrize("stream", [True, False])
async def test_leaving_a_real_engine_frees_its_slot(
    server: Platform, client: aiohttp.ClientSession, stream: bool
) -> None:
    made = await new_key(client)
    body = chat_body("mini", stream=stream, max_tokens=3000, logit_bias={"2": -100})  # 2 ends mini's text
    before = len(await rows_of(client, project_id=made["key"]["project_id"]))
    assert before == 0
    asking = asyncio.ensure_future(
        client.post("/v1/chat/completions", json=body, headers=bearer(made["secret"]))
    )
    await eventually(lambda: mini_is_busy(client))
    if stream:
        await (await asking).content.readany()
        (await asking).close()
    else:
        asking.cancel()
    await eventually(lambda: mini_is_idle(client))
    rows = await eventually(lambda: rows_of(client, project_id=made["key"]["project_id"]))
    assert [row["status"] for row in rows] == [499]


async def mini_is_busy(client: aiohttp.ClientSession) -> bool:
    return await mini_in_flight(client) > 0


async def mini_is_idle(client: aiohttp.ClientSession) -> bool:
    return await mini_in_flight(client) == 0


async def mini_in_flight(client: aiohttp.ClientSession) -> int:
    engines = await ask(client, "GET", "/platform/v1/engines")
    return sum(each["in_flight"] for each in engines["data"] if each["version"] == "mini@1")
