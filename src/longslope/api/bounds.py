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
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._grace_s
        whole = False
        received = 0

        async def bounded_receive() -> Any:
            nonlocal whole, received
            if whole:  # what is still to come is the client's leaving, which may take as long as it likes
                return await receive()
            try:
                async with asyncio.timeout_at(deadline + received / LEAST_BYTES_PER_SECOND):
                    message = await receive()
            except TimeoutError as error:
                raise BodyTooSlow(
                    f"Of the request's body {received} bytes came within {self._grace_s:g} s. Send at least "
                    f"{LEAST_BYTES_PER_SECOND} bytes a second."
                ) from error
            received += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, bounded_receive, send)
