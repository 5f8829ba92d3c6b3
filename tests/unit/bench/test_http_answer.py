"""An answer is found when it is whole, and not a byte earlier."""

from __future__ import annotations

import pytest

from longslope.bench.http_answer import find_answer
from longslope.bench.mock_upstream import CHAT, STREAM

BY_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"
EMPTY = b"HTTP/1.1 204 No Content\r\nserver: s\r\n\r\n"
IN_CHUNKS = (
    b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    b"6;note=1\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("answer", [BY_LENGTH, EMPTY, IN_CHUNKS, CHAT, STREAM])
def test_an_answer_is_found_at_its_last_byte(answer: bytes) -> None:
    for end in range(len(answer)):
        assert find_answer(answer[:end]) is None
    found = find_answer(answer + b"HTTP/1.1 ")
    assert found is not None
    assert found.end == len(answer)
    assert answer[: found.body].endswith(b"\r\n\r\n")
    assert found.status == int(answer.split(b" ")[1])


def test_what_is_no_http_is_told_from_what_is_not_whole() -> None:
    with pytest.raises(ValueError, match="no HTTP/1 answer"):
        find_answer(b"SSH-2.0-server\r\n\r\n")
