"""A body on its way to an engine: what is taken out, renamed, and refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from longslope.errors import ContextLengthExceeded, InvalidRequest
from longslope.gateway.prepare import Limits, prepare
from longslope.gateway.resolve import Route
from longslope.wire.chat import CompletionRequest
from tests.integration.store import samples
from tests.unit.gateway.samples import call

LIMITS = Limits(max_messages=3, engine_context=1024)


def route(engine: str = "llama", context: int = 2048) -> Route:
    version = samples.version(engine=engine, context_length=context)
    return Route(version=version, kind="chat", endpoint_id=None, price=None, cost=None)


def prepared(engine: str = "llama", **fields: Any) -> dict[str, Any]:
    body = prepare(call(fields=fields), route(engine), LIMITS)
    return {name: json.loads(bytes(value)) for name, value in body.items()}


def test_what_is_the_platforms_own_business_stays_here() -> None:
    fields = {"stream": True, "stream_options": {"include_usage": True}, "n": 2, "user": "u", "top_p": 0.5}
    assert set(prepared(**fields)) == {"messages", "top_p"}


def test_null_is_absent() -> None:
    assert set(prepared(temperature=None, tools=None, stop=None)) == {"messages"}


def test_fields_that_nobody_here_knows_travel_on() -> None:
    assert prepared("upstream", min_p=0.1, guided_choice=["a"])["guided_choice"] == ["a"]


def test_llama_is_spoken_to_in_its_own_words() -> None:
    body = prepared(max_completion_tokens=7, repetition_penalty=1.1)
    assert (body["max_tokens"], body["repeat_penalty"]) == (7, 1.1)
    assert "max_completion_tokens" not in body
    assert prepared("upstream", max_completion_tokens=7)["max_completion_tokens"] == 7


def test_a_developer_is_the_system_to_llama_and_nothing_else_changes() -> None:
    messages = [
        {"role": "developer", "content": "be brief", "name": "x"},
        {"role": "user", "content": 'a "developer" asks'},
    ]
    told = prepared(messages=messages)["messages"]
    assert told == [{**messages[0], "role": "system"}, messages[1]]
    assert prepared("upstream", messages=messages)["messages"] == messages


def test_too_many_messages_say_both_numbers() -> None:
    with pytest.raises(InvalidRequest, match=r"4 messages; at most 3"):
        prepared(messages=[{"role": "user", "content": "x"}] * 4)


@pytest.mark.parametrize(
    ("size", "fits"),
    [(1_000, True), (1024 * 16 - 200, True), (1024 * 16 + 100, False), (10_000_000, False)],
)
def test_a_prompt_that_cannot_fit_is_refused_before_any_engine_sees_it(size: int, fits: bool) -> None:
    messages = [{"role": "user", "content": "x" * size}]
    if fits:
        prepared(messages=messages)
        return
    with pytest.raises(ContextLengthExceeded) as refused:
        prepared(messages=messages)
    assert "holds 1024 tokens" in refused.value.message
    assert str(len(json.dumps(messages, separators=(",", ":")))) in refused.value.message


def completion(prompt: Any) -> None:
    raw = msgspec.json.encode({"model": "mini", "prompt": prompt})
    body = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    request = msgspec.json.decode(raw, type=CompletionRequest)
    prepare(call(operation="completions", body=body, request=request), route(), LIMITS)


def test_of_several_prompts_each_must_fit_and_not_all_together() -> None:
    completion(["x" * 10_000] * 50)
    completion([[1] * 900] * 50)
    completion([1] * 1000)
    for prompt in (["x", "x" * 20_000], "x" * 20_000, [123_456] * 4_000, [[1], [123_456] * 4_000]):
        with pytest.raises(ContextLengthExceeded) as refused:
            completion(prompt)
        assert refused.value.param == "prompt"


def test_an_upstream_judges_the_length_of_a_prompt_itself() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5_000_000}}
    prepared("upstream", messages=[{"role": "user", "content": [picture]}])


def test_two_limits_that_differ_are_refused() -> None:
    prepared(max_tokens=5, max_completion_tokens=5)
    with pytest.raises(InvalidRequest, match="max_tokens is 5 and max_completion_tokens is 6"):
        prepared(max_tokens=5, max_completion_tokens=6)


def test_pictures_pass_to_those_who_may_see_them() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "x"}}]
    messages = [{"role": "user", "content": parts}]
    assert prepared("upstream", messages=messages)["messages"] == messages
    with pytest.raises(InvalidRequest, match="reads text only"):
        prepared(messages=messages)


def test_schemas_beyond_all_bounds_say_both_numbers() -> None:
    function = {"name": "f", "parameters": {"description": "x" * 300_000}}
    with pytest.raises(InvalidRequest, match=r"tools has 300\d\d\d bytes; at most 262144"):
        prepared(tools=[{"type": "function", "function": function}])
