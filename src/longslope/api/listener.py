"""The HTTP server: uvicorn in the platform's own event loop, on a socket that was bound beforehand.

It adds what uvicorn leaves to a proxy: a client that never finishes its request's head is dropped, so that
idle strangers cannot hold all connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from longslope.errors import PortTaken

_BACKLOG = 2048
_KEEP_ALIVE_S = 75


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port (0 takes any free "
            "one), or stop what listens there."
        ) from error
    return listener


class Listener:
    """Serves an ASGI application on a socket until it is stopped."""

    def __init__(self, app: Any, listener: socket.socket, *, head_timeout_s: float, most: int) -> None:
        self._socket = listener

        class Protocol(_BoundedHead):
            head_timeout_s = 0.0

        Protocol.head_timeout_s = head_timeout_s
        self._server = _Server(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                limit_concurrency=most,
                timeout_graceful_shutdown=5,
            )
        )

    async def serve(self) -> None:
        """Returns once `stop` was called and the connections have ended."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Takes no more connections, and lets those that are at work finish for some seconds."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the platform's own: it drains before it stops this server."""
        yield


class _BoundedHead(HttpToolsProtocol):
    head_timeout_s: float
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.head_timeout_s, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        if self._head_timer is None:  # a later request of a connection that was kept
            self._head_timer = self.loop.call_later(self.head_timeout_s, self.transport.close)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
