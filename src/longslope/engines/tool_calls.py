"""Tool calls that are made where they must be, and seen where a small model leaves out the marks.

llama.cpp reads calls between a template's own marks, and lets text come before a call even where one is
required. So a required call is held to by a grammar: the answer is the call's JSON and nothing else. Where
a call is only allowed, small models often write that JSON bare, without the marks; such an answer is lifted
into `tool_calls` too, and any other text passes as it is. In a stream, frames are held only while the text
may still become a call.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncGenerator, Collection
from typing import Any, TypeVar

import msgspec

from longslope.engines import sse
from longslope.engines.protocol import Body
from longslope.errors import InvalidRequest

_OPENINGS = ("{", "[", "```", "<tool_call>")
_MARKS = re.compile(r"^\s*(?:```(?:json)?|<tool_call>)?\s*")
_NATIVE = frozenset(("tools", "tool_choice", "parallel_tool_calls", "response_format"))
_decoder = json.JSONDecoder()
_Kind = TypeVar("_Kind")


class _Call(msgspec.Struct, frozen=True):
    name: str
    arguments: dict[str, Any]


class _Function(msgspec.Struct, frozen=True):
    name: str


class _Tool(msgspec.Struct, frozen=True):
    function: _Function


def tool_names(body: Body) -> frozenset[str]:
    """The names of the tools in a request's body; empty where it has none or forbids their use."""
    tools = body.get("tools")
    if tools is None or bytes(body.get("tool_choice", b"")) == b'"none"':
        return frozenset()
    return frozenset(tool.function.name for tool in msgspec.json.decode(tools, type=list[_Tool]))


def require_call(body: Body) -> Body:
    """The body, held to a call of one of its tools where `tool_choice` demands it; else unchanged.

    The template still shows the tools to the model. Several calls in one answer are then not possible.
    """
    choice = bytes(body.get("tool_choice", b"null"))
    if "tools" not in body or choice in (b"null", b'"auto"', b'"none"'):
        return body
    tools = msgspec.json.decode(body["tools"], type=list[dict[str, Any]])
    wanted = None if choice == b'"required"' else _asked(body, "tool_choice", _Tool).function.name
    schemas = [_call_schema(tool["function"]) for tool in tools if wanted in (None, tool["function"]["name"])]
    if not schemas:
        raise InvalidRequest(
            f'tool_choice names "{wanted}", which is none of the tools.', param="tool_choice"
        )
    forced = {name: value for name, value in body.items() if name not in _NATIVE}
    kwargs = _asked(body, "chat_template_kwargs", dict[str, Any]) if "chat_template_kwargs" in body else {}
    schema = {"type": "json_schema", "json_schema": {"name": "call", "schema": {"anyOf": schemas}}}
    forced["chat_template_kwargs"] = msgspec.Raw(msgspec.json.encode({**kwargs, "tools": tools}))
    forced["response_format"] = msgspec.Raw(msgspec.json.encode(schema))
    return forced


def _asked(body: Body, name: str, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(body[name], type=kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{name} is not as it should be: {error}.", param=name) from error


def read_calls(text: str, names: Collection[str]) -> list[dict[str, Any]]:
    """The calls that `text` begins with, in OpenAI's shape; an empty list where it is anything else.

    What follows a call is dropped: a model that has called a tool has nothing to add before it knows the
    result.
    """
    start = _MARKS.sub("", text, count=1)
    try:
        value, _ = _decoder.raw_decode(start)
        read = msgspec.convert(value if isinstance(value, list) else [value], list[_Call])
    except (ValueError, RecursionError):
        return []
    if not read or not all(call.name in names for call in read):
        return []
    return [
        {
            "id": f"call_{secrets.token_hex(12)}",
            "type": "function",
            "function": {"name": call.name, "arguments": msgspec.json.encode(call.arguments).decode()},
        }
        for call in read
    ]


def _call_schema(function: dict[str, Any]) -> dict[str, Any]:
    arguments = function.get("parameters") or {"type": "object"}
    return {
        "type": "object",
        "properties": {"name": {"const": function["name"]}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def lift_whole(answer: bytes, names: Collection[str]) -> bytes:
    """A whole chat answer with calls lifted out of its choices' texts."""
    decoded: dict[str, Any] = msgspec.json.decode(answer)
    lifted = False
    for choice in decoded.get("choices", ()):
        message = choice["message"]
        calls = [] if message.get("tool_calls") else read_calls(message.get("content") or "", names)
        if calls:
            message.update(content=None, tool_calls=calls)
            choice["finish_reason"] = "tool_calls"
            lifted = True
    return msgspec.json.encode(decoded) if lifted else answer


async def lift_stream(frames: AsyncGenerator[bytes], names: Collection[str]) -> AsyncGenerator[bytes]:
    """A stream of one chat answer with calls lifted out of its text."""
    held: list[bytes] = []
    text = ""
    holding = True
    async for frame in frames:
        if not holding or sse.is_done(frame):
            yield frame
            continue
        chunk: dict[str, Any] = msgspec.json.decode(frame.removeprefix(b"data:"))
        choices: list[dict[str, Any]] = chunk.get("choices") or [{}]
        choice = choices[0]
        delta: dict[str, Any] = choice.get("delta") or {}
        text += delta.get("content") or ""
        finished = choice.get("finish_reason") is not None
        calls = read_calls(text, names) if finished else []
        if calls:
            chunk["choices"] = [
                {"index": 0, "delta": {"tool_calls": _numbered(calls)}, "finish_reason": None}
            ]
            yield sse.frame_of(chunk)
            chunk["choices"] = [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]
            yield sse.frame_of(chunk)
            holding = False
            continue
        if not text:
            yield frame
            continue
        held.append(frame)
        if finished or delta.get("tool_calls") or not _may_be_call(text):
            holding = False
            for kept in held:
                yield kept


def _numbered(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"index": index, **call} for index, call in enumerate(calls)]


def _may_be_call(text: str) -> bool:
    start = text.lstrip()
    return any(start.startswith(opening) or opening.startswith(start) for opening in _OPENINGS)
