"""Several engines of a version, as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from longslope.engines.protocol import EngineState
from longslope.engines.replicas import Replicas
from longslope.engines.upstream import UpstreamConfig, UpstreamEngine
from longslope.errors import EngineUnavailable, InvalidRequest
from tests.integration.engines.server import FRAMES, Server, answer, drop, silence, stream
from tests.integration.engines.works import text_of, until, work


@pytest.fixture
async def servers() -> AsyncGenerator[list[Server]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Server()) for _ in range(3)]


@pytest.fixture
async def replicas(servers: list[Server]) -> AsyncGenerator[Replicas]:
    engines = [
        UpstreamEngine(
            UpstreamConfig(
                version="big@1",
                base_url=server.url,
                model="m",
                retries=0,
                replica=place,
                capacity=4,
                breaker_failures=99,
            )
        )
        for place, server in enumerate(servers)
    ]
    one = Replicas("big@1", engines)
    await one.start()
    yield one
    await one.stop()


def asked(servers: list[Server]) -> list[int]:
    return [len(server.asked) for server in servers]


async def test_the_least_loaded_gets_the_work(servers: list[Server], replicas: Replicas) -> None:
    for server in servers:
        server.will(silence)
    tasks = [asyncio.create_task(replicas.chat(work())) for _ in range(6)]
    await until(lambda: asked(servers) == [2, 2, 2])
    assert (replicas.capacity, replicas.in_flight) == (12, 6)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert replicas.in_flight == 0


async def test_one_that_is_gone_is_replaced_before_the_first_byte(
    servers: list[Server], replicas: Replicas
) -> None:
    servers[0].will(drop)
    await replicas.chat(work())
    servers[1].will(stream())
    servers[2].will(stream())
    assert text_of([frame async for frame in replicas.chat_stream(work())]) == "hello"
    assert asked(servers)[0] == 2


async def test_it_is_tried_elsewhere_only_once(servers: list[Server], replicas: Replicas) -> None:
    for server in servers:
        server.will(drop)
    with pytest.raises(EngineUnavailable):
        await replicas.chat(work())
    assert sum(asked(servers)) == 2
    with pytest.raises(EngineUnavailable):
        await anext(replicas.chat_stream(work()))
    assert sum(asked(servers)) == 4


async def test_after_the_first_byte_the_failure_is_told(servers: list[Server], replicas: Replicas) -> None:
    servers[0].will(stream(FRAMES[:1], then="drop"))
    frames = replicas.chat_stream(work())
    await anext(frames)
    with pytest.raises(EngineUnavailable):
        await anext(frames)
    assert asked(servers) == [1, 0, 0]


async def test_the_users_mistake_is_tried_nowhere_else(servers: list[Server], replicas: Replicas) -> None:
    servers[0].will(answer({"error": {"message": "no"}}, 400))
    with pytest.raises(InvalidRequest):
        await replicas.chat(work())
    assert asked(servers) == [1, 0, 0]


async def test_those_that_are_down_are_passed_over(servers: list[Server]) -> None:
    servers[0].models_status = 500
    engines = [
        UpstreamEngine(UpstreamConfig(version="big@1", base_url=server.url, model="m", replica=place))
        for place, server in enumerate(servers)
    ]
    replicas = Replicas("big@1", engines)
    await replicas.start()
    try:
        assert replicas.health().state is EngineState.READY
        assert "big@1#0: it answers GET /models with HTTP 500" in replicas.health().detail
        await replicas.chat(work())
        assert asked(servers) == [0, 1, 0]
    finally:
        await replicas.stop()


async def test_when_none_is_ready_it_says_what_each_does(replicas: Replicas) -> None:
    await replicas.stop()
    with pytest.raises(
        EngineUnavailable, match=r"big@1#0 is stopped, big@1#1 is stopped.*retry in 5 s"
    ) as refused:
        await replicas.chat(work())
    assert refused.value.retry_after_s == 5.0
    with pytest.raises(EngineUnavailable):
        await anext(replicas.chat_stream(work()))
    assert replicas.health().state is EngineState.STOPPED
