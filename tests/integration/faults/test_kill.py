"""SIGKILL: whatever was acknowledged is there afterwards, once, and nothing is left running."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import aiohttp
import psutil

from tests.integration.engines.server import Server
from tests.integration.gateway.acts import Telling
from tests.integration.gateway.calls import bearer, chat_body, eventually, new_key, rows_of, upstream_model
from tests.server import Platform

IN_FLIGHT = 1000
ACKNOWLEDGED = 400  # so many answers, and the kill comes with all the others under way


async def test_a_kill_with_1000_in_flight_loses_no_acknowledged_row_and_doubles_none(
    start_platform: Callable[..., Platform], engine: Server
) -> None:
    platform = start_platform(())
    telling = Telling(words=3, holds_at=0)
    engine.will(telling)
    acknowledged: list[str] = []
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(platform.url, headers=platform.headers, connector=connector) as client,
        upstream_model(client, engine, price="1") as name,
    ):
        made = await new_key(client, {"max_concurrency": 2 * IN_FLIGHT})
        headers = bearer(made["secret"])

        async def keep_asking(worker: int) -> None:
            """Until the platform is gone. An answer whose last byte came is acknowledged."""
            body = chat_body(name, stream=worker % 2 == 0)
            while True:
                try:
                    async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
                        text = await reply.text()
                except aiohttp.ClientError:
                    return
                assert reply.status == 200, text
                assert worker % 2 or text.endswith("data: [DONE]\n\n")
                acknowledged.append(reply.headers["x-request-id"])

        workers = [asyncio.ensure_future(keep_asking(worker)) for worker in range(IN_FLIGHT)]
        await eventually(lambda: telling.running == IN_FLIGHT)
        telling.released.set()
        await eventually(lambda: len(acknowledged) >= ACKNOWLEDGED)
        platform.process.kill()
        await asyncio.gather(*workers)

    again = start_platform((), home=platform.home)
    async with aiohttp.ClientSession(again.url, headers=again.headers) as client:
        rows = await rows_of(client, model=name)
    times_stored = Counter(row["id"] for row in rows)
    assert set(times_stored.values()) == {1}
    assert [id_ for id_ in acknowledged if id_ not in times_stored] == []
    assert len(acknowledged) == len(set(acknowledged))
    assert {row["completion_tokens"] for row in rows if row["id"] in set(acknowledged)} == {3}


async def test_a_kill_leaves_no_engine_behind(start_platform: Callable[..., Platform]) -> None:
    platform = start_platform(("mini",), engine_context=512)
    engines = [psutil.Process(pid) for pid in platform.engine_pids()]
    assert engines
    platform.kill()
    await eventually(lambda: not any(_runs(engine) for engine in engines))


def _runs(process: psutil.Process) -> bool:
    try:
        return (
            process.status() != psutil.STATUS_ZOMBIE
        )  # gone, and only not yet fetched by whoever adopted it
    except psutil.NoSuchProcess:
        return False
