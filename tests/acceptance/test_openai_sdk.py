"""OpenAI's own SDK against a real platform with real models."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import openai
import pytest

from tests.server import Platform

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["city", "population"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city now",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
def sdk(server: Platform) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.admin_key, max_retries=0) as client:
        yield client


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_a_whole_answer(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model="mini", messages=ask("Say hello."), max_tokens=12, temperature=0
    )
    assert answer.choices[0].message.content
    assert answer.model == "mini@1"
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 12
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.id.startswith("req-")


def test_a_stream_adds_up_to_the_whole_answer(sdk: openai.OpenAI) -> None:
    asked = {
        "model": "mini",
        "messages": ask("Name three colours."),
        "max_tokens": 24,
        "temperature": 0,
        "seed": 1,
    }
    whole = sdk.chat.completions.create(**asked)
    chunks = list(sdk.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert len({chunk.id for chunk in chunks}) == 1
    assert sum(chunk.usage is not None for chunk in chunks) == 1


def test_a_stream_without_usage_asked_for_has_none(sdk: openai.OpenAI) -> None:
    chunks = list(sdk.chat.completions.create(model="mini", messages=ask("Hi"), max_tokens=4, stream=True))
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "length"


def test_several_choices(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(model="mini", messages=ask("Hi"), max_tokens=4, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert answer.usage.completion_tokens <= 12


def test_seed_repeats_an_answer(sdk: openai.OpenAI) -> None:
    asked = {"model": "mini", "messages": ask("Tell a story."), "max_tokens": 16, "seed": 7, "temperature": 1}
    assert (
        sdk.chat.completions.create(**asked).choices[0].message.content
        == sdk.chat.completions.create(**asked).choices[0].message.content
    )


def test_stop_ends_an_answer(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model="lite", messages=ask("Count from 1 to 9: 1, 2, 3,"), max_tokens=40, stop=["5"], temperature=0
    )
    assert answer.choices[0].finish_reason == "stop"
    assert "5" not in (answer.choices[0].message.content or "")


def test_log_probabilities(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model="mini", messages=ask("Hi"), max_tokens=3, logprobs=True, top_logprobs=2
    )
    assert answer.choices[0].logprobs is not None
    content = answer.choices[0].logprobs.content
    assert content
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in content)


def test_a_tool_is_called(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model="lite",
        messages=ask("What is the weather in Paris now?"),
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=64,
        temperature=0,
    )
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "get_weather"
    assert "paris" in json.loads(call.function.arguments)["city"].lower()
    assert answer.choices[0].finish_reason == "tool_calls"


def test_a_tool_is_called_in_a_stream_and_its_result_read(sdk: openai.OpenAI) -> None:
    question = ask("What is the weather in Paris now?")
    stream = sdk.chat.completions.create(
        model="lite",
        messages=question,
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=64,
        temperature=0,
        stream=True,
    )
    name, arguments, id_ = "", "", ""
    for chunk in stream:
        for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            id_ = id_ or call.id or ""
            name += call.function.name or ""
            arguments += call.function.arguments or ""
    assert name == "get_weather"
    call = {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
    answer = sdk.chat.completions.create(
        model="lite",
        messages=[
            *question,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": id_, "content": "Sunny, 21 degrees"},
        ],
        max_tokens=48,
        temperature=0,
    )
    assert "21" in answer.choices[0].message.content


@pytest.mark.parametrize("model", ["mini", "lite"])
def test_a_schema_shapes_the_answer(sdk: openai.OpenAI, model: str) -> None:
    answer = sdk.chat.completions.create(
        model=model,
        messages=ask("Give the city of Paris and its population as JSON."),
        response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}},
        max_tokens=64,
        temperature=0,
    )
    value = json.loads(answer.choices[0].message.content)
    assert set(value) == {"city", "population"}
    assert isinstance(value["population"], int)


def test_a_json_object(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model="lite",
        messages=ask('Answer with the JSON object {"ok": true}.'),
        response_format={"type": "json_object"},
        max_tokens=32,
        temperature=0,
    )
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_text_completion_whole_and_streamed(sdk: openai.OpenAI) -> None:
    asked = {"model": "mini", "prompt": "Once upon a time", "max_tokens": 8, "temperature": 0}
    whole = sdk.completions.create(**asked)
    streamed = "".join(chunk.choices[0].text for chunk in sdk.completions.create(**asked, stream=True))
    assert streamed == whole.choices[0].text
    assert whole.usage.completion_tokens == 8


def test_embeddings_in_floats_and_base64_agree(sdk: openai.OpenAI) -> None:
    texts = ["a cat sat on the mat", "a kitten rested on the rug", "quarterly interest rates rose"]
    plain = sdk.embeddings.create(model="embedding", input=texts, encoding_format="float")
    coded = sdk.embeddings.create(model="embedding", input=texts)  # the SDK asks for base64 and decodes it
    vectors = [item.embedding for item in plain.data]
    assert [len(vector) for vector in vectors] == [384, 384, 384]
    assert coded.data[0].embedding == pytest.approx(vectors[0], abs=1e-6)

    def similarity(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert similarity(vectors[0], vectors[1]) > similarity(vectors[0], vectors[2]) + 0.2
    assert plain.usage.prompt_tokens > 0


def test_embeddings_with_fewer_dimensions_have_length_one(sdk: openai.OpenAI) -> None:
    answer = sdk.embeddings.create(model="embedding", input="a cat", dimensions=64, encoding_format="float")
    vector = answer.data[0].embedding
    assert len(vector) == 64
    assert math.sqrt(sum(value * value for value in vector)) == pytest.approx(1, abs=1e-5)


def test_models_are_listed(sdk: openai.OpenAI) -> None:
    assert {"mini", "lite", "embedding", "mini@1"} <= {model.id for model in sdk.models.list()}
    assert sdk.models.retrieve("mini@1").id == "mini@1"


async def test_the_asynchronous_client(server: Platform) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=server.admin_key) as sdk:
        answer = await sdk.chat.completions.create(model="mini", messages=ask("Hi"), max_tokens=4)
        assert answer.usage.completion_tokens == 4
        stream = await sdk.chat.completions.create(
            model="mini", messages=ask("Hi"), max_tokens=4, stream=True
        )
        assert [chunk async for chunk in stream][-1].choices[0].finish_reason == "length"


def test_errors_become_the_matching_exceptions(server: Platform, sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match='Did you mean "mini"'):
        sdk.chat.completions.create(model="mimi", messages=ask("Hi"))
    with pytest.raises(openai.BadRequestError, match=r"max_tokens|>= 1"):
        sdk.chat.completions.create(model="mini", messages=ask("Hi"), max_tokens=0)
    stranger = openai.OpenAI(base_url=f"{server.url}/v1", api_key="ls-nobody", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.chat.completions.create(model="mini", messages=ask("Hi"))


def test_a_prompt_beyond_the_context_names_both_numbers(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(model="mini", messages=ask("word " * 6000))
    assert caught.value.code == "context_length_exceeded"
    assert "4096" in caught.value.message
    assert "60" in caught.value.message


def test_what_a_request_cost_can_be_recomputed(server: Platform, sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(model="mini", messages=ask("Hello there"), max_tokens=5)
    row = sdk.get(f"{server.url}/platform/v1/requests/{answer.id}", cast_to=dict[str, object])
    prices = sdk.get(f"{server.url}/platform/v1/prices?model=mini", cast_to=dict[str, object])
    price = next(item for item in prices["data"] if item["side"] == "price" and item["in_force"])
    fresh = answer.usage.prompt_tokens - row["cached_tokens"]
    amount = (
        fresh * float(price["input"])
        + row["cached_tokens"] * float(price["cached_input"])
        + answer.usage.completion_tokens * float(price["output"])
    ) / 1e6
    assert float(row["price"]) == pytest.approx(amount, abs=1e-9)
