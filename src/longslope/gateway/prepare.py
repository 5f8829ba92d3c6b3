"""What a call's body must be before it reaches an engine: checked in meaning, and in the engine's words."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from longslope.engines.protocol import Body
from longslope.errors import ContextLengthExceeded, InvalidRequest
from longslope.gateway.call import Call
from longslope.gateway.resolve import Route
from longslope.gateway.schema import check_schema
from longslope.wire.chat import ChatRequest, CompletionRequest

# No tokenizer of an embedded engine packs more bytes of ordinary text into one token; a prompt above it
# cannot fit. Of upstreams nothing is known, and a picture in a prompt has many bytes and few tokens.
_MOST_BYTES_PER_TOKEN = 16
_MOST_SCHEMA_BYTES = 256 * 1024
_NULL = b"null"


class Limits(msgspec.Struct, frozen=True):
    """What one request may hold. `engine_context` bounds the context of embedded engines, in tokens."""

    max_messages: int
    engine_context: int


def prepare(call: Call, route: Route, limits: Limits) -> Body:
    """The body for the engine. Raises InvalidRequest naming the field and its value."""
    if isinstance(call.request, ChatRequest):
        _check_schemas_size(call.body)
        _check_chat(call.request, route, limits.max_messages)
    if route.version.engine == "llama" and isinstance(call.request, ChatRequest | CompletionRequest):
        _check_length(call.body, call.request, route, limits)
    # The SDKs send unset fields as null: null means absent.
    body = {name: value for name, value in call.body.items() if bytes(value) != _NULL}
    for name in ("model", "stream", "stream_options", "n", "user"):
        body.pop(name, None)
    if isinstance(call.request, ChatRequest) and route.version.engine == "llama":
        _speak_llama(body, call.request)
    return body


def _check_chat(request: ChatRequest, route: Route, max_messages: int) -> None:
    if len(request.messages) > max_messages:
        raise InvalidRequest(
            f"This request has {len(request.messages)} messages; at most {max_messages} are accepted. "
            "Summarise or "
            "drop the oldest.",
            param="messages",
        )
    for index, message in enumerate(request.messages):
        if isinstance(message.content, list):
            _check_parts(message.content, index, route)
        elif message.content is None and message.role != "assistant":
            raise InvalidRequest(
                f'The message has the role "{message.role}" and no content.',
                param=f"messages[{index}].content",
            )
    if (
        request.max_tokens
        and request.max_completion_tokens
        and request.max_tokens != request.max_completion_tokens
    ):
        raise InvalidRequest(
            f"max_tokens is {request.max_tokens} and max_completion_tokens is "
            f"{request.max_completion_tokens}: "
            "send one of them.",
            param="max_completion_tokens",
        )
    if request.response_format and request.response_format.type == "json_schema":
        if request.response_format.json_schema is None or request.response_format.json_schema.schema is None:
            raise InvalidRequest(
                'response_format has the type "json_schema" and no schema.',
                param="response_format.json_schema.schema",
            )
        check_schema(request.response_format.json_schema.schema, "response_format.json_schema.schema")
    _check_tool_choice(request)
    for index, tool in enumerate(request.tools or ()):
        if tool.function.parameters is not None:
            check_schema(tool.function.parameters, f"tools[{index}].function.parameters")


def _check_schemas_size(body: Body) -> None:
    for name in ("tools", "response_format"):
        size = len(bytes(body.get(name, b"")))
        if size > _MOST_SCHEMA_BYTES:
            raise InvalidRequest(
                f"{name} has {size} bytes; at most {_MOST_SCHEMA_BYTES} are accepted. Send smaller schemas.",
                param=name,
            )


def _check_tool_choice(request: ChatRequest) -> None:
    choice = request.tool_choice
    if choice is None or choice in ("none", "auto"):
        return
    names = [tool.function.name for tool in request.tools or ()]
    if isinstance(choice, str) and choice != "required":
        raise InvalidRequest(
            f'tool_choice is "{choice}"; it may be none, auto, required, or name one of the tools.',
            param="tool_choice",
        )
    if not names:
        raise InvalidRequest(
            "tool_choice asks for a call of a tool, and tools is empty.", param="tool_choice"
        )
    if isinstance(choice, str):
        return
    function = choice.get("function")
    wanted = cast("dict[str, Any]", function).get("name") if isinstance(function, dict) else None
    if wanted not in names:
        raise InvalidRequest(
            f"tool_choice names {wanted!r}, which is none of the tools: {', '.join(names)}.",
            param="tool_choice.function.name",
        )


def _check_parts(parts: list[dict[str, Any]], index: int, route: Route) -> None:
    if not parts:
        raise InvalidRequest("The message's content is an empty list.", param=f"messages[{index}].content")
    for place, part in enumerate(parts):
        where = f"messages[{index}].content[{place}]"
        kind = part.get("type")
        if not isinstance(kind, str):
            raise InvalidRequest('A part of the content has no "type".', param=f"{where}.type")
        if kind == "text" and not isinstance(part.get("text"), str):
            raise InvalidRequest('A part of the type "text" has no text.', param=f"{where}.text")
        if kind != "text" and route.version.engine == "llama":
            raise InvalidRequest(
                f'"{route.version.model}" reads text only; this part is of the type "{kind}".',
                param=f"{where}.type",
            )


def _check_length(body: Body, request: ChatRequest | CompletionRequest, route: Route, limits: Limits) -> None:
    name = "messages" if isinstance(request, ChatRequest) else "prompt"
    several = not isinstance(request, ChatRequest) and not isinstance(request.prompt, str)
    size = _longest(bytes(body[name])) if several else len(bytes(body[name]))
    least = size // _MOST_BYTES_PER_TOKEN
    context = min(route.version.context_length, limits.engine_context)
    if least > context:
        raise ContextLengthExceeded(
            f"The prompt has {size} bytes, which is more than {least} tokens; the context of "
            f'"{route.version.id}" '
            f"holds {context} tokens. Shorten the prompt.",
            param=name,
        )


def _longest(prompts: bytes) -> int:
    """The bytes of the longest of several prompts; a list of token ids is one."""
    each = [bytes(prompt) for prompt in msgspec.json.decode(prompts, type=list[msgspec.Raw])]
    texts = [len(prompt) for prompt in each if prompt.startswith((b'"', b"["))]
    return max(texts) if texts else len(prompts)


def _speak_llama(body: Body, request: ChatRequest) -> None:
    """llama.cpp's own names for what OpenAI and Ark call otherwise."""
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    if "repetition_penalty" in body:
        body["repeat_penalty"] = body.pop("repetition_penalty")
    if any(message.role == "developer" for message in request.messages):  # chat templates know only "system"
        messages = msgspec.json.decode(body["messages"], type=list[dict[str, msgspec.Raw]])
        for message in messages:
            if bytes(message["role"]) == b'"developer"':
                message["role"] = msgspec.Raw(b'"system"')
        body["messages"] = msgspec.Raw(msgspec.json.encode(messages))
