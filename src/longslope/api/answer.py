"""An answer of the gateway on its way to the client: whole, or as server-sent events.

The engine's work ends within a moment when the client leaves, and when it stops reading. A failure before
the first byte is an HTTP error; after it, an error event in the stream, because both SDKs take a stream
that merely ends for a success.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import structlog

from longslope.api.problems import REQUEST_ID_HEADER, error_body, error_headers
from longslope.errors import PlatformError
from longslope.gateway.call import Call
from longslope.gateway.gateway import Gateway

log = structlog.get_logger(__name__)
_PING = b": ping\n\n"


class GatewayAnswer:
    """An ASGI application that answers one call."""

    def __init__(self, gateway: Gateway, call: Call, *, heartbeat_s: float, send_timeout_s: float) -> None:
        self._gateway = gateway
        self._call = call
        self._heartbeat_s = heartbeat_s
        self._send_timeout_s = send_timeout_s
        self._started = False
        self._given_up = False
        self._sending_since = 0.0
        self._last_sent = time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Runs the call until it has ended or the client has left."""
        work = asyncio.ensure_future(self._answer(send))
        leaving = asyncio.ensure_future(_left(receive))
        leaving.add_done_callback(lambda _: work.cancel())
        try:
            await work
        except asyncio.CancelledError:
            if not leaving.done() and not self._given_up:  # we ourselves are being cancelled
                raise
        finally:
            leaving.cancel()

    async def _answer(self, send: Any) -> None:
        try:
            reply = await self._gateway.complete(self._call)
            if reply.body is not None:
                headers = {"content-type": "application/json", "content-length": str(len(reply.body))}
                await self._start(send, 200, headers)
                await send({"type": "http.response.body", "body": reply.body})
            elif reply.frames is not None:
                await self._stream(send, reply.frames)
        except PlatformError as error:
            await self._fail(send, error)
        except Exception as error:
            log.exception("unforeseen_error", request_id=self._call.id)
            problem = PlatformError(
                f"The platform failed unexpectedly. Name {self._call.id} when you report it."
            )
            with suppress(Exception):
                await self._fail(send, problem)
            if not isinstance(error, OSError):
                raise

    async def _stream(self, send: Any, frames: AsyncGenerator[bytes]) -> None:
        async with aclosing(frames):
            beat = asyncio.ensure_future(self._beat(send, asyncio.current_task()))
            try:
                async for frame in frames:
                    await self._send(send, frame)
            finally:
                beat.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _send(self, send: Any, chunk: bytes) -> None:
        if not self._started:
            await self._start(send, 200, {"content-type": "text/event-stream", "cache-control": "no-cache"})
        self._sending_since = time.monotonic()
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._last_sent = time.monotonic()
        self._sending_since = 0.0

    async def _beat(self, send: Any, stream: asyncio.Task[Any] | None) -> None:
        """Keeps a silent stream alive, and ends one whose client takes nothing."""
        pause = min(self._heartbeat_s, self._send_timeout_s) / 2
        while True:
            await asyncio.sleep(pause)
            now = time.monotonic()
            if self._sending_since:
                if now - self._sending_since > self._send_timeout_s and stream is not None:
                    log.info("client_reads_nothing", request_id=self._call.id)
                    self._given_up = True
                    stream.cancel()
                    return
            elif now - self._last_sent >= self._heartbeat_s:
                await self._send(send, _PING)

    async def _start(self, send: Any, status: int, headers: dict[str, str]) -> None:
        self._started = True
        headers.setdefault(REQUEST_ID_HEADER, self._call.id)
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})

    async def _fail(self, send: Any, error: PlatformError) -> None:
        body = error_body(error, self._call.id)
        if self._started:
            await send({"type": "http.response.body", "body": b"data: " + body + b"\n\n"})
            return
        headers = {**error_headers(error, self._call.id), "content-length": str(len(body))}
        await self._start(send, error.status, headers)
        await send({"type": "http.response.body", "body": body})


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
