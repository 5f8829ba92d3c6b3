"""The embedded engine answers truly, in every way it can be asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from longslope.engines import sse
from longslope.engines.protocol import EngineState
from longslope.errors import ContextLengthExceeded, InvalidRequest
from tests.integration.engines.conftest import StartLlama
from tests.integration.engines.works import ENDLESS, bodies, decoded, text_of, until, work


async def test_whole_and_streamed_answers_agree_and_tell_their_usage(start_llama: StartLlama) -> None:
    engine = await start_llama()
    asked = work(temperature=0, **ENDLESS)
    whole = decoded((await engine.chat(asked)).body)
    frames = [frame async for frame in engine.chat_stream(asked)]
    assert text_of(frames) == whole["choices"][0]["message"]["content"] != ""
    assert whole["model"] == "mini@1"
    assert whole["usage"]["completion_tokens"] == 8
    assert sse.has_usage(frames[-2])
    streamed = bodies(frames)[-1]["usage"]
    assert streamed["prompt_tokens"] == whole["usage"]["prompt_tokens"]
    assert streamed["completion_tokens"] == 8


async def test_several_choices_are_one_answer(start_llama: StartLlama) -> None:
    engine = await start_llama()
    single = decoded((await engine.chat(work(seed=5))).body)
    asked = work(choices=3, seed=5, **ENDLESS)
    whole = decoded((await engine.chat(asked)).body)
    texts = [choice["message"]["content"] for choice in whole["choices"]]
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2]
    assert len(set(texts)) > 1
    assert whole["usage"]["prompt_tokens"] == single["usage"]["prompt_tokens"]
    assert whole["usage"]["completion_tokens"] == 24

    frames = [frame async for frame in engine.chat_stream(asked)]
    streamed = bodies(frames)
    assert {body["id"] for body in streamed} == {streamed[0]["id"]}
    assert [sse.has_usage(frame) for frame in frames].count(True) == 1
    assert streamed[-1]["usage"]["completion_tokens"] == 24
    assert streamed[-1]["usage"]["prompt_tokens"] == single["usage"]["prompt_tokens"]
    assert all(text_of(frames, index) for index in range(3))
    assert engine.in_flight == 0


async def test_several_prompts_are_one_completion(start_llama: StartLlama) -> None:
    engine = await start_llama()
    whole = decoded(
        (
            await engine.chat(
                work("completions", prompt=["one two", "a"], max_tokens=4, choices=2, **ENDLESS)
            )
        ).body
    )
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2, 3]
    tokens = [len(await engine.tokenize(text)) for text in ("one two", "a")]
    assert whole["usage"]["prompt_tokens"] == sum(tokens)
    assert whole["usage"]["completion_tokens"] == 16


async def test_a_project_never_meets_another_projects_prefix(start_llama: StartLlama) -> None:
    engine = await start_llama(slots=1)

    async def cached(salt: str, **body: object) -> int:
        answer = decoded((await engine.chat(work(salt=salt, max_tokens=1, **body))).body)
        return answer["usage"]["prompt_tokens_details"]["cached_tokens"]

    assert await cached("a") == 0
    assert await cached("a") > 0
    assert await cached("b") == 0
    assert await cached("b", cache_prompt=True, id_slot=0) > 0  # its own by now
    assert await cached("a", cache_prompt=True, id_slot=0, n_cache_reuse=1) == 0


async def test_a_project_keeps_its_prefix_beside_others(start_llama: StartLlama) -> None:
    engine = await start_llama(slots=2)
    for salt in ("a", "b"):
        await engine.chat(work(salt=salt, max_tokens=1))
    for salt in ("a", "b", "a"):
        answer = decoded((await engine.chat(work(salt=salt, max_tokens=1))).body)
        assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] > 0


async def test_more_works_than_slots_all_get_answers(start_llama: StartLlama) -> None:
    engine = await start_llama(slots=2)
    answers = asyncio.gather(
        *(engine.chat(work(salt=str(number), max_tokens=4, **ENDLESS)) for number in range(7))
    )
    await until(lambda: engine.in_flight == 7)
    assert [decoded(answer.body)["usage"]["completion_tokens"] for answer in await answers] == [4] * 7
    assert engine.in_flight == 0


async def test_tokens_have_places_in_the_text(start_llama: StartLlama) -> None:
    engine = await start_llama()
    text = "héllo 世界 😀!"
    tokens = await engine.tokenize(text)
    edges = [token.start for token in tokens] + [tokens[-1].end]
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (0, len(text.encode()))
    assert text.encode()[tokens[-1].start : tokens[-1].end] == b"!"


async def test_a_prompt_too_long_says_both_numbers(start_llama: StartLlama) -> None:
    engine = await start_llama(context=256)
    asked = work("completions", prompt="word " * 300, max_tokens=1)
    with pytest.raises(ContextLengthExceeded, match=r"30\d tokens .* 256"):
        await engine.chat(asked)
    with pytest.raises(ContextLengthExceeded):
        await anext(engine.chat_stream(asked))


async def test_what_the_user_got_wrong_reaches_no_log(start_llama: StartLlama, tmp_path: Path) -> None:
    engine = await start_llama()
    schema = {"type": "json_schema", "json_schema": {"schema": {"type": "rosebud"}}}
    for wrong in ({"response_format": schema}, {"messages": "rosebud"}, {"grammar": "rosebud ::= ::="}):
        with pytest.raises(InvalidRequest):
            await engine.chat(work(**wrong))
    await engine.chat(work(messages=[{"role": "user", "content": "rosebud"}], stop=["rosebud"]))
    await engine.stop()
    for file in (tmp_path / "logs").iterdir():
        assert "rosebud" not in file.read_text()


async def test_embeddings_tell_texts_apart(start_llama: StartLlama) -> None:
    engine = await start_llama(version="embedding@1", embedding=True, slots=2)
    texts = ["a cat sat on the mat", "a kitten sat on a rug", "quarterly revenue rose"]
    answer = decoded((await engine.embed(work("embeddings", input=texts, encoding_format="base64"))).body)
    cat, kitten, revenue = (row["embedding"] for row in answer["data"])
    assert sum(x * x for x in cat) == pytest.approx(1.0, abs=1e-3)

    def likeness(one: list[float], other: list[float]) -> float:
        return sum(x * y for x, y in zip(one, other, strict=True))

    assert likeness(cat, kitten) > likeness(cat, revenue)
    assert answer["usage"]["prompt_tokens"] > 0
    tokens = decoded((await engine.embed(work("embeddings", input=[[1, 2], [3]]))).body)
    assert len(tokens["data"]) == 2
    with pytest.raises(ContextLengthExceeded, match="1024"):
        await engine.embed(work("embeddings", input="word " * 1100))
    with pytest.raises(InvalidRequest, match="chat model"):
        await engine.chat(work())


async def test_a_chat_engine_embeds_nothing(start_llama: StartLlama) -> None:
    engine = await start_llama()
    with pytest.raises(InvalidRequest, match="embedding model"):
        await engine.embed(work("embeddings", input="x"))


async def test_leaving_a_stream_stops_the_engine(start_llama: StartLlama) -> None:
    """Left after 40 tokens of 900, it must not compute as long again as it did for those 40."""
    engine = await start_llama(slots=1)
    child = psutil.Process(engine.health().pid)

    def spent() -> float:
        return child.cpu_times().user

    begun = spent()
    frames = engine.chat_stream(work(max_tokens=900, **ENDLESS))
    for _ in range(40):
        await anext(frames)
    for_forty = spent() - begun
    left = spent()
    await frames.aclose()
    assert engine.in_flight == 0
    await idle(child)
    assert spent() - left < for_forty


async def test_cancelling_a_whole_answer_stops_the_engine_and_frees_its_slot(start_llama: StartLlama) -> None:
    engine = await start_llama(slots=1)
    asking = asyncio.create_task(engine.chat(work(max_tokens=900, **ENDLESS)))
    waiting = asyncio.create_task(engine.chat(work(max_tokens=900, **ENDLESS)))
    await until(lambda: engine.in_flight == 2)
    waiting.cancel()
    asking.cancel()
    await asyncio.gather(asking, waiting, return_exceptions=True)
    assert engine.in_flight == 0
    await engine.chat(work(max_tokens=1))


async def test_health_tells_what_it_is(start_llama: StartLlama) -> None:
    engine = await start_llama(slots=3, replica=2)
    health = engine.health()
    assert (health.name, health.kind, health.version, health.capacity) == ("mini@1#2", "llama", "mini@1", 3)
    assert health.state is EngineState.READY
    assert health.memory_bytes and health.memory_bytes > 50_000_000
    command = psutil.Process(health.pid).cmdline()
    assert "longslope.engines.llama_server" in command
    await engine.stop()
    assert engine.health().state is EngineState.STOPPED
    assert not psutil.pid_exists(health.pid or 0)


def test_the_child_loads_nothing_of_the_gateway() -> None:
    told = "import sys, longslope.engines.llama_server; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", told], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"torch", "numpy", "aiohttp", "xllamacpp", "longslope.errors"} & set(loaded)


async def idle(child: psutil.Process) -> None:
    """Waits until a process has spent no time for a while."""
    before = -1.0
    while (now := child.cpu_times().user) != before:
        before = now
        await asyncio.sleep(0.5)
