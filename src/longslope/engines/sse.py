r"""Server-sent events, the way engines stream their answers (WHATWG HTML, section 9.2).

`FrameSplitter` turns chunks of a body, cut anywhere, into whole frames `data: …\n\n`; everything else in
the stream (comments, event names, ids) is dropped. The other functions look into a frame without decoding it:
inside JSON a quote within a string is always escaped, so `"usage":` can only be a key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import msgspec

from longslope.errors import EngineFault

DONE = b"data: [DONE]\n\n"
MAX_FRAME_BYTES = 8 * 1024 * 1024

_FIELD = b"data: "
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_FINISH = re.compile(rb'"finish_reason"\s*:\s*"')


class FrameSplitter:
    """Collects chunks until a frame is whole. Holds at most `max_bytes` of an unfinished frame."""

    def __init__(self, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held = bytearray()
        self._scanned = 0
        self._after_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that `chunk` completes. Raises EngineFault when a frame grows past the bound."""
        if b"\r" in chunk or self._after_return:
            chunk = self._with_line_feeds(chunk)
        if not self._held and chunk.endswith(b"\n\n"):  # the common case: whole frames in one chunk
            return [frame for block in chunk[:-2].split(b"\n\n") if (frame := _frame(block))]
        self._held += chunk
        return self._cut()

    def rest(self) -> bytes:
        """What is left when the stream ends: an unfinished frame, or nothing."""
        return bytes(self._held).strip()

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        if self._after_return:
            chunk = chunk.removeprefix(b"\n")  # the second half of a pair that was cut
        self._after_return = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _cut(self) -> list[bytes]:
        frames: list[bytes] = []
        begin = 0
        while (end := self._held.find(b"\n\n", max(begin, self._scanned))) >= 0:
            if frame := _frame(bytes(self._held[begin:end])):
                frames.append(frame)
            begin = end + 2
        del self._held[:begin]
        self._scanned = max(len(self._held) - 1, 0)  # never search the same bytes twice
        if len(self._held) > self._max_bytes:
            raise EngineFault(f"the engine sent a stream frame larger than {self._max_bytes} bytes; retry")
        return frames


def _frame(block: bytes) -> bytes | None:
    if block.startswith(b"data: {") and b"\n" not in block:
        return block + b"\n\n"
    lines: list[bytes] = []
    for line in block.split(b"\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            continue
        if name == b"data":
            lines.append(value.removeprefix(b" "))
        elif name == b"error":  # llama.cpp before 2025 named the field after what it held
            lines.append(b'{"error":' + value + b"}")
    if not lines:
        return None
    return _FIELD + b"".join(lines) + b"\n\n"  # a line break between data lines is JSON's white space at most


def is_done(frame: bytes) -> bool:
    """Whether this is the `[DONE]` that ends a stream."""
    return frame.startswith(b"data: [DONE]")


def has_usage(frame: bytes) -> bool:
    """Whether the frame carries a usage object (`"usage":null` does not count)."""
    return b'"usage"' in frame and _USAGE.search(frame) is not None


def has_finish(frame: bytes) -> bool:
    """Whether a choice ends in this frame."""
    return b'"finish_reason"' in frame and _FINISH.search(frame) is not None


def payload(frame: bytes) -> bytes:
    """The JSON of a frame."""
    return frame[len(_FIELD) : -2]


def frame_of(body: object) -> bytes:
    """The frame that carries `body` as JSON."""
    return _FIELD + msgspec.json.encode(body) + b"\n\n"


def error_of(frame: bytes) -> Mapping[str, object] | None:
    """The error object of an error frame; None for any other."""
    if b'"error"' not in frame:
        return None
    try:
        decoded = msgspec.json.decode(payload(frame))
    except msgspec.DecodeError:
        return None
    if not isinstance(decoded, dict):
        return None
    body = cast("dict[str, object]", decoded)
    if body.get("object") == "error":  # vLLM before 2025
        return body
    error = body.get("error")
    if error is None:
        return None
    return cast("dict[str, object]", error) if isinstance(error, dict) else {"message": str(error)}
