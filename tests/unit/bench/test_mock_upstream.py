"""The mock speaks OpenAI's protocol well enough for real clients: the SDK, and our own reader of streams."""

from __future__ import annotations

from collections.abc import AsyncIterator

import openai
import pytest

from longslope.bench.mock_upstream import MODEL, STREAM_FRAMES, serve
from longslope.bench.streams import StreamTarget, stream_round
from longslope.errors import BenchmarkError


@pytest.fixture
async def port() -> AsyncIterator[int]:
    ports: list[int] = []
    servers = await serve([0.0], ports.extend)
    yield ports[0]
    servers[0].close()


@pytest.fixture
async def sdk(port: int) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/v1") as client:
        yield client


async def test_whole_and_streamed_answers_say_the_same(sdk: openai.AsyncOpenAI) -> None:
    messages = [{"role": "user", "content": "snow?"}]
    whole = await sdk.chat.completions.create(model=MODEL, messages=messages)  # type: ignore[arg-type]
    text, tokens = "", 0
    stream = await sdk.chat.completions.create(model=MODEL, messages=messages, stream=True)  # type: ignore[arg-type]
    async for chunk in stream:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        tokens = chunk.usage.completion_tokens if chunk.usage else tokens
    assert text == whole.choices[0].message.content != ""
    assert whole.usage is not None
    assert tokens == whole.usage.completion_tokens == STREAM_FRAMES


async def test_it_lists_its_model_and_knows_nothing_else(sdk: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in sdk.models.list()] == [MODEL]
    with pytest.raises(openai.NotFoundError):
        await sdk.embeddings.create(model=MODEL, input="snow")


async def test_a_round_of_streams_adds_up(port: int) -> None:
    target = StreamTarget(base_url=f"http://127.0.0.1:{port}", key="none", model=MODEL, banned=(0, 2))
    turn = await stream_round(target, clients=3, tokens=STREAM_FRAMES, salt="x")
    assert turn.tokens == 3 * STREAM_FRAMES
    assert turn.tokens_per_second == pytest.approx(turn.tokens / turn.seconds, rel=0.01)
    assert 0 < turn.first_ms <= turn.seconds * 1000


async def test_a_round_of_another_length_is_no_round(port: int) -> None:
    target = StreamTarget(base_url=f"http://127.0.0.1:{port}", key="none", model=MODEL, banned=())
    with pytest.raises(BenchmarkError, match="had 16 tokens"):
        await stream_round(target, clients=1, tokens=99, salt="x")
