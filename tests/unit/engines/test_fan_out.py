"""Works side by side end together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from longslope.engines.fan_out import gather_all, interleave
from longslope.errors import EngineUnavailable


class Stream:
    """Yields `frames`, then waits for ever, fails or ends."""

    def __init__(self, frames: int, then: str) -> None:
        self.frames = frames
        self.then = then
        self.closed = False

    async def run(self) -> AsyncGenerator[bytes]:
        try:
            for number in range(self.frames):
                yield str(number).encode()
            if self.then == "wait":
                await asyncio.Event().wait()
            if self.then == "fail":
                raise EngineUnavailable("gone")
        finally:
            self.closed = True


async def collected(*streams: Stream) -> list[tuple[int, bytes]]:
    async with aclosing(interleave([stream.run() for stream in streams])) as frames:
        return [frame async for frame in frames]


async def test_every_frame_comes_once_and_in_its_streams_order() -> None:
    frames = await collected(Stream(200, "end"), Stream(300, "end"))
    for place, count in enumerate((200, 300)):
        assert [frame for at, frame in frames if at == place] == [str(n).encode() for n in range(count)]


async def test_one_failure_ends_all() -> None:
    streams = [Stream(1, "wait"), Stream(1, "fail"), Stream(10_000, "wait")]
    with pytest.raises(EngineUnavailable):
        await collected(*streams)
    assert all(stream.closed for stream in streams)


async def test_closing_ends_all_even_when_nobody_reads() -> None:
    streams = [Stream(10_000, "end"), Stream(10_000, "end")]
    frames = interleave([stream.run() for stream in streams])
    await anext(frames)
    await frames.aclose()
    assert all(stream.closed for stream in streams)


async def test_results_come_in_order_and_a_failure_cancels_the_others() -> None:
    async def one(number: int) -> int:
        await asyncio.sleep(0)
        return number

    ended = asyncio.Event()

    async def waits() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return 0

    async def fails() -> int:
        await asyncio.sleep(0)
        raise EngineUnavailable("gone")

    assert await gather_all([one(1), one(2), one(3)]) == [1, 2, 3]
    with pytest.raises(EngineUnavailable):
        await gather_all([waits(), fails()])
    assert ended.is_set()
