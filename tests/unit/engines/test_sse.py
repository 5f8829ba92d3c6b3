"""Frames come out whole and alike, wherever the network cut the stream."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longslope.engines import sse
from longslope.errors import EngineFault

TEXTS = st.lists(st.text(), max_size=8)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[start:end] for start, end in pairwise(edges)]


@given(TEXTS, st.lists(st.integers(min_value=0), max_size=20), st.sampled_from(["\n", "\r\n", "\r"]))
def test_frames_do_not_depend_on_where_the_stream_was_cut(
    texts: list[str], places: list[int], end: str
) -> None:
    frames = [sse.frame_of({"text": text}) for text in texts] + [sse.DONE]
    stream = b"".join(frames).replace(b"\n", end.encode())
    splitter = sse.FrameSplitter()
    got = [frame for chunk in cut(stream, places) for frame in splitter.feed(chunk)]
    assert got == frames
    assert splitter.rest() == b""


def test_only_data_is_kept() -> None:
    stream = b': ping\n\nevent: error\nid: 7\ndata:{"error":{"message":"no"}}\n\nretry: 3\n\ndata: [DONE]\n\n'
    assert sse.FrameSplitter().feed(stream) == [b'data: {"error":{"message":"no"}}\n\n', sse.DONE]


def test_a_frame_of_several_data_lines_becomes_one_line() -> None:
    assert sse.FrameSplitter().feed(b'data: {"a":\ndata: 1}\n\n') == [b'data: {"a":1}\n\n']


def test_an_unfinished_frame_is_left_over() -> None:
    splitter = sse.FrameSplitter()
    assert splitter.feed(b'data: {"a":1}\n\ndata: {"b"') == [b'data: {"a":1}\n\n']
    assert splitter.rest() == b'data: {"b"'


@pytest.mark.parametrize("letter", [b"x", b"\r"])
def test_a_frame_that_never_ends_is_refused(letter: bytes) -> None:
    splitter = sse.FrameSplitter(max_bytes=1_000)
    with pytest.raises(EngineFault, match="1000 bytes"):
        for _ in range(100):
            splitter.feed(b"data: " + letter.replace(b"\r", b"x\r") * 100)


@pytest.mark.parametrize(
    ("body", "usage", "finish"),
    [
        (b'{"choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":null}', False, False),
        (b'{"choices":[{"delta":{},"finish_reason":"stop"}]}', False, True),
        (b'{"choices":[{"delta":{},"finish_reason": "length"}], "usage" : {"total_tokens":1}}', True, True),
    ],
)
def test_usage_and_finish_are_seen_without_decoding(body: bytes, usage: bool, finish: bool) -> None:
    frame = b"data: " + body + b"\n\n"
    assert (sse.has_usage(frame), sse.has_finish(frame)) == (usage, finish)


def test_content_that_looks_like_keys_deceives_nobody() -> None:
    text = '"usage":{"total_tokens":1},"finish_reason":"stop","error":{"message":"x"}'
    frame = sse.frame_of({"choices": [{"delta": {"content": text}, "finish_reason": None}]})
    assert not sse.has_usage(frame)
    assert not sse.has_finish(frame)
    assert sse.error_of(frame) is None


def test_an_error_is_found_in_each_dialect() -> None:
    assert sse.error_of(b'data: {"error":{"message":"a"}}\n\n') == {"message": "a"}
    assert sse.error_of(b'data: {"error": "a"}\n\n') == {"message": "a"}
    assert sse.error_of(b'data: {"object":"error","message":"a"}\n\n') == {"object": "error", "message": "a"}
    assert sse.error_of(b'data: {"choices":[{"delta":{"content":"error"}}],"error":null}\n\n') is None


def test_a_payload_is_the_json_of_a_frame() -> None:
    assert msgspec.json.decode(sse.payload(sse.frame_of({"a": "世界"}))) == {"a": "世界"}
