"""A stand-in for a model: `python -m longslope.bench.mock_upstream 0 50` answers OpenAI's protocol at once on
one port and after 50 ms on another.

It computes nothing and is far quicker than any gateway, so that what is measured is the gateway. It prints
its ports when it listens and ends with its stdin.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from typing import Any, cast

import msgspec

from longslope.bench.loops import run

MODEL = "mock"
STREAM_FRAMES = 16
_HEAD_END = b"\r\n\r\n"
_STREAMS = re.compile(rb'"stream"\s*:\s*true')
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)")
_USAGE = {"prompt_tokens": 12, "completion_tokens": STREAM_FRAMES, "total_tokens": 12 + STREAM_FRAMES}


def _whole(body: dict[str, Any], status: str = "200 OK") -> bytes:
    payload = msgspec.json.encode(body)
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n"
    return head.encode() + payload


def _completion(kind: str, choice: dict[str, Any], usage: dict[str, int] | None) -> dict[str, Any]:
    body = {"id": "chatcmpl-mock", "object": kind, "created": 1_700_000_000, "model": MODEL}
    return {
        **body,
        "choices": [{"index": 0, **choice}] if choice else [],
        **({"usage": usage} if usage else {}),
    }


def _stream() -> bytes:
    kind = "chat.completion.chunk"
    word: dict[str, Any] = {"delta": {"content": "snow "}, "finish_reason": None}
    bodies = [_completion(kind, word, None)] * STREAM_FRAMES
    bodies.append(_completion(kind, {"delta": {}, "finish_reason": "stop"}, None))
    bodies.append(_completion(kind, {}, _USAGE))
    frames = [b"data: " + msgspec.json.encode(body) + b"\n\n" for body in bodies] + [b"data: [DONE]\n\n"]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames) + b"0\r\n\r\n"
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + chunks
    )


_MESSAGE = {"role": "assistant", "content": "snow " * STREAM_FRAMES}
CHAT = _whole(_completion("chat.completion", {"message": _MESSAGE, "finish_reason": "stop"}, _USAGE))
STREAM = _stream()
_MODELS = _whole(
    {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 1, "owned_by": "mock"}]}
)
_NOTHING = _whole(
    {"error": {"message": "The mock answers /v1/chat/completions and /v1/models."}}, "404 Not Found"
)


class _Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, delay_s: float, later: Callable[..., object]) -> None:
        self._delay_s = delay_s
        self._later = later
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # TCP gives no other

    def data_received(self, data: bytes) -> None:
        buffer = self._held + data if self._held else data
        while (head_end := buffer.find(_HEAD_END)) >= 0:
            length = _LENGTH.search(buffer[:head_end].lower())
            end = head_end + len(_HEAD_END) + (int(length[1]) if length else 0)
            if len(buffer) < end:
                break
            self._answer(buffer[:end], head_end)
            buffer = buffer[end:]
        self._held = buffer

    def _answer(self, request: bytes, head_end: int) -> None:
        if request.startswith(b"POST /v1/chat/completions "):
            answer = STREAM if _STREAMS.search(request, head_end) else CHAT
        else:
            answer = _MODELS if request.startswith(b"GET /v1/models ") else _NOTHING
        if self._delay_s:
            self._later(self._delay_s, self._write, answer)
        else:
            self.transport.write(answer)

    def _write(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)


async def serve(delays_ms: list[float], announce: Callable[[list[int]], None]) -> list[asyncio.Server]:
    """Listens on a port of its own for each delay, tells the ports, and gives the servers."""
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(
            lambda delay_s=delay_ms / 1000: _Connection(delay_s, loop.call_later), "127.0.0.1", 0
        )
        for delay_ms in delays_ms
    ]
    announce([server.sockets[0].getsockname()[1] for server in servers])
    return servers


async def main() -> None:
    """Serves until stdin ends."""
    await serve([float(word) for word in sys.argv[1:]] or [0.0], _announce)
    await asyncio.to_thread(sys.stdin.buffer.read)


def _announce(ports: list[int]) -> None:
    print("mock upstream is ready:", *ports, flush=True)


if __name__ == "__main__":
    run(main())
