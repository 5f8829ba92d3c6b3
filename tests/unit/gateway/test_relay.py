"""Answers re-headed, usage taken out of them, whatever way an engine spells its JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longslope.engines.sse import DONE
from longslope.errors import EngineFault
from longslope.gateway.relay import Tally, head_whole, relay_frames
from tests.unit.gateway.samples import call

USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 7,
    "total_tokens": 16,
    "prompt_tokens_details": {"cached_tokens": 3},
}
COMPACT, SPACED = (",", ":"), (", ", ": ")


def frame(separators: tuple[str, str] = COMPACT, **body: Any) -> bytes:
    whole = {"id": "its-id", "object": "chat.completion.chunk", "created": 1, "model": "its-model", **body}
    return b"data: " + json.dumps(whole, separators=separators).encode() + b"\n\n"


def word(text: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], **more}


END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
LAST = {"choices": [], "usage": USAGE}


async def relayed(
    frames: Sequence[bytes], tally: Tally | None = None, **changes: Any
) -> list[dict[str, Any]]:
    async def source() -> AsyncGenerator[bytes]:
        for each in frames:
            yield each

    given = relay_frames(call(id="req-1", **changes), source(), "mini@1", Tally() if tally is None else tally)
    out = [each async for each in given]
    assert all(each.startswith(b"data: {") and each.endswith(b"}\n\n") for each in out)
    return [json.loads(each[6:]) for each in out]


@pytest.mark.parametrize("separators", [COMPACT, SPACED])
async def test_every_frame_bears_our_id_and_version(separators: tuple[str, str]) -> None:
    tally = Tally()
    bodies = [word("a"), word("b"), END, LAST]
    out = await relayed([*(frame(separators, **body) for body in bodies), DONE], tally, include_usage=True)
    assert [(each["id"], each["model"]) for each in out] == [("req-1", "mini@1")] * 4
    assert [each["choices"] for each in out] == [body["choices"] for body in bodies]
    assert out[-1]["usage"] == USAGE
    assert (tally.prompt_tokens, tally.cached_tokens, tally.completion_tokens) == (9, 3, 7)
    assert tally.finish_reason == "length"
    assert tally.first_ns > 0


@pytest.mark.parametrize("separators", [COMPACT, SPACED])
async def test_usage_that_was_not_asked_for_is_metered_and_kept_back(separators: tuple[str, str]) -> None:
    tally = Tally()
    out = await relayed([frame(separators, **body) for body in (word("a"), END, LAST)], tally)
    assert len(out) == 2
    assert tally.completion_tokens == 7


async def test_what_was_given_before_a_cut_is_counted() -> None:
    tally = Tally()
    role = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]}
    tool = {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}, "finish_reason": None}]}
    bodies = [role, word("a"), word("b", usage=None), tool]
    await relayed([frame(**body) for body in bodies], tally)
    assert tally.completion_tokens == 3


async def test_a_first_frame_that_tells_counts() -> None:
    for body in (word("a"), {"choices": [{"index": 0, "text": "a", "finish_reason": None}]}):
        tally = Tally()
        await relayed([frame(**body)], tally)
        assert tally.completion_tokens == 1


async def test_the_prompts_progress_is_counted_and_not_passed_on() -> None:
    tally = Tally()
    progress = {"total": 40, "cache": 8, "processed": 24, "time_ms": 3}
    out = await relayed([frame(choices=[], prompt_progress=progress), frame(**word("a"))], tally)
    assert len(out) == 1
    assert (tally.prompt_tokens, tally.cached_tokens) == (24, 8)


@pytest.mark.parametrize(
    "odd",
    [
        {"id": ""},
        {"id": 'a "quoted" id\\'},
        {"id": "é"},
        {"model": ""},
    ],
)
async def test_ids_that_cannot_be_replaced_where_they_stand_are_replaced_too(odd: dict[str, str]) -> None:
    call_frame = {"choices": [{"index": 0, "delta": {"tool_calls": [{"id": "", "index": 0}]}}]}
    out = await relayed([frame(**body, **odd) for body in (word("a"), call_frame, END)])
    assert [(each["id"], each["model"]) for each in out] == [("req-1", "mini@1")] * 3
    assert out[1]["choices"] == call_frame["choices"]


async def test_frames_without_id_or_model_get_them() -> None:
    bare = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
    out = await relayed([bare, bare])
    assert [(each["id"], each["model"]) for each in out] == [("req-1", "mini@1")] * 2


async def test_an_id_that_changes_on_the_way_is_replaced_too() -> None:
    out = await relayed([frame(**word("a")), frame(id="another", **word("b"))])
    assert [each["id"] for each in out] == ["req-1"] * 2


@given(text=st.text())
async def test_words_that_look_like_heads_pass_unchanged(text: str) -> None:
    told = f'{text}"id":"its-id","model":"its-model","usage":{{'
    out = await relayed([frame(**word("")), frame(**word(told)), frame(**LAST)], include_usage=True)
    assert out[1]["choices"][0]["delta"]["content"] == told
    assert out[1]["id"] == "req-1"


@pytest.mark.parametrize("broken", [b'{"id":"its-id",}', b'{"usage":{}', b"{}x}", b'{"id":"\xff"}'])
async def test_a_frame_that_is_no_json_is_the_engines_fault(broken: bytes) -> None:
    with pytest.raises(EngineFault, match="mini@1"):
        await relayed([b"data: " + broken + b"\n\n"])


def test_a_whole_answer_is_headed_and_cleaned() -> None:
    tally = Tally()
    choices = [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}]
    body = {"id": "x", "model": "its", "choices": choices, "usage": USAGE, "timings": {"a": 1}, "created": 5}
    headed = json.loads(head_whole(call(id="req-1"), json.dumps(body).encode(), "mini@1", tally))
    assert headed == {"id": "req-1", "model": "mini@1", "choices": choices, "usage": USAGE, "created": 5}
    assert (tally.prompt_tokens, tally.cached_tokens, tally.completion_tokens) == (9, 3, 7)
    assert tally.finish_reason == "stop"


def test_an_answer_without_usage_counts_nothing() -> None:
    tally = Tally()
    head_whole(call(), b'{"choices":[]}', "mini@1", tally)
    assert (tally.prompt_tokens, tally.completion_tokens, tally.finish_reason) == (0, 0, None)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"usage":3}', b'{"choices":', b"\xff"])
def test_an_answer_that_is_none_is_the_engines_fault(body: bytes) -> None:
    with pytest.raises(EngineFault, match="mini@1"):
        head_whole(call(), body, "mini@1", Tally())
