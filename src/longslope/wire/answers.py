"""What models answer, in OpenAI's shape. The gateway relays engines' bytes; these say what the bytes hold."""

from __future__ import annotations

from typing import Any

import msgspec

from longslope.wire.chat import TokenUsage, ToolCall


class AnswerMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The assistant's message."""

    role: str
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None


class ChatChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One of `n` answers."""

    index: int
    message: AnswerMessage
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class ChatCompletion(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer to a conversation. `id` is the request's id, `model` the version that answered."""

    id: str
    object: str
    created: int
    model: str
    choices: list[ChatChoice]
    usage: TokenUsage


class TextChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One of `n` continuations."""

    index: int
    text: str
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class TextCompletion(msgspec.Struct, frozen=True, kw_only=True):
    """A whole continuation of a text."""

    id: str
    object: str
    created: int
    model: str
    choices: list[TextChoice]
    usage: TokenUsage


class Embedding(msgspec.Struct, frozen=True, kw_only=True):
    """One vector: numbers, or base64 of little-endian float32."""

    index: int
    object: str
    embedding: list[float] | str


class EmbeddingList(msgspec.Struct, frozen=True, kw_only=True):
    """The vectors of all inputs, in their order."""

    object: str
    model: str
    data: list[Embedding]
    usage: TokenUsage
