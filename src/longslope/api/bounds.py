"""Bounds on what a client may make the platform wait for: a request's body arrives in time or is refused.

A client gets the first seconds for free and must then keep a pace, so that a large upload on a slow line is
let through and one byte a second is not.
"""

from __future__ import annotations

import asyncio
from typing import Any

from longslope.errors import BodyTooSlow

LEAST_BYTES_PER_SECOND = 16 * 1024


class BodyDeadline:
    """ASGI middleware: reading a body raises BodyTooSlow once its time is up."""

    def __init__(self, app: Any, grace_s: float) -> None:
        self._app = app
        self._grace_s = grace_s

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Passes the request on with a bounded `receive`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._grace_s)
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.close()


class _Body:
    """One request's body on its way in. One timer for all of it, since most bodies are there at once."""

    __slots__ = ("_began", "_grace_s", "_late", "_receive", "_received", "_timer", "_waiting", "_whole")

    def __init__(self, receive: Any, grace_s: float) -> None:
        self._receive = receive
        self._grace_s = grace_s
        self._received = 0
        self._whole = False
        self._late = False
        self._waiting: asyncio.Task[Any] | None = None
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        self._timer = loop.call_later(grace_s, self._check)

    async def receive(self) -> Any:
        """The next message. Raises BodyTooSlow."""
        if self._whole:  # what is still to come is the client's leaving, which may take as long as it likes
            return await self._receive()
        task = self._waiting = asyncio.current_task()
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if not self._late or task is None or task.uncancel():
                raise
            raise BodyTooSlow(
                f"Of the request's body {self._received} bytes came within {self._grace_s:g} s. "
                f"Send at least {LEAST_BYTES_PER_SECOND} bytes a second."
            ) from None
        finally:
            self._waiting = None
        self._received += len(message.get("body", b""))
        if not message.get("more_body", False):
            self._whole = True
            self._timer.cancel()
        return message

    def close(self) -> None:
        """Stops the clock."""
        self._timer.cancel()

    def _check(self) -> None:
        loop = asyncio.get_running_loop()
        left_s = self._began + self._grace_s + self._received / LEAST_BYTES_PER_SECOND - loop.time()
        if left_s > 0:
            self._timer = loop.call_later(left_s, self._check)
        elif self._waiting is not None:
            self._late = True
            self._waiting.cancel()
        else:  # the application is busy with what came; look again
            self._timer = loop.call_later(1, self._check)
