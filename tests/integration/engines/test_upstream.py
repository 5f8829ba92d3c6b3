"""Other people's servers, at their worst."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from longslope.engines import sse
from longslope.engines.protocol import EngineState
from longslope.engines.remote import Timeouts
from longslope.engines.upstream import UpstreamConfig, UpstreamEngine
from longslope.errors import (
    EngineFault,
    EngineTimeout,
    EngineUnavailable,
    InvalidRequest,
    PlatformError,
    RateLimited,
)
from tests.integration.engines.server import ANSWER, FRAMES, Act, Server, answer, drop, silence, stream
from tests.integration.engines.works import bodies, decoded, text_of, until, work

StartUpstream = Callable[..., Awaitable[UpstreamEngine]]


@pytest.fixture
async def start_upstream(server: Server) -> AsyncGenerator[StartUpstream]:
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> UpstreamEngine:
            config = {
                "version": "big@1",
                "base_url": server.url,
                "model": "their-name",
                "retries": 0,
                **settings,
            }
            engine = UpstreamEngine(UpstreamConfig(**config))
            stack.push_async_callback(engine.stop)
            await engine.start()
            return engine

        yield start


async def streamed(engine: UpstreamEngine, **body: object) -> list[bytes]:
    return [frame async for frame in engine.chat_stream(work(**body))]


async def test_an_answer_and_what_was_sent_for_it(server: Server, start_upstream: StartUpstream) -> None:
    engine = await start_upstream(secret="s3cret", headers={"X-Team": "t"}, cache_salt=True)
    whole = await engine.chat(
        work(salt="mine", cache_salt="another's", priority=-9, temperature=0.5, choices=2)
    )
    assert decoded(whole.body) == ANSWER
    server.will(stream())
    assert text_of(await streamed(engine)) == "hello"
    first, second = server.asked
    assert (first["model"], first["temperature"], first["n"]) == ("their-name", 0.5, 2)
    assert first["cache_salt"] == "mine"
    assert "priority" not in first
    assert second["stream_options"] == {"include_usage": True}
    assert server.headers[0]["Authorization"] == "Bearer s3cret"
    assert server.headers[0]["X-Team"] == "t"
    assert server.paths == ["/v1/chat/completions"] * 2
    assert engine.in_flight == 0


async def test_the_secret_is_not_shown() -> None:
    config = UpstreamConfig(
        version="big@1", base_url="http://x/v1", model="m", secret="s3cret", headers={"K": "s3cret"}
    )
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (drop, EngineUnavailable),
        (answer(b"<html>nginx</html>", 502), EngineUnavailable),
        (answer(b"<html>hello</html>"), EngineFault),
        (answer(b'{"choices":[{"message":{"content":"\xff"}}]}'), EngineFault),
        (answer(b'{"choices":['), EngineFault),
        (answer({"object": "list"}), EngineFault),
        (answer({"error": {"message": "no", "code": 400}}), InvalidRequest),
        (answer(b"", 307, Location="/elsewhere"), EngineFault),
        (answer({"error": {"message": "no"}}, 401), EngineFault),
        (answer({"error": {"message": "no"}}, 400), InvalidRequest),
        (answer({"error": {"message": "later"}}, 429, Retry_After="30"), RateLimited),
        (silence, EngineTimeout),
    ],
)
async def test_each_failure_of_a_whole_answer(
    server: Server, start_upstream: StartUpstream, act: Act, kind: type[PlatformError]
) -> None:
    engine = await start_upstream(timeouts=Timeouts(whole_s=0.3, first_byte_s=0.3))
    server.will(act)
    with pytest.raises(kind) as failed:
        await engine.chat(work())
    assert type(failed.value) is kind
    assert engine.in_flight == 0


@pytest.mark.parametrize(
    ("act", "kind", "frames"),
    [
        (drop, EngineUnavailable, 0),
        (stream(FRAMES[:1], then="drop"), EngineUnavailable, 1),
        (stream(FRAMES[:1], then="end"), EngineUnavailable, 1),
        (stream([], then="end"), EngineUnavailable, 0),
        (stream([*FRAMES[:1], {"error": {"message": "out of memory"}}]), EngineUnavailable, 1),
        (stream([*FRAMES[:1], {"error": {"message": "bad", "code": 400}}]), InvalidRequest, 1),
        (stream([*FRAMES[:1], b"garbage"]), EngineFault, 1),
        (stream(FRAMES[:1], then="silence"), EngineTimeout, 1),
        (stream([], then="silence"), EngineTimeout, 0),
        (silence, EngineTimeout, 0),
        (answer(), EngineFault, 0),
        (answer({"error": {"message": "no"}}), EngineUnavailable, 0),
        (answer({"error": {"message": "no"}}, 400), InvalidRequest, 0),
    ],
)
async def test_each_failure_of_a_stream(
    server: Server, start_upstream: StartUpstream, act: Act, kind: type[PlatformError], frames: int
) -> None:
    engine = await start_upstream(timeouts=Timeouts(first_byte_s=0.3, idle_s=0.3))
    server.will(act)
    got: list[bytes] = []

    async def read() -> None:
        async for frame in engine.chat_stream(work()):
            got.append(frame)

    with pytest.raises(kind) as failed:
        await read()
    assert type(failed.value) is kind
    assert len(got) == frames
    assert engine.in_flight == 0


async def test_a_finished_stream_without_done_is_an_answer(
    server: Server, start_upstream: StartUpstream
) -> None:
    engine = await start_upstream()
    server.will(stream(then="end"))
    assert text_of(await streamed(engine)) == "hello"


async def test_a_slow_reader_is_not_the_engines_fault(server: Server, start_upstream: StartUpstream) -> None:
    engine = await start_upstream(timeouts=Timeouts(first_byte_s=0.2, idle_s=0.2))
    server.will(stream())
    frames = engine.chat_stream(work())
    await anext(frames)
    await asyncio.sleep(0.5)  # longer than the engine may be silent
    assert bodies([FRAMES_START, *[frame async for frame in frames]])


FRAMES_START = b"data: " + json.dumps(FRAMES[0]).encode() + b"\n\n"


async def test_leaving_closes_the_connection(server: Server, start_upstream: StartUpstream) -> None:
    engine = await start_upstream()
    server.will(stream(then="on"))
    frames = engine.chat_stream(work())
    await anext(frames)
    await frames.aclose()
    await server.left.wait()
    assert engine.in_flight == 0

    server.left.clear()
    server.will(stream(FRAMES[:1], then="silence"))

    async def read() -> None:
        async for _ in engine.chat_stream(work()):
            reading.set()

    reading = asyncio.Event()
    task = asyncio.create_task(read())
    await reading.wait()
    task.cancel()
    await asyncio.wait({task})
    assert engine.in_flight == 0


async def test_stopping_ends_what_is_under_way(server: Server, start_upstream: StartUpstream) -> None:
    engine = await start_upstream(retries=2)
    server.will(stream(FRAMES[:1], then="silence"), silence)
    frames = engine.chat_stream(work())
    await anext(frames)
    reading = asyncio.create_task(anext(frames))
    asking = asyncio.create_task(engine.chat(work()))
    await until(lambda: len(server.asked) == 2)
    await engine.stop()
    for task in (reading, asking):
        with pytest.raises(EngineUnavailable, match="stopped while answering"):
            await task
    assert engine.in_flight == 0
    assert len(server.asked) == 2


async def test_connections_are_used_again(server: Server, start_upstream: StartUpstream) -> None:
    engine = await start_upstream()
    peers: set[object] = set()

    def noting(act: Act) -> Act:
        async def noted(request: Any, asked: dict[str, Any]) -> Any:
            peers.add(request.transport.get_extra_info("peername"))
            return await act(request, asked)

        return noted

    for _ in range(3):
        server.will(noting(answer()))
        await engine.chat(work())
        server.will(noting(stream()))
        await streamed(engine)
        server.will(noting(answer({"error": {"message": "no"}}, 400)))
        with pytest.raises(InvalidRequest):
            await engine.chat(work())
    assert len(peers) == 1


async def test_a_failure_before_the_first_byte_is_tried_again(
    server: Server, start_upstream: StartUpstream
) -> None:
    engine = await start_upstream(retries=2)
    server.will(answer(b"", 503), drop, answer())
    assert decoded((await engine.chat(work())).body) == ANSWER
    assert len(server.asked) == 3
    server.will(answer(b"", 429, Retry_After="0"), stream())
    assert text_of(await streamed(engine)) == "hello"


async def test_it_is_not_tried_for_ever(server: Server, start_upstream: StartUpstream) -> None:
    engine = await start_upstream(retries=2)
    server.will(answer(b"", 503))
    with pytest.raises(EngineUnavailable):
        await engine.chat(work())
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "act",
    [
        stream(FRAMES[:1], then="drop"),
        answer({"error": {"message": "no"}}, 400),
        answer(b"", 429, Retry_After="30"),
        answer({"error": {"message": "no"}}, 401),
    ],
)
async def test_what_must_not_be_tried_again_is_not(
    server: Server, start_upstream: StartUpstream, act: Act
) -> None:
    engine = await start_upstream(retries=2)
    server.will(act)
    with pytest.raises(PlatformError):
        await streamed(engine)
    assert len(server.asked) == 1


async def test_a_server_that_keeps_failing_is_left_alone_for_a_while(
    server: Server, start_upstream: StartUpstream
) -> None:
    engine = await start_upstream(breaker_failures=3, breaker_open_s=0.5)
    server.will(answer(b"", 503))
    for _ in range(5):
        with pytest.raises(EngineUnavailable):
            await engine.chat(work())
    assert len(server.asked) == 3
    assert engine.health().state is EngineState.DOWN
    server.will(answer())
    await until(lambda: engine.health().state is EngineState.READY)
    await engine.chat(work())
    await engine.chat(work())


async def test_a_server_that_is_away_is_seen_to_come_back(
    server: Server, start_upstream: StartUpstream
) -> None:
    await server.stop()
    engine = await start_upstream()
    assert engine.health().state is EngineState.DOWN
    assert "cannot be reached" in engine.health().detail
    with pytest.raises(EngineUnavailable, match="cannot be reached; retry"):
        await engine.chat(work())
    await server.start()
    await until(lambda: engine.health().state is EngineState.READY)
    await engine.chat(work())


@pytest.mark.parametrize(
    ("status", "state"), [(404, EngineState.READY), (401, EngineState.DOWN), (500, EngineState.DOWN)]
)
async def test_its_health_is_what_its_models_page_says(
    server: Server, start_upstream: StartUpstream, status: int, state: EngineState
) -> None:
    server.models_status = status
    engine = await start_upstream()
    assert engine.health().state is state
    assert (engine.health().detail == "") == (state is EngineState.READY)


async def test_embeddings(server: Server, start_upstream: StartUpstream) -> None:
    engine = await start_upstream()
    answered = {"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 1}}
    server.will(answer(answered))
    assert decoded((await engine.embed(work("embeddings", input=["x"], dimensions=3))).body) == answered
    assert server.asked == [{"model": "their-name", "input": ["x"], "encoding_format": "float"}]
    assert server.paths == ["/v1/embeddings"]


async def test_tokens_as_vllm_tells_them(server: Server, start_upstream: StartUpstream) -> None:
    engine = await start_upstream()
    server.will(answer({"count": 2, "tokens": [5, 6], "token_strs": ["hi", "Ġyou"]}))
    tokens = await engine.tokenize("hi you")
    assert [(token.id, token.start, token.end) for token in tokens] == [(5, 0, 2), (6, 2, 6)]
    assert server.paths == ["/tokenize"]
    server.will(answer(b"", 404))
    with pytest.raises(InvalidRequest, match="big@1 does not tell its tokens"):
        await engine.tokenize("hi")


async def test_a_llama_server_is_an_upstream_too(
    llama_child: tuple[Process, str], start_upstream: StartUpstream
) -> None:
    _, address = llama_child
    engine = await start_upstream(base_url=f"{address}/v1", model="mini@1", secret="k", retries=2)
    assert engine.health().state is EngineState.READY
    frames = await streamed(engine)
    assert sse.has_usage(frames[-2])
    tokens = await engine.tokenize("hé!")
    assert [(token.start, token.end) for token in tokens][-1] == (3, 4)
