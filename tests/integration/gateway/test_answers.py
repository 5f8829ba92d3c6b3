"""An answer on its way through the gateway: whose id it bears, what passes, what is metered."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import aiohttp
import pytest

from tests.integration.engines.server import Server, answer
from tests.integration.gateway.acts import CACHED_TOKENS, PROMPT_TOKENS, Telling
from tests.integration.gateway.calls import (
    ask,
    bearer,
    chat_body,
    events_in,
    eventually,
    new_key,
    row_of,
    rows_of,
    upstream_model,
)


async def test_a_whole_answer_bears_the_requests_id_and_version(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    engine.will(Telling(words=3))
    async with (
        upstream_model(client, engine) as name,
        client.post("/v1/chat/completions", json=chat_body(name)) as reply,
    ):
        body = await reply.json()
    assert body["id"] == reply.headers["x-request-id"]
    assert body["model"] == f"{name}@1"
    assert body["choices"][0]["message"]["content"] == "snow snow snow "
    assert engine.asked[0]["model"] == "its-own"


@pytest.mark.parametrize("asks_for_usage", [True, False])
async def test_a_stream_bears_the_requests_id_in_every_frame(
    client: aiohttp.ClientSession, engine: Server, asks_for_usage: bool
) -> None:
    engine.will(Telling(words=3))
    options = {"stream_options": {"include_usage": True}} if asks_for_usage else {}
    async with upstream_model(client, engine) as name:
        body = chat_body(name, stream=True, **options)
        async with client.post("/v1/chat/completions", json=body) as reply:
            assert reply.content_type == "text/event-stream"
            *frames, last = events_in(await reply.text())
    assert last == "[DONE]"
    assert {frame["id"] for frame in frames} == {reply.headers["x-request-id"]}
    assert {frame["model"] for frame in frames} == {f"{name}@1"}
    told = [choice["delta"].get("content", "") for frame in frames for choice in frame["choices"]]
    assert "".join(told) == "snow snow snow "
    usages = [frame["usage"] for frame in frames if frame.get("usage")]
    assert [usage["completion_tokens"] for usage in usages] == ([3] if asks_for_usage else [])


@pytest.mark.parametrize("stream", [True, False])
async def test_a_request_leaves_one_row_with_its_price_and_its_times(
    client: aiohttp.ClientSession, engine: Server, stream: bool
) -> None:
    engine.will(Telling(words=5))
    async with upstream_model(client, engine, price="2.5") as name:
        cost = {"input": "1", "cached_input": "0", "output": "3"}
        await ask(client, "POST", "/platform/v1/prices", model=name, side="cost", currency="CNY", **cost)
        body = chat_body(name, stream=stream)
        async with client.post("/v1/chat/completions", json=body) as reply:
            assert reply.status == 200
            await reply.read()
        row = await row_of(client, reply.headers["x-request-id"])
    counted = (row["prompt_tokens"], row["cached_tokens"], row["completion_tokens"])
    assert counted == (PROMPT_TOKENS, CACHED_TOKENS, 5)
    assert (row["status"], row["finish_reason"], row["stream"]) == (200, "stop", stream)
    assert Decimal(row["price"]) == Decimal("2.5") * 15 / 1_000_000
    assert Decimal(row["cost"]) == Decimal((PROMPT_TOKENS - CACHED_TOKENS) * 1 + 5 * 3) / 1_000_000
    times = [row["resolved_us"], row["admitted_us"], row["first_us"], row["total_us"]]
    assert times == sorted(times)
    assert times[0] > 0


async def test_the_row_is_durable_before_the_answer_ends(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    engine.will(Telling())
    async with upstream_model(client, engine) as name:
        for stream in (True, False):
            body = chat_body(name, stream=stream)
            async with client.post("/v1/chat/completions", json=body) as reply:
                await reply.read()
            found = await ask(client, "GET", f"/platform/v1/requests/{reply.headers['x-request-id']}", 200)
            assert found["status"] == 200


async def test_an_engines_refusal_reaches_the_caller_and_costs_nothing(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    engine.will(answer({"error": {"message": "no such flavour", "param": "flavour"}}, status=400))
    async with upstream_model(client, engine, price="1") as name:
        for stream in (True, False):
            body = chat_body(name, stream=stream)
            async with client.post("/v1/chat/completions", json=body) as reply:
                error = (await reply.json())["error"]
            assert (reply.status, error["param"]) == (400, "flavour")
            assert "no such flavour" in error["message"]
            row = await row_of(client, error["request_id"])
            assert (row["status"], row["error_code"], row["price"]) == (400, "InvalidParameter", "0")


async def test_an_engine_that_breaks_off_ends_the_stream_with_an_error_event(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    engine.will(Telling(words=5, cut_at=2))
    async with upstream_model(client, engine, price="1") as name:
        body = chat_body(name, stream=True)
        async with client.post("/v1/chat/completions", json=body) as reply:
            *frames, last = events_in(await reply.text())
        assert (reply.status, len(frames)) == (200, 2)
        assert last["error"]["code"] == "ServiceUnavailable"
        row = await row_of(client, last["error"]["request_id"])
    assert (row["status"], row["price"], row["completion_tokens"]) == (503, "0", 2)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_clients_retry_is_billed_once(
    client: aiohttp.ClientSession, engine: Server, stream: bool
) -> None:
    engine.will(Telling())
    made = await new_key(client)
    headers = {**bearer(made["secret"]), "X-Client-Request-Id": f"order-{made['key']['id']}"}
    async with upstream_model(client, engine, price="7") as name:
        rows = []
        for _ in range(2):
            body = chat_body(name, stream=stream)
            async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
                await reply.read()
            rows.append(await row_of(client, reply.headers["x-request-id"]))
    first, second = rows
    assert Decimal(first["price"]) == Decimal(14 * 7) / 1_000_000
    assert (first["retry_of"], second["retry_of"], second["price"]) == (None, first["id"], "0")
    assert second["completion_tokens"] == 4  # its tokens stay, as they were computed


async def test_another_projects_request_id_is_no_retry(client: aiohttp.ClientSession, engine: Server) -> None:
    engine.will(Telling())
    async with upstream_model(client, engine, price="7") as name:
        for secret in [(await new_key(client))["secret"] for _ in range(2)]:
            headers = {**bearer(secret), "X-Client-Request-Id": "order-1"}
            body = chat_body(name)
            async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
                row = await row_of(client, (await reply.json())["id"])
            assert row["retry_of"] is None
            assert row["price"] != "0"


async def test_a_request_id_too_long_to_keep_is_refused(client: aiohttp.ClientSession) -> None:
    body = chat_body("mini")
    headers = {"X-Client-Request-Id": "x" * 129}
    async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
        message = (await reply.json())["error"]["message"]
    assert reply.status == 400
    assert "129" in message
    assert "128" in message


@pytest.mark.parametrize("act", ["taken out", "restarted"])
async def test_an_engine_stopped_in_mid_answer_ends_it_with_an_error(
    client: aiohttp.ClientSession, engine: Server, act: str
) -> None:
    telling = Telling(words=5, holds_at=2)
    engine.will(telling)
    async with upstream_model(client, engine) as name:
        async with client.post("/v1/chat/completions", json=chat_body(name, stream=True)) as reply:
            whole = asyncio.ensure_future(client.post("/v1/chat/completions", json=chat_body(name)))
            await eventually(lambda: telling.running == 2)
            if act == "restarted":
                await ask(client, "POST", f"/platform/v1/engines/{name}@1/restart", 202)
            else:
                await ask(client, "DELETE", f"/platform/v1/models/{name}", 204)
            *words, last = events_in(await reply.text())
        assert (len(words), last["error"]["code"]) == (2, "ServiceUnavailable")
        telling.released.set()
        status = (await whole).status  # a restarted engine may be asked again, as no byte had come
        assert status in ((503, 200) if act == "restarted" else (503,))

        async def metered() -> bool:
            found = sorted(row["status"] for row in await rows_of(client, model=name))
            return found == sorted([status, 503])

        await eventually(metered)
