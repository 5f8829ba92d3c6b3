"""SIGTERM: what runs is finished, what comes is sent away, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.integration.engines.server import Server
from tests.integration.gateway.acts import Telling
from tests.integration.gateway.calls import bearer, chat_body, events_in, eventually, new_key, upstream_model
from tests.server import STOP_TIMEOUT_S, Platform


def statuses(home: Path) -> dict[str, int]:
    """The status of each request in the store of a home that nobody uses."""
    connection = sqlite3.connect(home / "longslope.db")
    try:
        return dict(connection.execute("SELECT id, status FROM usage").fetchall())
    finally:
        connection.close()


async def exit_status(platform: Platform) -> int:
    """The status that the platform ends with."""
    return await asyncio.to_thread(platform.process.wait, STOP_TIMEOUT_S)


async def test_sigterm_finishes_what_runs_and_sends_away_what_comes(
    start_platform: Callable[..., Platform], engine: Server
) -> None:
    platform = start_platform(())
    telling = Telling(words=6, holds_at=3)
    engine.will(telling)
    async with (
        aiohttp.ClientSession(platform.url, headers=platform.headers) as client,
        upstream_model(client, engine) as name,
    ):
        made = await new_key(client, {"max_concurrency": 2, "max_queue": 2})

        async def one(stream: bool) -> tuple[int, str, str]:
            body, headers = chat_body(name, stream=stream), bearer(made["secret"])
            async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
                return reply.status, await reply.text(), reply.headers["x-request-id"]

        running = [asyncio.ensure_future(one(stream)) for stream in (True, False)]
        await eventually(lambda: telling.running == 2)
        waiting = asyncio.ensure_future(one(stream=True))
        await eventually(lambda: somebody_waits(client))
        platform.process.send_signal(signal.SIGTERM)
        status, text, _ = await waiting  # it had no place yet, and gets none
        assert (status, "ServiceUnavailable" in text) == (503, True)
        async with client.post("/v1/chat/completions", json=chat_body(name)) as reply:
            error = (await reply.json())["error"]
        assert (reply.status, error["code"]) == (503, "ServiceUnavailable")
        assert int(reply.headers["retry-after"]) >= 1
        assert platform.process.poll() is None

        telling.released.set()
        (stream, whole) = [await each for each in running]
        assert (stream[0], stream[1].count("snow")) == (200, 6)
        assert stream[1].endswith("data: [DONE]\n\n")
        assert (whole[0], whole[1].count("snow")) == (200, 6)
        assert await exit_status(platform) == 0
    assert statuses(platform.home) == {stream[2]: 200, whole[2]: 200}


async def somebody_waits(client: aiohttp.ClientSession) -> bool:
    async with client.get("/metrics") as answer:
        return "longslope_requests_waiting 1.0" in await answer.text()


async def test_what_never_ends_is_cut_after_a_while_told_and_metered(
    start_platform: Callable[..., Platform], engine: Server
) -> None:
    platform = start_platform((), drain_s=0.2)
    telling = Telling(words=6, holds_at=2)
    engine.will(telling)
    async with (
        aiohttp.ClientSession(platform.url, headers=platform.headers) as client,
        upstream_model(client, engine) as name,
        client.post("/v1/chat/completions", json=chat_body(name, stream=True)) as stream,
    ):
        asking = asyncio.ensure_future(client.post("/v1/chat/completions", json=chat_body(name)))
        await eventually(lambda: telling.running == 2)
        platform.process.send_signal(signal.SIGTERM)
        *words, last = events_in(await stream.text())
        whole = await asking
        assert await exit_status(platform) == 0
    assert (len(words), last["error"]["code"]) == (2, "ServiceUnavailable")
    assert (whole.status, (await whole.json())["error"]["code"]) == (503, "ServiceUnavailable")
    ids = [reply.headers["x-request-id"] for reply in (stream, whole)]
    assert statuses(platform.home) == dict.fromkeys(ids, 503)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_platform_ends_at_once(start_platform: Callable[..., Platform], number: int) -> None:
    platform = start_platform(())
    platform.process.send_signal(number)
    assert platform.process.wait(STOP_TIMEOUT_S) == 0
    assert not [line for line in platform.lines if "Traceback" in line]
