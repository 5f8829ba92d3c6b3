"""Finds the end of an HTTP/1.1 answer in a buffer (RFC 9112): just enough of the protocol to time a server
with.

Bodies are by length or in chunks; an answer without either has no body here, as none of our servers closes to
end.
"""

from __future__ import annotations

from typing import NamedTuple

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_CHUNKED = b"\r\ntransfer-encoding: chunked"


class Answer(NamedTuple):
    """A whole answer's status, and where in the buffer its body begins and the answer ends."""

    status: int
    body: int
    end: int


def find_answer(buffer: bytes) -> Answer | None:
    """The answer at the buffer's beginning, or None while it is not whole. Raises ValueError for what is no
    HTTP.
    """
    head_end = buffer.find(_HEAD_END)
    if head_end < 0:
        return None
    if not buffer.startswith(b"HTTP/1."):
        raise ValueError(f"no HTTP/1 answer: {buffer[:40]!r}")
    status = int(buffer[9:12])
    body = head_end + len(_HEAD_END)
    head = buffer[: head_end + 2].lower()
    start = head.find(_LENGTH)
    if start >= 0:
        length = int(head[start + len(_LENGTH) : head.index(b"\r\n", start + 2)])
        return Answer(status, body, body + length) if len(buffer) >= body + length else None
    if _CHUNKED not in head:
        return Answer(status, body, body)
    end = _chunks_end(buffer, body)
    return None if end is None else Answer(status, body, end)


def _chunks_end(buffer: bytes, place: int) -> int | None:
    while True:
        line_end = buffer.find(b"\r\n", place)
        if line_end < 0:
            return None
        size = int(buffer[place:line_end].partition(b";")[0], 16)
        place = line_end + 2 + size + 2
        if len(buffer) < place:
            return None
        if size == 0:  # trailers are not sent by any server measured here
            return place
