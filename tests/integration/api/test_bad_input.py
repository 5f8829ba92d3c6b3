"""Bad input: each kind is refused with an error that says what was wrong, and with which value."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import pytest

from tests.integration.gateway.calls import ask, chat_body

CHAT = "/v1/chat/completions"


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + b"1" + closing * depth


def with_field(name: str, value: bytes) -> bytes:
    """A chat body that is right but for one field, whose value is given as it travels."""
    body = chat_body("mini", max_tokens=1)
    body.pop(name, None)
    return json.dumps(body).encode()[:-1] + b"," + json.dumps(name).encode() + b":" + value + b"}"


def with_schema(value: bytes) -> bytes:
    tool = b'{"type":"function","function":{"name":"f","parameters":' + value + b"}}"
    return with_field("tools", b"[" + tool + b"]")


async def refused(
    client: aiohttp.ClientSession, body: bytes, path: str = CHAT, status: int = 400
) -> dict[str, Any]:
    """The error of an answer, which has the shape that SDKs know and names its request."""
    async with client.post(path, data=body, headers={"Content-Type": "application/json"}) as reply:
        text = await reply.text()
    assert reply.status == status, text
    assert reply.content_type == "application/json"
    error = json.loads(text)["error"]
    assert set(error) == {"code", "message", "type", "param", "request_id"}
    assert error["request_id"] == reply.headers["x-request-id"]
    assert reply.headers["x-should-retry"] == "false"
    return error


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "no body", id="nothing"),
        pytest.param(b'{"model": "mini", ', "no valid JSON", id="cut short"),
        pytest.param(b"{'model': 'mini'}", "no valid JSON", id="Python's quotes"),
        pytest.param(json.dumps(chat_body("mini")).encode() + b"x", "no valid JSON", id="more behind it"),
        pytest.param(b"model=mini", "no valid JSON", id="a form"),
        pytest.param(b"[]", "expected object, got array", id="an array"),
        pytest.param(b'"mini"', "expected object, got string", id="a text"),
        pytest.param(b"null", "expected object, got null", id="null"),
        pytest.param(with_field("x", nested(100_000)), "nested too deeply", id="100,000 deep"),
        pytest.param(
            with_field("x", nested(100_000, b'{"a":', b"}")), "nested too deeply", id="100,000 objects deep"
        ),
        pytest.param(
            with_schema(b'{"a":' + nested(100_000) + b"}"), "nested too deeply", id="100,000 deep in a field"
        ),
        pytest.param(with_schema(nested(900, b'{"not":', b"}")), "", id="900 schemas deep"),
        pytest.param(with_field("temperature", b"NaN"), "no valid JSON", id="NaN"),
        pytest.param(with_field("temperature", b"Infinity"), "no valid JSON", id="Infinity"),
        pytest.param(with_field("temperature", b"-Infinity"), "no valid JSON", id="-Infinity"),
        pytest.param(with_field("x", b"NaN"), "no valid JSON", id="NaN where nobody looks"),
        pytest.param(with_field("x", b"1e999"), "out of range", id="1e999 where nobody looks"),
        pytest.param(with_field("x", b'"\xff\xfe"'), "no valid UTF-8", id="invalid UTF-8 where nobody looks"),
        pytest.param(with_field("messages", b'"\xff"'), "", id="invalid UTF-8"),
        pytest.param(with_field("user", b'"\xed\xa0\x80"'), "no valid UTF-8", id="a surrogate in UTF-8"),
        pytest.param(with_field("user", b'"\\ud800"'), "surrogate", id="a lone high surrogate"),
        pytest.param(with_field("user", b'"\\udc00"'), "surrogate", id="a lone low surrogate"),
        pytest.param(with_field("x", b'"\\ud800x"'), "surrogate", id="a surrogate where nobody looks"),
        pytest.param(json.dumps(chat_body("mini")).encode("utf-16"), "no valid JSON", id="UTF-16"),
    ],
)
async def test_what_is_no_json_is_refused(client: aiohttp.ClientSession, body: bytes, said: str) -> None:
    error = await refused(client, body)
    assert error["code"] == "InvalidParameter"
    assert said in error["message"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("model", b"3", "model is 3: expected string"),
        ("model", b"null", "model is null"),
        ("model", b'""', 'model is ""'),
        ("model", b'"' + b"x" * 200 + b'"', "length <= 128"),
        ("messages", b"[]", "messages is []"),
        ("messages", b"null", "messages is null"),
        ("messages", b'"hello"', 'messages is "hello": expected array'),
        ("temperature", b'"0.5"', 'temperature is "0.5": expected number'),
        ("temperature", b"2.5", "temperature is 2.5: expected number <= 2.0"),
        ("temperature", b"-1e-9", "expected number >= 0"),
        ("temperature", b"1e999", "out of range"),
        ("top_p", b"1.01", "top_p is 1.01"),
        ("max_tokens", b"0", "max_tokens is 0: expected integer >= 1"),
        ("max_tokens", b"-1", "max_tokens is -1: expected integer >= 1"),
        ("max_tokens", b'"5"', 'max_tokens is "5"'),
        ("max_tokens", b"1.5", "max_tokens is 1.5"),
        ("max_tokens", b"1e999", "out of range"),
        ("max_tokens", str(2**200).encode(), "expected integer <= 2147483647"),
        ("max_completion_tokens", b"0", "max_completion_tokens is 0"),
        ("seed", str(2**200).encode(), "seed is 1606938"),
        ("seed", str(-(2**200)).encode(), "seed is -1606938"),
        ("n", b"0", "n is 0"),
        ("n", b"17", "n is 17: expected integer <= 16"),
        ("stream", b'"true"', 'stream is "true": expected boolean'),
        ("stream", b"1", "stream is 1"),
        ("stop", b"5", "stop is 5"),
        ("stop", b'["a", 5]', "stop[1] is 5"),
        ("logit_bias", b'{"5": 101}', "expected number <= 100"),
        ("tools", b"{}", "tools is {}"),
        ("tool_choice", b"5", "tool_choice is 5"),
        ("response_format", b'{"type": "xml"}', 'response_format.type is "xml"; it may be'),
        ("stream_options", b'{"include_usage": "yes"}', 'stream_options.include_usage is "yes"'),
    ],
)
async def test_a_wrong_value_is_named_with_what_was_expected(
    client: aiohttp.ClientSession, field: str, value: bytes, said: str
) -> None:
    error = await refused(client, with_field(field, value))
    assert said in error["message"]
    assert error["param"].startswith(field)
    assert (error["code"], error["type"]) == ("InvalidParameter", "invalid_request_error")


@pytest.mark.parametrize(
    ("message", "param", "said"),
    [
        ({}, "messages[0].role", "missing"),
        ({"role": "wizard", "content": "x"}, "messages[0].role", 'is "wizard"; it may be assistant'),
        ({"role": "asistant", "content": "x"}, "messages[0].role", 'Did you mean "assistant"?'),
        ({"role": "user"}, "messages[0].content", "no content"),
        ({"role": "user", "content": None}, "messages[0].content", "no content"),
        ({"role": "user", "content": 5}, "messages[0].content", "is 5"),
        ({"role": "user", "content": []}, "messages[0].content", "empty list"),
        ({"role": "user", "content": [5]}, "messages[0].content[0]", "is 5"),
        ({"role": "user", "content": [{"text": "x"}]}, "messages[0].content[0].type", '"type"'),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text", "no text"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            "messages[0].content[0].type",
            "reads text only",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"arguments": {}, "name": "f"}}]},
            "messages[0].tool_calls[0].function.arguments",
            "expected string, got object",
        ),
    ],
)
async def test_a_wrong_message_is_named_by_its_place(
    client: aiohttp.ClientSession, message: dict[str, Any], param: str, said: str
) -> None:
    error = await refused(client, json.dumps({"model": "mini", "messages": [message]}).encode())
    assert error["param"] == param
    assert said in error["message"]


@pytest.mark.parametrize(
    ("schema", "param"),
    [
        ({"type": "objekt"}, "parameters.type"),
        ({"type": "object", "properties": {"a": {"type": 5}}}, "parameters.properties.a.type"),
        ({"type": "object", "required": "a"}, "parameters.required"),
        ({"properties": {"a": {"pattern": "("}}}, "parameters.properties.a.pattern"),
        ({"anyOf": []}, "parameters.anyOf"),
    ],
)
async def test_a_schema_that_is_none_is_named_by_its_place(
    client: aiohttp.ClientSession, schema: dict[str, Any], param: str
) -> None:
    error = await refused(client, with_schema(json.dumps(schema).encode()))
    assert error["param"] == f"tools[0].function.{param}"
    assert "no valid JSON Schema" in error["message"]
    body = chat_body(
        "mini", response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    )
    error = await refused(client, json.dumps(body).encode())
    assert error["param"] == "response_format.json_schema.schema" + param.removeprefix("parameters")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (with_schema(b'"no schema"'), "tools[0].function.parameters"),
        (with_schema(b"[]"), "tools[0].function.parameters"),
        (with_field("tools", b'[{"type":"function","function":{}}]'), "tools[0].function.name"),
        (with_field("tools", b'[{"type":"function","function":{"name":"a b"}}]'), "tools[0].function.name"),
        (with_field("tools", b'[{"type":"spell","function":{"name":"a"}}]'), "tools[0].type"),
        (with_field("response_format", b'{"type":"json_schema"}'), "response_format.json_schema.schema"),
    ],
)
async def test_a_tool_that_is_none_is_named_by_its_place(
    client: aiohttp.ClientSession, body: bytes, param: str
) -> None:
    assert (await refused(client, body))["param"] == param


@pytest.mark.parametrize(
    ("choice", "tools", "said"),
    [
        ("bogus", 1, 'tool_choice is "bogus"; it may be none, auto, required'),
        ("required", 0, "tools is empty"),
        ({"type": "function", "function": {"name": "f1"}}, 1, "names 'f1', which is none of the tools: f0"),
        ({"type": "function"}, 1, "names None"),
        ({"type": "function", "function": {"name": "f0"}}, 0, "tools is empty"),
    ],
)
async def test_a_choice_of_no_tool_is_refused(
    client: aiohttp.ClientSession, choice: Any, tools: int, said: str
) -> None:
    listed = [{"type": "function", "function": {"name": f"f{number}"}} for number in range(tools)]
    body = chat_body("mini", tool_choice=choice, tools=listed)
    error = await refused(client, json.dumps(body).encode())
    assert error["param"].startswith("tool_choice")
    assert said in error["message"]


async def test_a_required_call_with_odd_template_arguments_is_refused(client: aiohttp.ClientSession) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    body = chat_body("mini", tool_choice="required", tools=tools, chat_template_kwargs="x")
    assert (await refused(client, json.dumps(body).encode()))["param"] == "chat_template_kwargs"


async def test_a_schema_of_ordinary_depth_is_taken(client: aiohttp.ClientSession) -> None:
    body = with_schema(nested(20, b'{"type":"object","properties":{"a":', b"}}").replace(b"1", b"{}"))
    async with client.post(CHAT, data=body) as reply:
        assert reply.status == 200, await reply.text()


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("minni", "mini"), ("Mini", "mini"), ("lite@2", "lite@1"), ("mi\0ni", "mini"), ("xyzzy", None)],
)
async def test_an_unknown_model_names_the_nearest(
    client: aiohttp.ClientSession, asked: str, nearest: str | None
) -> None:
    error = await refused(client, json.dumps(chat_body(asked)).encode(), status=404)
    assert (error["code"], error["param"]) == ("InvalidEndpointOrModel.NotFound", "model")
    assert (f'Did you mean "{nearest}"?' in error["message"]) == (nearest is not None)
    assert "lite" in error["message"]  # what there is


async def test_a_model_of_another_kind_names_those_that_fit(client: aiohttp.ClientSession) -> None:
    error = await refused(client, json.dumps(chat_body("embedding")).encode())
    assert "mini" in error["message"]
    error = await refused(client, b'{"model":"mini","input":"x"}', "/v1/embeddings")
    assert "embedding" in error["message"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "words", [5_000, 200_000]
)  # the engine counts the first, the gateway sees the second
async def test_a_prompt_longer_than_the_context_says_both_numbers(
    client: aiohttp.ClientSession, words: int, stream: bool
) -> None:
    messages = [{"role": "user", "content": "hello " * words}]
    body = {"model": "mini", "messages": messages, "stream": stream}
    error = await refused(client, json.dumps(body).encode())
    assert (error["code"], error["param"]) == ("context_length_exceeded", "messages")
    prompt, context = re.findall(r"(\d+) tokens|holds (\d+)", error["message"])
    assert int("".join(context)) == 4096
    assert int("".join(prompt)) > 4096


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/completions", {"model": "mini", "prompt": "hello " * 5_000}, "prompt"),
        ("/v1/embeddings", {"model": "embedding", "input": "hello " * 5_000}, "input"),
    ],
)
async def test_other_prompts_longer_than_the_context_are_named_by_their_field(
    client: aiohttp.ClientSession, path: str, body: dict[str, Any], param: str
) -> None:
    error = await refused(client, json.dumps(body).encode(), path)
    assert (error["code"], error["param"]) == ("context_length_exceeded", param)


async def test_a_hundred_thousand_messages_say_both_numbers(client: aiohttp.ClientSession) -> None:
    body = {"model": "mini", "messages": [{"role": "user", "content": "x"}] * 100_000}
    error = await refused(client, json.dumps(body).encode())
    assert error["param"] == "messages"
    assert "100000" in error["message"]
    assert "2048" in error["message"]


async def test_ten_megabytes_that_nobody_reads_are_carried(client: aiohttp.ClientSession) -> None:
    body = with_field("padding", b'"' + b"x" * 10_000_000 + b'"')
    async with client.post(CHAT, data=body) as reply:
        assert reply.status == 200, await reply.text()


async def test_ten_megabytes_of_prompt_are_a_prompt_too_long(client: aiohttp.ClientSession) -> None:
    body = json.dumps({"model": "mini", "messages": [{"role": "user", "content": "x" * 10_000_000}]})
    assert (await refused(client, body.encode()))["code"] == "context_length_exceeded"


async def test_a_body_above_the_limit_says_both_numbers(client: aiohttp.ClientSession) -> None:
    body = with_field("padding", b'"' + b"x" * 17_000_000 + b'"')
    error = await refused(client, body, status=413)
    assert error["code"] == "RequestTooLarge"
    assert str(len(body)) in error["message"]
    assert str(16 * 1024 * 1024) in error["message"]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/completions", {"model": "mini", "prompt": []}, "prompt"),
        ("/v1/completions", {"model": "mini", "prompt": ["a", ["b"]]}, "prompt[1][0]"),
        ("/v1/completions", {"model": "mini"}, "prompt"),
        ("/v1/completions", {"model": "mini", "prompt": ["a"] * 300}, "n"),
        ("/v1/embeddings", {"model": "embedding", "input": ""}, "input"),
        ("/v1/embeddings", {"model": "embedding", "input": []}, "input"),
        ("/v1/embeddings", {"model": "embedding", "input": ["a", ""]}, "input[1]"),
        ("/v1/embeddings", {"model": "embedding", "input": "a", "dimensions": 0}, "dimensions"),
        ("/v1/embeddings", {"model": "embedding", "input": "a", "dimensions": 385}, "dimensions"),
        ("/v1/embeddings", {"model": "embedding", "input": "a", "encoding_format": "hex"}, "encoding_format"),
        ("/v1/embeddings", {"model": "embedding", "input": ["a"] * 8193}, "input"),
        ("/api/v3/tokenization", {"model": "mini", "text": []}, "text"),
        ("/api/v3/tokenization", {"model": "mini", "text": 5}, "text"),
        ("/api/v3/tokenization", {"model": "mini", "text": ["x" * 600_000] * 2}, "text"),
    ],
)
async def test_other_calls_name_what_is_wrong_too(
    client: aiohttp.ClientSession, path: str, body: dict[str, Any], param: str
) -> None:
    assert (await refused(client, json.dumps(body).encode(), path))["param"] == param


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("top_k", b'"x"'),
        ("grammar", b'"(((("'),
        ("reasoning_format", b'"bogus"'),
        ("dry_sequence_breakers", b"5"),
        ("chat_template_kwargs", b'{"enable_thinking":"x"}'),
        ("repeat_last_n", b"-5"),
        ("reasoning_format", b"5"),
        ("prompt", b"[[1000000000]]"),
    ],
)
async def test_what_only_the_engine_can_judge_is_the_callers_mistake_too(
    client: aiohttp.ClientSession, field: str, value: bytes
) -> None:
    path = "/v1/completions" if field == "prompt" else CHAT
    error = await refused(client, with_field(field, value), path)
    assert error["code"] == "InvalidParameter"


async def test_a_long_text_is_laid_out_as_a_short_one(client: aiohttp.ClientSession) -> None:
    line = "snow on the slöpe, 雪 on the 坡\n"
    text = line * 1_000
    body = {"model": "mini", "text": [line, text]}
    short, long = (await ask(client, "POST", "/api/v3/tokenization", 200, **body))["data"]
    assert long["total_tokens"] == len(long["offset_mapping"]) >= 999 * short["total_tokens"]
    places = [tuple(place) for place in long["offset_mapping"]]
    assert places == sorted(places)
    assert (places[0][0], places[-1][1]) == (0, len(text))
    assert [text[start:end] for start, end in places[:10]] == [
        line[start:end] for start, end in short["offset_mapping"][:10]
    ]


async def test_null_is_absent(client: aiohttp.ClientSession) -> None:
    fields = ("temperature", "stop", "seed", "tools", "tool_choice", "response_format", "n", "stream")
    body = chat_body("mini", max_tokens=1, **dict.fromkeys(fields))
    async with client.post(CHAT, json=body) as reply:
        assert reply.status == 200, await reply.text()


@pytest.mark.parametrize("policy", ["all", "", "Content"])
async def test_a_trace_policy_that_is_none_is_refused(client: aiohttp.ClientSession, policy: str) -> None:
    headers = {"X-Longslope-Trace": policy}
    async with client.post(CHAT, json=chat_body("mini"), headers=headers) as reply:
        assert reply.status == 400
        assert "none, metadata, content" in (await reply.json())["error"]["message"]


async def test_after_all_that_the_platform_is_well(client: aiohttp.ClientSession) -> None:
    assert (await ask(client, "GET", "/healthz", 200))["status"] == "ok"
    await ask(client, "POST", CHAT, 200, **chat_body("mini", max_tokens=1))
