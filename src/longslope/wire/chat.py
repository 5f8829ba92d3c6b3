"""Chat completions and text completions, as OpenAI's and Ark's SDKs send them.

The structs check what the platform relies on; every other field travels to the engine as the caller wrote it.
`null` means absent: the SDKs send unset fields so.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


class FunctionCall(msgspec.Struct, kw_only=True):
    """A call that the model asks for: a name, and its arguments as JSON text."""

    name: str
    arguments: str = "{}"


class ToolCall(msgspec.Struct, kw_only=True):
    """One tool call of an assistant's message."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(msgspec.Struct, kw_only=True):
    """One message. `content` is text, or a list of typed parts."""

    role: Role
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


class Function(msgspec.Struct, kw_only=True):
    """A function the model may call; `parameters` is a JSON Schema."""

    name: Annotated[str, Meta(pattern="^[a-zA-Z0-9_.-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct, kw_only=True):
    """A tool the model may use."""

    type: Literal["function"]
    function: Function


class JsonSchema(msgspec.Struct, kw_only=True):
    """The schema of a structured answer."""

    name: str
    schema: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, kw_only=True):
    """The form of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct, kw_only=True):
    """`include_usage` asks for a last chunk that holds the usage."""

    include_usage: bool | None = None


class SamplingFields(msgspec.Struct, kw_only=True):
    """What chat and text completions have in common."""

    model: Annotated[str, Meta(min_length=1, max_length=128)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=16)] | None = None
    max_tokens: Positive | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Fraction | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    user: str | None = None


class ChatRequest(SamplingFields, kw_only=True):
    """`POST /chat/completions`."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    max_completion_tokens: Positive | None = None
    tools: Annotated[list[Tool], Meta(max_length=128)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=2)] | None = None
    thinking: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    service_tier: str | None = None


class CompletionRequest(SamplingFields, kw_only=True):
    """`POST /completions`: text in, text out. `prompt` is a text, several, or token ids."""

    prompt: str | Annotated[list[str | int | list[int]], Meta(min_length=1)]
    echo: bool | None = None
    suffix: str | None = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None


class PromptTokensDetails(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the prompt the engine did not have to compute again."""

    cached_tokens: int = 0


class TokenUsage(msgspec.Struct, frozen=True, kw_only=True):
    """The `usage` of an answer, in tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: PromptTokensDetails | None = None

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens that came from the prefix cache."""
        return self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else 0
