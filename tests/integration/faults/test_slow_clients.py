"""Clients that send or read slower than anyone should have to wait for, and bodies past all bounds."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from tests.integration.engines.server import Server
from tests.integration.gateway.acts import Telling
from tests.integration.gateway.calls import (
    bearer,
    chat_body,
    events_in,
    eventually,
    new_key,
    rows_of,
    upstream_model,
)
from tests.server import Platform, start

MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of little patience."""
    platform = start(
        tmp_path_factory.mktemp("hasty"),
        (),
        body_timeout_s=1,
        send_timeout_s=1,
        heartbeat_s=0.2,
        max_body_bytes=MOST_BYTES,
    )
    yield platform
    platform.stop()


@pytest.fixture
async def hasty_client(hasty: Platform) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(hasty.url, headers=hasty.headers) as session:
        yield session


@asynccontextmanager
async def connection(
    platform: Platform, receive_buffer: int | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection to the platform, which reads ahead no more than `receive_buffer` bytes."""
    plug = socket.socket()
    if receive_buffer is not None:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plug.setblocking(False)
    address = urlsplit(platform.url)
    await asyncio.get_running_loop().sock_connect(plug, (address.hostname, address.port))
    reader, writer = await asyncio.open_connection(sock=plug, limit=1024)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def head(platform: Platform, length: int, secret: str | None = None) -> bytes:
    """The head of a chat request with a body of `length` bytes."""
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {secret or platform.admin_key}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of an answer."""
    top = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(top.split("content-length:")[1].split()[0])
    return int(top.split()[1]), json.loads(await reader.readexactly(length))


async def test_a_body_of_one_byte_a_while_is_refused(hasty: Platform) -> None:
    body = json.dumps(chat_body("mini")).encode()
    async with connection(hasty) as (reader, writer):
        writer.write(head(hasty, len(body)))
        answering = asyncio.ensure_future(answer_of(reader))
        for byte in body:
            writer.write(bytes([byte]))
            done, _ = await asyncio.wait({answering}, timeout=0.25)
            if done:
                break
        status, answer = await answering
    assert (status, answer["error"]["code"]) == (408, "RequestTimeout")
    assert "bytes came within 1 s" in answer["error"]["message"]


async def test_a_stranger_is_not_waited_for(hasty: Platform) -> None:
    async with connection(hasty) as (reader, writer):
        writer.write(head(hasty, 500_000, secret="ls-nobody"))
        status, answer = await answer_of(reader)
    assert (status, answer["error"]["code"]) == (401, "AuthenticationError")


async def test_a_head_that_never_ends_holds_no_connection(hasty: Platform) -> None:
    async with connection(hasty) as (reader, writer):
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n")
        async with asyncio.timeout(45):
            assert b"200" not in await reader.read()


async def test_a_large_body_at_a_fair_pace_is_taken(
    hasty: Platform, hasty_client: aiohttp.ClientSession, engine: Server
) -> None:
    engine.will(Telling())
    async with upstream_model(hasty_client, engine) as name, connection(hasty) as (reader, writer):
        body = json.dumps(chat_body(name, padding="x" * 200_000)).encode()
        writer.write(head(hasty, len(body)))
        answering = asyncio.ensure_future(answer_of(reader))
        for start_ in range(0, len(body), 10_000):  # two seconds and more in all, past the first one's grace
            writer.write(body[start_ : start_ + 10_000])
            await asyncio.wait({answering}, timeout=0.1)
        status, answer = await answering
    assert (status, answer.get("model")) == (200, f"{name}@1")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_above_the_limit_is_refused_with_both_numbers(
    hasty_client: aiohttp.ClientSession, announced: bool
) -> None:
    body = json.dumps(chat_body("mini", padding="x" * MOST_BYTES)).encode()

    async def in_pieces() -> AsyncIterator[bytes]:
        for start_ in range(0, len(body), 50_000):
            yield body[start_ : start_ + 50_000]

    sent = body if announced else in_pieces()
    async with hasty_client.post("/v1/chat/completions", data=sent) as reply:
        error = (await reply.json())["error"]
    assert (reply.status, error["code"]) == (413, "RequestTooLarge")
    assert str(MOST_BYTES) in error["message"]
    assert not announced or str(len(body)) in error["message"]
    assert "max_body_bytes" in error["message"]


async def test_a_client_that_never_reads_loses_its_place(
    hasty: Platform, hasty_client: aiohttp.ClientSession, engine: Server
) -> None:
    flood = Telling(words=100_000, word="x" * 10_000)
    engine.will(flood)
    made = await new_key(hasty_client, {"max_concurrency": 1, "max_queue": 0})
    process = psutil.Process(hasty.process.pid)
    async with upstream_model(hasty_client, engine) as name:
        before = process.memory_info().rss
        body = json.dumps(chat_body(name, stream=True)).encode()
        async with connection(hasty, receive_buffer=4096) as (_, writer):
            writer.write(head(hasty, len(body), made["secret"]) + body)
            await eventually(lambda: flood.running == 1)
            await eventually(lambda: flood.left == 1)
            rows = await eventually(lambda: rows_of(hasty_client, model=name))
            grown = process.memory_info().rss - before
        engine.will(Telling())
        async with hasty_client.post(
            "/v1/chat/completions", json=chat_body(name), headers=bearer(made["secret"])
        ) as reply:
            assert reply.status == 200, "the place was not given back"
    assert [row["status"] for row in rows] == [499]
    assert 0 < rows[0]["completion_tokens"] < flood.words / 10
    assert grown < 64 * 1024 * 1024  # of the gigabyte that the engine had to tell


async def test_a_silent_engine_is_waited_for_with_heartbeats(
    hasty_client: aiohttp.ClientSession, engine: Server
) -> None:
    telling = Telling(words=2, holds_at=1)
    engine.will(telling)
    async with (
        upstream_model(hasty_client, engine) as name,
        hasty_client.post("/v1/chat/completions", json=chat_body(name, stream=True)) as reply,
    ):
        text = b""
        while text.count(b": ping\n\n") < 3:
            text += await reply.content.readany()
        telling.released.set()
        text += await reply.read()
    assert events_in(text.decode())[-1] == "[DONE]"
    assert text.count(b"snow") == 2


async def test_a_slow_reader_that_reads_gets_everything(
    hasty: Platform, hasty_client: aiohttp.ClientSession, engine: Server
) -> None:
    """Longer than the time in which it must take something, and never longer without taking anything."""
    engine.will(Telling(words=60, word="x" * 5_000))
    async with upstream_model(hasty_client, engine) as name:
        body = json.dumps(chat_body(name, stream=True)).encode()
        async with connection(hasty, receive_buffer=4096) as (reader, writer):
            writer.write(head(hasty, len(body)) + body)
            text = b""
            while b"[DONE]" not in text:
                piece = await reader.read(8_192)
                assert piece, "the platform gave up on a client that reads"
                text += piece
                await asyncio.wait({asyncio.ensure_future(asyncio.sleep(0.05))})
    assert text.count(b"x" * 5_000) == 60
