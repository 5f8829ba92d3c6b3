"""Ark's own SDK against a real platform: only `base_url` differs from the cloud's."""

from __future__ import annotations

import pytest
from volcenginesdkarkruntime import Ark, AsyncArk
from volcenginesdkarkruntime._exceptions import (
    ArkAuthenticationError,
    ArkBadRequestError,
    ArkNotFoundError,
)

from tests.server import Platform

HELLO = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
def sdk(server: Platform) -> Ark:
    return Ark(api_key=server.admin_key, base_url=f"{server.url}/api/v3", max_retries=0)


def test_a_whole_answer(sdk: Ark) -> None:
    answer = sdk.chat.completions.create(model="mini", messages=HELLO, max_tokens=6, repetition_penalty=1.1)
    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens == 6
    assert answer.usage.prompt_tokens_details.cached_tokens >= 0


def test_a_repeated_prompt_counts_its_cached_tokens(sdk: Ark) -> None:
    messages = [{"role": "user", "content": "A prompt that is asked twice. " * 8}]
    sdk.chat.completions.create(model="mini", messages=messages, max_tokens=2)
    again = sdk.chat.completions.create(model="mini", messages=messages, max_tokens=2)
    assert again.usage.prompt_tokens_details.cached_tokens > again.usage.prompt_tokens // 2


def test_a_stream(sdk: Ark) -> None:
    stream = sdk.chat.completions.create(
        model="mini",
        messages=HELLO,
        max_tokens=6,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage.completion_tokens == 6


def test_an_endpoint_is_called_by_its_id(sdk: Ark, server: Platform) -> None:
    import openai

    http = openai.OpenAI(base_url=f"{server.url}/platform/v1", api_key=server.admin_key)
    endpoint = http.post("/endpoints", body={"name": "chat", "version": "mini"}, cast_to=dict[str, object])
    assert str(endpoint["id"]).startswith("ep-")
    assert sdk.chat.completions.create(model=endpoint["id"], messages=HELLO, max_tokens=2).model == "mini@1"


def test_embeddings(sdk: Ark) -> None:
    answer = sdk.embeddings.create(model="embedding", input=["a", "b"], encoding_format="float")
    assert [len(item.embedding) for item in answer.data] == [384, 384]


@pytest.mark.parametrize("text", ["你好, world", "naïve 🙂 text", "plain"])
def test_tokenization_covers_the_text(sdk: Ark, text: str) -> None:
    answer = sdk.tokenization.create(model="lite", text=[text])
    tokens = answer.data[0]
    assert tokens.total_tokens == len(tokens.token_ids) == len(tokens.offset_mapping)
    covered = {place for start, end in tokens.offset_mapping for place in range(start, end)}
    assert covered == set(range(len(text)))


async def test_the_asynchronous_client(server: Platform) -> None:
    sdk = AsyncArk(api_key=server.admin_key, base_url=f"{server.url}/api/v3")
    answer = await sdk.chat.completions.create(model="mini", messages=HELLO, max_tokens=4)
    assert answer.usage.completion_tokens == 4
    stream = await sdk.chat.completions.create(model="mini", messages=HELLO, max_tokens=4, stream=True)
    assert [chunk async for chunk in stream][-1].choices[0].finish_reason == "length"
    await sdk.close()


def test_errors_become_the_matching_exceptions(server: Platform, sdk: Ark) -> None:
    with pytest.raises(ArkNotFoundError) as unknown:
        sdk.chat.completions.create(model="mimi", messages=HELLO)
    assert unknown.value.code == "InvalidEndpointOrModel.NotFound"
    with pytest.raises(ArkBadRequestError):
        sdk.chat.completions.create(model="mini", messages=[])
    stranger = Ark(api_key="ls-nobody", base_url=f"{server.url}/api/v3", max_retries=0)
    with pytest.raises(ArkAuthenticationError):
        stranger.chat.completions.create(model="mini", messages=HELLO)
