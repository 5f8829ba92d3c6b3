"""Bodies decoded to their types, and what is said of those that cannot be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longslope.api.body import decode_body, wrong_value
from longslope.errors import InvalidRequest
from longslope.wire.chat import ChatRequest
from longslope.wire.platform import KeyCreate, UpstreamCreate

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
fields = st.sampled_from([*ChatRequest.__struct_fields__, "unknown"])


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_a_refusal(body: bytes) -> None:
    for kind in (ChatRequest, KeyCreate, Any):
        try:
            decode_body(body, kind)
        except InvalidRequest as refused:
            assert refused.message.endswith((".", "?"))


@given(st.dictionaries(fields, json_values, max_size=6))
def test_no_json_does_worse_than_a_refusal_that_names_its_field(values: dict[str, Any]) -> None:
    whole = {"model": "mini", "messages": [{"role": "user", "content": "x"}], **values}
    try:
        decoded = decode_body(json.dumps(whole).encode(), ChatRequest)
    except InvalidRequest as refused:
        assert refused.param is not None
        assert refused.param.partition(".")[0].partition("[")[0] in values
    else:
        assert decoded.model == whole["model"]


@pytest.mark.parametrize(
    ("body", "kind", "message", "param"),
    [
        (
            b'{"name":"x","role":"boss"}',
            KeyCreate,
            'role is "boss"; it may be admin, developer, viewer.',
            "role",
        ),
        (b'{"role":"admin"}', KeyCreate, "name is missing; it is required.", "name"),
        (
            b'{"name":"x","allowed_ips":[5]}',
            KeyCreate,
            "allowed_ips[0] is 5: expected string",
            "allowed_ips[0]",
        ),
        (b'{"nam":"x"}', KeyCreate, 'There is no field nam. Did you mean "name"?', "nam"),
        (b"[]", KeyCreate, "The request's body is not as it should be: expected object, got array.", None),
        (b'{"model":"m","messages":[{}]}', ChatRequest, "messages[0].role is missing", "messages[0].role"),
        (b'{"x":1e999}', Any, "number out of range", None),
    ],
)
def test_the_message_holds_field_value_and_choices(
    body: bytes, kind: Any, message: str, param: str | None
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode_body(body, kind)
    assert message in refused.value.message
    assert refused.value.param == param


def test_a_long_value_is_shortened_and_a_secret_one_left_out() -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode_body(json.dumps({"model": "m", "messages": "x" * 10_000}).encode(), ChatRequest)
    assert len(refused.value.message) < 200
    body = {"name": "a", "base_url": "http://x", "model": "m", "secret": ["hush"]}
    with pytest.raises(InvalidRequest) as refused:
        decode_body(json.dumps(body).encode(), UpstreamCreate)
    assert "hush" not in refused.value.message


def test_a_value_that_cannot_be_found_is_called_wrong() -> None:
    error = wrong_value("Expected `int` - at `$.max_tokens`", {}, ChatRequest)
    assert error.message == "max_tokens is wrong: expected integer."


@pytest.mark.parametrize("half", [rb"\ud800", rb"\uD83D", rb"\ud83dx", rb"\ud83d\u0041"])
def test_half_a_surrogate_pair_is_called_that(half: bytes) -> None:
    with pytest.raises(InvalidRequest, match="surrogate"):
        decode_body(b'{"x":"' + half + b'"}', Any)
    assert decode_body(rb'{"x":"\ud83d\ude00"}', Any) == {"x": "😀"}
