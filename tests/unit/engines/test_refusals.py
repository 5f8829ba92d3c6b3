"""Whose fault a refusal is, in each server's dialect."""

from __future__ import annotations

import msgspec
import pytest

from longslope.engines.refusals import refusal, refusal_in_stream
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


def refused(status: int, body: object, **headers: str) -> PlatformError:
    return refusal(
        "big@1#0", status, {key.replace("_", "-"): value for key, value in headers.items()}, encoded(body)
    )


def encoded(body: object) -> bytes:
    return body if isinstance(body, bytes) else msgspec.json.encode(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"error": {"message": "temperature must be below 2", "param": "temperature"}},
            "temperature must be below 2",
        ),
        ({"error": "temperature must be below 2."}, "temperature must be below 2"),
        ({"object": "error", "message": "temperature must be below 2"}, "temperature must be below 2"),
        ({"detail": [{"loc": ["body"], "msg": "required"}]}, "required"),
        (b"plain words", "plain words"),
        (b"\xff\xfe", "\ufffd"),
        (b"", "HTTP 400"),
        ([1], "HTTP 400"),
    ],
)
def test_the_users_mistake_carries_the_engines_words(body: object, message: str) -> None:
    error = refused(400, body)
    assert type(error) is InvalidRequest
    assert message in error.message


def test_the_parameter_is_named() -> None:
    assert refused(422, {"error": {"message": "no", "param": "top_p"}}).param == "top_p"


def test_a_prompt_too_long_for_llama_says_both_numbers() -> None:
    error = refused(
        400,
        {
            "error": {
                "type": "exceed_context_size_error",
                "message": "…",
                "n_prompt_tokens": 5031,
                "n_ctx": 2048,
            }
        },
    )
    assert isinstance(error, ContextLengthExceeded)
    assert "5031" in error.message
    assert "2048" in error.message


def test_a_text_too_long_to_embed_is_no_crash() -> None:
    said = "input (3001 tokens) is too large to process. increase … (current batch size: 2048)"
    error = refused(500, {"error": {"code": 500, "message": said}})
    assert isinstance(error, ContextLengthExceeded)
    assert "3001" in error.message
    assert "2048" in error.message
    assert error.param == "input"


@pytest.mark.parametrize(
    "error",
    [
        {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"},
        {"message": "too long", "code": "context_length_exceeded"},
    ],
)
def test_a_prompt_too_long_for_others_is_known_too(error: object) -> None:
    assert isinstance(refused(400, {"error": error}), ContextLengthExceeded)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_our_own_mistakes_are_not_the_users(status: int) -> None:
    error = refused(status, {"error": {"message": "bad key sk-123"}})
    assert isinstance(error, EngineFault)
    assert "operator" in error.message
    assert status == 404 or "sk-123" not in error.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (408, EngineTimeout),
        (413, BodyTooLarge),
        (501, InvalidRequest),
        (500, EngineUnavailable),
        (502, EngineUnavailable),
        (503, EngineUnavailable),
        (504, EngineTimeout),
        (302, EngineFault),
    ],
)
def test_each_status_has_its_kind(status: int, kind: type[PlatformError]) -> None:
    assert type(refused(status, b"")) is kind


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("999999", 3600.0), ("-3", 1.0), ("nan", 1.0), ("Wed, 1", 1.0)],
)
def test_retry_after_is_kept_within_reason(header: str, seconds: float) -> None:
    error = refused(429, b"", Retry_After=header)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == seconds


def test_an_error_in_a_stream_is_read_by_its_code() -> None:
    assert isinstance(refusal_in_stream("e", {"code": 400, "message": "no"}), InvalidRequest)
    assert isinstance(refusal_in_stream("e", {"code": "rate", "message": "no"}), EngineUnavailable)
