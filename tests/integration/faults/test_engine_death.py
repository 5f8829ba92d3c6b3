"""An engine that is killed in mid-answer: its callers are told, the platform lives, the engine comes back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from tests.integration.gateway.calls import ask, chat_body, events_in, eventually, row_of
from tests.server import Platform, start

ENDLESS = {"max_tokens": 3000, "logit_bias": {"2": -100}}  # 2 ends a text of mini


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform whose engine may be killed."""
    platform = start(tmp_path_factory.mktemp("mortal"), ("mini",), engine_context=4096)
    yield platform
    platform.stop()


@pytest.fixture
async def mortal_client(mortal: Platform) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(mortal.url, headers=mortal.headers) as session:
        await eventually(lambda: engine_that(session, state="ready"))
        yield session


async def engine_that(client: aiohttp.ClientSession, **fields: object) -> dict[str, Any] | None:
    """The engine, if it is as described."""
    engine = (await ask(client, "GET", "/platform/v1/engines", 200))["data"][0]
    return engine if all(engine[name] == value for name, value in fields.items()) else None


async def kill_engine(client: aiohttp.ClientSession) -> int:
    """The process that is no more."""
    engine = await engine_that(client, state="ready")
    assert engine
    os.kill(engine["pid"], signal.SIGKILL)
    return engine["pid"]


async def revived(client: aiohttp.ClientSession, killed: int) -> dict[str, Any]:
    """The engine, once it runs in another process than the killed one."""

    async def runs_anew() -> dict[str, Any] | None:
        engine = await engine_that(client, state="ready")
        return engine if engine and engine["pid"] != killed else None

    return await eventually(runs_anew)


async def test_a_stream_ends_with_an_error_event_and_the_engine_comes_back(
    mortal_client: aiohttp.ClientSession,
) -> None:
    client = mortal_client
    async with client.post("/v1/chat/completions", json=chat_body("mini", stream=True, **ENDLESS)) as reply:
        text = await reply.content.readany()
        killed = await kill_engine(client)
        text += await reply.read()
    *_, last = events_in(text.decode())
    assert reply.status == 200
    assert (last["error"]["code"], last["error"]["type"]) == ("ServiceUnavailable", "server_error")
    assert b"[DONE]" not in text
    row = await row_of(client, reply.headers["x-request-id"])
    assert (row["status"], row["error_code"], row["price"]) == (503, "ServiceUnavailable", "0")

    assert (await revived(client, killed))["restarts"] >= 1
    async with client.post("/v1/chat/completions", json=chat_body("mini", max_tokens=2)) as again:
        assert again.status == 200


async def test_a_whole_answer_fails_so_that_sdks_try_again(mortal_client: aiohttp.ClientSession) -> None:
    client = mortal_client
    asking = asyncio.ensure_future(client.post("/v1/chat/completions", json=chat_body("mini", **ENDLESS)))
    await eventually(lambda: engine_that(client, in_flight=1))
    killed = await kill_engine(client)
    async with await asking as reply:
        error = (await reply.json())["error"]
    assert (reply.status, error["code"]) == (503, "ServiceUnavailable")
    assert "x-should-retry" not in reply.headers
    assert (await row_of(client, error["request_id"]))["price"] == "0"
    await revived(client, killed)


async def test_while_it_cannot_come_back_the_platform_says_so(
    mortal: Platform, mortal_client: aiohttp.ClientSession
) -> None:
    client = mortal_client
    [weights] = (mortal.home / "models").glob("*.gguf")
    hidden = weights.rename(weights.with_suffix(".hidden"))
    killed = await kill_engine(client)
    await eventually(lambda: engine_that(client, state="down"))
    health = await ask(client, "GET", "/healthz", 200)
    assert health["status"] == "degraded"
    assert health["engines"][0]["detail"]
    async with client.post("/v1/chat/completions", json=chat_body("mini")) as reply:
        error = (await reply.json())["error"]
    assert (reply.status, error["code"]) == (503, "ServiceUnavailable")
    assert int(reply.headers["retry-after"]) >= 1
    hidden.rename(weights)
    await revived(client, killed)
    assert (await ask(client, "GET", "/healthz", 200))["status"] == "ok"
