"""The least that a gateway in this language could do: `python -m longslope.bench.relay UPSTREAM_PORT`.

Our server and our HTTP client with nothing between them: no auth, no checks, no metering. Its rate is the
upper bound of ours, and the difference is what the platform's features cost.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import aiohttp

from longslope.bench.loops import run

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
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    url = f"http://127.0.0.1:{upstream_port}/v1/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        config = uvicorn.Config(Relay(url, session), lifespan="off", log_config=None, access_log=False)
        print("relay is ready:", listener.getsockname()[1], flush=True)
        await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    run(serve(int(sys.argv[1])))
