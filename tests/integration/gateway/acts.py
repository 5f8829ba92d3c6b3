"""How a stand-in engine answers in these tests: word by word, waiting where a test wants it to."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

PROMPT_TOKENS = 10
CACHED_TOKENS = 4


@dataclass
class Telling:
    """An act that tells `words` words, and waits before word `holds_at` until `released` is set.

    A stream gives each word as a frame; a whole answer waits before its first byte. `running` counts the
    answers under way, `left` the callers that hung up before the end.
    """

    words: int = 4
    word: str = "snow "
    holds_at: int | None = None
    cut_at: int | None = None  # the connection breaks before this word
    prompt_tokens: int = PROMPT_TOKENS
    released: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    left: int = 0

    async def __call__(self, request: web.BaseRequest, asked: dict[str, Any]) -> web.StreamResponse:
        self.running += 1
        try:
            if asked.get("stream"):
                return await self._stream(request)
            if self.holds_at is not None:
                await self._wait(request)
            message = {"role": "assistant", "content": self.word * self.words}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return web.json_response(_body("chat.completion", [choice], usage=self._usage()))
        except ConnectionError:
            self.left += 1
            raise
        finally:
            self.running -= 1

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for place in range(self.words):
            if place == self.holds_at:
                await self._wait(request)
            if place == self.cut_at and request.transport:
                request.transport.abort()
                return response
            delta = {"index": 0, "delta": {"content": self.word}, "finish_reason": None}
            await response.write(_frame("chat.completion.chunk", [delta]))
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        await response.write(_frame("chat.completion.chunk", [end]))
        await response.write(_frame("chat.completion.chunk", [], usage=self._usage()))
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _wait(self, request: web.BaseRequest) -> None:
        """Until released. Raises ConnectionError when the caller hangs up meanwhile."""
        pause_s = 0.01
        while not self.released.is_set():
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError
            try:
                await asyncio.wait_for(self.released.wait(), pause_s)
            except TimeoutError:
                pause_s = min(2 * pause_s, 0.5)

    def _usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.words,
            "total_tokens": self.prompt_tokens + self.words,
            "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
        }


def _body(kind: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-x", "object": kind, "created": 1, "model": "its-own", "choices": choices, **more}


def _frame(kind: str, choices: list[dict[str, Any]], **more: Any) -> bytes:
    return b"data: " + json.dumps(_body(kind, choices, **more), separators=(",", ":")).encode() + b"\n\n"
