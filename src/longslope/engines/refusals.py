"""What an engine's refusal means to us.

Servers of OpenAI's protocol say no in several dialects: OpenAI's and llama.cpp's `{"error": {…}}`, older
vLLM's `{"object": "error", …}`, FastAPI's `{"detail": …}`. `refusal` reads them all and gives the platform's
own error, so that the user's mistakes stay theirs and ours (a wrong secret, an unknown upstream model) are
not blamed on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import msgspec

from longslope.errors import (
    BodyTooLarge,
    ContextLengthExceeded,
    EngineFault,
    EngineTimeout,
    EngineUnavailable,
    InvalidRequest,
    PlatformError,
    RateLimited,
)

MAX_MESSAGE = 2_000
_MOST_RETRY_AFTER_S = 3_600.0
_TOO_LARGE = re.compile(r"input \((\d+) tokens\) is too large to process.*current batch size: (\d+)")
_CONTEXT = re.compile(
    r"maximum context length is \d+|context_length_exceeded|exceeds? the .{0,20}context", re.I
)


def refusal(engine: str, status: int, headers: Mapping[str, str], body: bytes) -> PlatformError:
    """The error for an answer of HTTP `status` (not 2xx) and `body` from `engine`."""
    said = _error_object(body)
    message = _message(said) or f"HTTP {status}"
    if too_large := _TOO_LARGE.search(message):  # llama.cpp calls this its own fault (500)
        return _too_long(int(too_large[1]), int(too_large[2]), "input")
    wait_s = _retry_after_s(headers)
    if status == 429:
        return RateLimited(
            f"engine {engine} takes no more at present: {message}", retry_after_s=wait_s or 1.0
        )
    if status in (401, 402, 403):
        return EngineFault(
            f"engine {engine} refused the platform's own credentials (HTTP {status}); "
            "ask the operator to check the upstream's secret and account"
        )
    if status == 404:
        return EngineFault(
            f"engine {engine} does not know what the platform asks of it (HTTP 404: {message}); "
            "ask the operator to check the upstream's URL and model name"
        )
    if status in (408, 504):
        return EngineTimeout(
            f"engine {engine} did not answer in time: {message}; retry", retry_after_s=wait_s
        )
    if status == 413:
        return BodyTooLarge(f"engine {engine} refused the request as too large: {message}; send less")
    if status == 501 or 400 <= status < 500:
        return _user_mistake(said, message)
    if status >= 500:
        return EngineUnavailable(f"engine {engine} failed: {message}; retry", retry_after_s=wait_s)
    return EngineFault(f"engine {engine} answered with HTTP {status} instead of an answer; retry")


def refusal_in_stream(engine: str, error: Mapping[str, object]) -> PlatformError:
    """The error for an error object that came inside a stream or a 200 answer."""
    code = error.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return refusal(engine, status, {}, msgspec.json.encode({"error": error}))


def _user_mistake(said: Mapping[str, object], message: str) -> PlatformError:
    param = said.get("param")
    named = param if isinstance(param, str) else None
    prompt, context = said.get("n_prompt_tokens"), said.get("n_ctx")
    if isinstance(prompt, int) and isinstance(context, int):
        return _too_long(prompt, context, named)
    if said.get("code") == "context_length_exceeded" or _CONTEXT.search(message):
        return ContextLengthExceeded(message, param=named)
    return InvalidRequest(message, param=named)


def _too_long(prompt: int, context: int, param: str | None) -> ContextLengthExceeded:
    return ContextLengthExceeded(
        f"the prompt has {prompt} tokens and the model's context holds {context}, answer included; "
        "shorten the prompt or choose a model with a longer context",
        param=param,
    )


def _error_object(body: bytes) -> Mapping[str, object]:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"message": body[:200].decode(errors="replace").strip()}
    if not isinstance(decoded, dict):
        return {}
    top = cast("dict[str, object]", decoded)
    error = top.get("error")
    if isinstance(error, dict):
        return cast("dict[str, object]", error)
    if isinstance(error, str):
        return {"message": error}
    return top


def _message(said: Mapping[str, object]) -> str:
    message = said.get("message") or said.get("detail") or ""
    text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
    return text[:MAX_MESSAGE].rstrip(".; \n")


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from `Retry-After`; its date form is not worth a clock's disagreement and counts as absent."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), _MOST_RETRY_AFTER_S) if seconds == seconds else None
