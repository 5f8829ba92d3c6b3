"""The least that a gateway in this language could do: `python -m longslope.bench.relay UPSTREAM_PORT`.

Our server and our HTTP client with nothing between them: no auth, no checks, no metering. Its rate is the
upper bound of ours, and the difference is what the platform's features cost.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp

from longslope.bench.loops import run
from longslope.bench.ports import free_port, wait_until_open

_HEADERS = {"Content-Type": "application/json"}


class Relay:
    """An ASGI application that passes each body on and each answer back."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Relays one request."""
        if scope["type"] != "http":
            return
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        async with self._session.post(self._url, data=body, headers=_HEADERS) as response:
            answer = await response.read()
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": response.status, "headers": head})
        await send({"type": "http.response.body", "body": answer})


async def serve(upstream_port: int) -> None:
    """Serves on a port that the system chooses, until killed."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    port = free_port()
    url = f"http://127.0.0.1:{upstream_port}/v1/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        server = Server(
            Relay(url, session), address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False
        )
        listening = asyncio.ensure_future(server.serve())
        await wait_until_open(port)
        print("relay is ready:", port, flush=True)
        await listening


if __name__ == "__main__":
    run(serve(int(sys.argv[1])))
