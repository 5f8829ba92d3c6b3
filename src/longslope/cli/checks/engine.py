"""The embedded engine: started for real with the smallest weights at hand, and timed."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec

from longslope.cli.checks.check import Check, fail, ok, warn
from longslope.cli.family import Row
from longslope.engines import sse
from longslope.engines.cores import share_of_cores, usable_cores
from longslope.engines.llama import LlamaConfig, LlamaEngine
from longslope.engines.protocol import Body, EngineState, Work
from longslope.errors import PlatformError
from longslope.settings import Settings

_CONTEXT = 2048
_TOKENS = 32
_LIMIT_S = 45.0
_SLOW = 5.0  # tokens a second: slower than people read
_PROMPT = "Here is a list of words. " + "Snow falls on the long slope and the ball grows as it rolls. " * 12
_QUESTION = f"{_PROMPT}\nNow tell a long story about it."


class Speed(msgspec.Struct, frozen=True):
    """How fast an engine read and wrote, in tokens a second, and how long it took to start, in seconds."""

    prefill: float
    decode: float
    start_s: float


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


def smallest(rows: Sequence[Row]) -> Row | None:
    """The chat model with the least weights among those that are on this machine."""
    able = [row for row in rows if row.kind == "chat" and row.weights in ("pulled", "here") and row.bytes]
    return min(able, key=lambda row: row.bytes or 0, default=None)


async def engine(rows: Sequence[Row], settings: Settings) -> Check:
    """Starts an engine of its own (a running longslope's is left alone) and asks it something."""
    row = smallest(rows)
    if row is None:
        cure = "Run `longslope models pull mini` (98 MB) and this again."
        return warn("engine", "not tried: no weights of a chat model are here", cure)
    with tempfile.TemporaryDirectory(prefix="longslope-doctor-") as logs:
        config = LlamaConfig(
            version=f"{row.name}@doctor",
            weights=Path(row.place),
            log_dir=Path(logs),
            context=_CONTEXT,
            slots=1,
            threads=settings.engine_threads or share_of_cores(1),
            start_timeout_s=settings.engine_start_timeout_s,
        )
        llama = LlamaEngine(config)
        try:
            return await _tried(row.name, llama)
        finally:
            await llama.stop()


async def _tried(name: str, llama: LlamaEngine) -> Check:
    began = time.monotonic()
    await llama.start()
    if llama.health().state is not EngineState.READY:
        cure = f"Verify the weights (`longslope models pull {name}`) and see the checks above."
        return fail("engine", f"it does not start with {name}: {llama.health().detail}", cure)
    start_s = time.monotonic() - began
    try:
        async with asyncio.timeout(_LIMIT_S):
            speed = await measure(llama, start_s)
    except TimeoutError:
        found = f"{name} took more than {_LIMIT_S:.0f} s for {_TOKENS} tokens{_business()}"
        return warn("engine", found, "Close other programs, or use a smaller model or an upstream.")
    except PlatformError as error:
        return fail("engine", f"{name} starts and does not answer: {error.message}", "Report this.")
    found = (
        f"{name} starts in {speed.start_s:.1f} s, reads {speed.prefill:.0f} and writes "
        f"{speed.decode:.0f} tokens/s{_business()}"
    )
    figures = msgspec.structs.asdict(speed)
    if speed.decode < _SLOW:
        return warn(
            "engine", found, "Close other programs, or use a smaller model or an upstream.", **figures
        )
    return ok("engine", found, **figures)


def _business() -> str:
    """How busy the machine is, where that is why the engine is slow: its threads wait for one another."""
    load = os.getloadavg()[0]
    return f" while the machine's load is {load:.1f}" if load > usable_cores() else ""


async def measure(llama: LlamaEngine, start_s: float) -> Speed:
    """Reads a prompt of about 200 tokens and writes up to 32."""
    asked = {
        "messages": [{"role": "user", "content": _QUESTION}],
        "max_tokens": _TOKENS,
        "temperature": 0,
    }
    body: Body = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in asked.items()}
    work = Work(operation="chat", body=body, salt="doctor")
    began = time.monotonic()
    first = last = 0.0
    usage = _Usage(0, 0)
    async with aclosing(llama.chat_stream(work)) as frames:
        async for frame in frames:
            if sse.is_done(frame):
                break
            chunk = _decode(sse.payload(frame))
            usage = chunk.usage or usage
            if any(choice.delta.content for choice in chunk.choices):  # the first frame only names the role
                last = time.monotonic()
                first = first or last
    return Speed(
        prefill=usage.prompt_tokens / max(first - began, 1e-6),
        decode=max(usage.completion_tokens - 1, 0) / max(last - first, 1e-6),
        start_s=start_s,
    )
