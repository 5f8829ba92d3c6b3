"""Tool calls that a model writes as bare JSON, and calls that are required."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from longslope.engines import sse
from longslope.engines.tool_calls import lift_stream, lift_whole, read_calls, require_call, tool_names
from longslope.errors import InvalidRequest

NAMES = frozenset({"add"})
CALL = '{"name": "add", "arguments": {"a": 1, "b": 2}}'
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]


def raw(**fields: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"  {CALL}\n",
        f"```json\n{CALL}\n```",
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"[{CALL}]",
        f"{CALL} Done.",
    ],
)
def test_a_bare_call_is_read(text: str) -> None:
    (call,) = read_calls(text, NAMES)
    assert call["function"]["name"] == "add"
    assert json.loads(call["function"]["arguments"]) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello",
        "{}",
        "[]",
        '{"name": "sub", "arguments": {}}',
        '{"name": "add"}',
        "{",
        "[1]",
        "[" * 10_000,
    ],
)
def test_anything_else_is_text(text: str) -> None:
    assert read_calls(text, NAMES) == []


def test_a_whole_answer_is_lifted_once() -> None:
    answer = {"choices": [{"message": {"role": "assistant", "content": CALL}, "finish_reason": "stop"}]}
    lifted = json.loads(lift_whole(json.dumps(answer).encode(), NAMES))["choices"][0]
    assert lifted["finish_reason"] == "tool_calls"
    assert lifted["message"]["content"] is None
    assert len(lifted["message"]["tool_calls"]) == 1
    plain = json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}).encode()
    assert lift_whole(plain, NAMES) == plain


async def stream(*texts: str) -> AsyncGenerator[bytes]:
    yield sse.frame_of({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]})
    for text in texts:
        yield sse.frame_of({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})
    yield sse.frame_of({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    yield sse.frame_of({"choices": [], "usage": {"completion_tokens": len(texts)}})
    yield sse.DONE


async def read(frames: AsyncGenerator[bytes]) -> tuple[str, list[dict[str, Any]], list[str]]:
    text, calls, ends = "", [], []
    async for frame in frames:
        if sse.is_done(frame):
            continue
        for choice in json.loads(frame.removeprefix(b"data:"))["choices"]:
            text += choice["delta"].get("content") or ""
            calls += choice["delta"].get("tool_calls") or []
            ends += [choice["finish_reason"]] if choice.get("finish_reason") else []
    return text, calls, ends


async def test_a_streamed_call_is_lifted() -> None:
    text, calls, ends = await read(
        lift_stream(stream('{"name": ', '"add", "argu', 'ments": {"a": 1}}'), NAMES)
    )
    assert text == ""
    assert [(call["index"], call["function"]["name"]) for call in calls] == [(0, "add")]
    assert ends == ["tool_calls"]


@pytest.mark.parametrize("texts", [("Hel", "lo"), ("{", '"a": 1}'), ("``", "`x"), ("",), ("<", "b>")])
async def test_streamed_text_passes_whole(texts: tuple[str, ...]) -> None:
    frames = [frame async for frame in lift_stream(stream(*texts), NAMES)]
    assert frames == [frame async for frame in stream(*texts)]


def test_a_required_call_becomes_a_grammar() -> None:
    forced = require_call(raw(tools=TOOLS, tool_choice="required", messages=[]))
    schema = json.loads(bytes(forced["response_format"]))["json_schema"]["schema"]
    assert schema["anyOf"][0]["properties"]["name"] == {"const": "add"}
    assert json.loads(bytes(forced["chat_template_kwargs"]))["tools"] == TOOLS
    assert "tools" not in forced
    allowed = raw(tools=TOOLS, tool_choice="auto")
    assert require_call(allowed) is allowed


def test_a_required_call_of_an_unknown_tool_is_refused() -> None:
    choice = {"type": "function", "function": {"name": "sub"}}
    with pytest.raises(InvalidRequest, match='"sub"'):
        require_call(raw(tools=TOOLS, tool_choice=choice))


def test_tool_names_are_those_that_may_be_called() -> None:
    assert tool_names(raw(tools=TOOLS)) == {"add"}
    assert tool_names(raw(tools=TOOLS, tool_choice="none")) == frozenset()
    assert tool_names({}) == frozenset()
