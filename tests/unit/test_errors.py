"""Errors as both SDKs read them, and the hint to the nearest name."""

from __future__ import annotations

import json

import pytest

from longslope import errors
from longslope.api.problems import error_body, error_headers
from longslope.errors import PlatformError, nearest

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PlatformError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_explains_itself_and_has_a_status_that_fits_its_type(kind: type[PlatformError]) -> None:
    assert kind.__doc__
    assert 400 <= kind.status < 600
    assert (kind.type == "server_error") == (kind.status >= 500)
    assert kind.code


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_has_the_one_shape(kind: type[PlatformError]) -> None:
    error = kind("what was wrong", param="field")
    assert json.loads(error_body(error, "req-1")) == {
        "error": {
            "code": kind.code,
            "message": "what was wrong",
            "type": kind.type,
            "param": "field",
            "request_id": "req-1",
        }
    }
    assert str(error) == error.message == "what was wrong"


def test_sdks_are_told_whether_and_when_to_try_again() -> None:
    busy = error_headers(errors.RateLimited("busy", retry_after_s=2.4), "req-1")
    assert (busy["retry-after"], "x-should-retry" in busy) == ("2", False)
    assert error_headers(errors.RateLimited("busy", retry_after_s=0.01), "req-1")["retry-after"] == "1"
    wrong = error_headers(errors.InvalidRequest("wrong"), "req-1")
    assert (wrong["x-should-retry"], "retry-after" in wrong) == ("false", False)
    assert wrong["x-request-id"] == "req-1"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.retryable])
def test_only_what_may_succeed_later_is_to_be_tried_again(kind: type[PlatformError]) -> None:
    assert kind.status in (429, 502, 503, 504)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("minni", ' Did you mean "mini"?'),
        ("lit", ' Did you mean "lite"?'),
        ("mini", ' Did you mean "mini"?'),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_hinted_at(word: str, hint: str) -> None:
    assert nearest(word, ["mini", "lite", "pro"]) == hint
    assert nearest(word, iter(["mini", "lite", "pro"])) == hint


def test_among_nothing_nothing_is_near() -> None:
    assert nearest("mini", []) == ""
