"""Runs several works of one request side by side.

When one fails, or nobody wants the result any more, the others are cancelled and have ended before control
returns, so that no slot stays taken by a work without a reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from typing import TypeVar

_FRAMES_AHEAD = 64
_Result = TypeVar("_Result")


async def gather_all(works: Sequence[Coroutine[None, None, _Result]]) -> list[_Result]:
    """The results in order; the first error otherwise."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _cancel(tasks)


async def interleave(streams: Sequence[AsyncGenerator[bytes]]) -> AsyncGenerator[tuple[int, bytes]]:
    """Frames of all streams as they come, each with its stream's place. The first error ends all."""
    ready: asyncio.Queue[tuple[int, bytes | Exception | None]] = asyncio.Queue(_FRAMES_AHEAD)
    tasks = [asyncio.create_task(_pump(place, stream, ready)) for place, stream in enumerate(streams)]
    try:
        running = len(tasks)
        while running:
            place, frame = await ready.get()
            if frame is None:
                running -= 1
            elif isinstance(frame, Exception):
                raise frame
            else:
                yield place, frame
    finally:
        await _cancel(tasks)


async def _pump(
    place: int, stream: AsyncGenerator[bytes], ready: asyncio.Queue[tuple[int, bytes | Exception | None]]
) -> None:
    end: Exception | None = None
    try:
        async with aclosing(stream):
            async for frame in stream:
                await ready.put((place, frame))
    except Exception as failure:  # raised again by `interleave`, in the task of the reader
        end = failure
    await ready.put((place, end))


async def _cancel(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
