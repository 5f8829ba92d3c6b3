"""A real HTTP server of OpenAI's protocol that answers, or fails, as a test tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from aiohttp import web

Act = Callable[[web.BaseRequest, dict[str, Any]], Awaitable[web.StreamResponse]]

ANSWER: dict[str, Any] = {
    "id": "x",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
FRAMES: list[dict[str, Any]] = [
    {"choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
]


class Server:
    """Takes one act after the other for its posts; the last one stays."""

    def __init__(self) -> None:
        self.acts: list[Act] = [answer()]
        self.models_status = 200
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.left = asyncio.Event()
        self._runner: web.ServerRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def will(self, *acts: Act) -> None:
        """What its next posts meet."""
        self.acts = list(acts)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begins to listen, on the port it had before if any."""
        self._runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Ends, and cuts every connection."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"object": "list", "data": []}, status=self.models_status)
        body = json.loads(await request.read())
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        self.paths.append(request.path)
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        try:
            return await act(request, body)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise


def answer(body: object = ANSWER, status: int = 200, **headers: str) -> Act:
    """Answers with JSON, or with bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {key.replace("_", "-"): value for key, value in headers.items()}

    async def act(request: web.BaseRequest, asked: dict[str, Any]) -> web.StreamResponse:
        return web.Response(body=raw, status=status, content_type="application/json", headers=named)

    return act


def stream(frames: Sequence[object] = FRAMES, *, then: str = "done") -> Act:
    """Streams frames; then says `[DONE]`, ends without it, drops the connection, falls silent, or goes on."""

    async def act(request: web.BaseRequest, asked: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for frame in frames:
            raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
            await response.write(b"data: " + raw + b"\n\n")
        if then == "done":
            await response.write(b"data: [DONE]\n\n")
        elif then == "drop" and request.transport:
            request.transport.abort()
        elif then == "silence":
            await asyncio.Event().wait()
        while then == "on":
            await response.write(b"data: " + json.dumps(FRAMES[0]).encode() + b"\n\n")
            await asyncio.sleep(0.01)
        return response

    return act


async def drop(request: web.BaseRequest, asked: dict[str, Any]) -> web.StreamResponse:
    """Cuts the connection without a word."""
    assert request.transport
    request.transport.abort()
    return web.Response()


async def silence(request: web.BaseRequest, asked: dict[str, Any]) -> web.StreamResponse:
    """Never answers."""
    await asyncio.Event().wait()
    return web.Response()
