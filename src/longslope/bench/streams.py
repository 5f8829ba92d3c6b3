"""Clients that read streamed answers: tokens a second of a server with several of them at once.

Every answer has the same number of tokens, because the end of the text is forbidden to the model; so the work
is equal on every way that is compared, and the rate depends on time alone.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp
import msgspec

from longslope.engines import sse
from longslope.errors import BenchmarkError

_TIMEOUT_S = 600.0


class StreamTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where to ask: a base URL, a bearer key, and a model. `banned` are the ids of the tokens that end a
    text.
    """

    base_url: str
    key: str
    model: str
    banned: tuple[int, ...]


class StreamRound(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to each client. `first_ms` is the mean time to a client's first token, in milliseconds."""

    tokens: int
    seconds: float
    tokens_per_second: float
    first_ms: float


class _Usage(msgspec.Struct):
    completion_tokens: int


class _Frame(msgspec.Struct):
    usage: _Usage | None = None


class _Stream(msgspec.Struct):
    tokens: int
    first_s: float


async def stream_round(target: StreamTarget, *, clients: int, tokens: int, salt: str) -> StreamRound:
    """Streams one answer of `tokens` tokens to each of `clients` clients at once.

    `salt` begins every prompt, so that no cache holds it from an earlier round. Raises BenchmarkError where
    an answer is refused or is of another length.
    """
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        started = time.perf_counter()
        bodies = [_body(target, tokens, f"{salt}{client}") for client in range(clients)]
        streams = await asyncio.gather(*(_read(session, target, body, started) for body in bodies))
        seconds = time.perf_counter() - started
    total = sum(stream.tokens for stream in streams)
    if total != clients * tokens:
        raise BenchmarkError(f"{clients} streams of {tokens} tokens had {total} tokens together.")
    return StreamRound(
        tokens=total,
        seconds=round(seconds, 6),
        tokens_per_second=round(total / seconds, 2),
        first_ms=round(sum(stream.first_s for stream in streams) / clients * 1000, 1),
    )


def _body(target: StreamTarget, tokens: int, salt: str) -> bytes:
    return msgspec.json.encode(
        {
            "model": target.model,
            "messages": [{"role": "user", "content": f"{salt}: Tell a long story about a snowball."}],
            "max_tokens": tokens,
            "temperature": 0,
            "seed": 1,
            "logit_bias": {str(token): -100 for token in target.banned},
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )


async def _read(session: aiohttp.ClientSession, target: StreamTarget, body: bytes, started: float) -> _Stream:
    headers = {"Authorization": f"Bearer {target.key}", "Content-Type": "application/json"}
    splitter = sse.FrameSplitter()
    first_s, tokens = 0.0, 0
    async with session.post(f"{target.base_url}/v1/chat/completions", data=body, headers=headers) as response:
        if response.status != 200:
            raise BenchmarkError(
                f"A stream was answered with {response.status}: {(await response.text())[:500]}"
            )
        async for chunk in response.content.iter_any():
            for frame in splitter.feed(chunk):
                if not first_s and b'"content":"' in frame:
                    first_s = time.perf_counter() - started
                if sse.has_usage(frame):
                    usage = msgspec.json.decode(sse.payload(frame), type=_Frame).usage
                    tokens = usage.completion_tokens if usage else 0
    return _Stream(tokens=tokens, first_s=first_s)
