"""What tests of engines ask, and how they look at what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from longslope.engines import sse
from longslope.engines.protocol import Operation, Work

Json = dict[str, Any]

COUNT = [{"role": "user", "content": "Count from one to one hundred in words."}]
ENDLESS = {"logit_bias": {"0": -100, "2": -100}}  # `mini` ends its answers with one of these tokens


def work(operation: Operation = "chat", *, salt: str = "a", choices: int = 1, **body: object) -> Work:
    """A work; a chat that counts unless `body` says otherwise."""
    asked = {"messages": COUNT, "max_tokens": 8, **body} if operation == "chat" else body
    raw = {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in asked.items()}
    return Work(operation=operation, body=raw, salt=salt, choices=choices)


def decoded(body: bytes) -> Json:
    """An answer's JSON."""
    return msgspec.json.decode(body)


def bodies(frames: list[bytes]) -> list[Json]:
    """The JSON of a stream's frames, after a look at how it ended."""
    assert frames[-1] == sse.DONE
    assert sse.DONE not in frames[:-1]
    return [decoded(sse.payload(frame)) for frame in frames[:-1]]


def text_of(frames: list[bytes], index: int = 0) -> str:
    """What one choice of a streamed chat says."""
    choices = [choice for body in bodies(frames) for choice in body["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition; the suite's time limit is what ends a wait in vain."""
    while not condition():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.02)
