"""The load generator counts what real servers on real sockets do: answer, refuse, hang up, or keep silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from longslope.bench.load import Target, drive, wait_until_answered
from longslope.bench.mock_upstream import CHAT, serve
from longslope.errors import BenchmarkError

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REFUSAL = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"


def ask(port: int) -> Target:
    return Target(port=port, path="/v1/chat/completions", body=b'{"messages":[]}', key="ls-1")


@asynccontextmanager
async def listening(handle: Handler) -> AsyncIterator[int]:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))


@pytest.mark.parametrize(("connections", "requests"), [(1, 7), (8, 100), (8, 3)])
async def test_just_so_many_requests_are_sent_as_were_asked_for(connections: int, requests: int) -> None:
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                seen.append(await read_request(reader))
            except (asyncio.IncompleteReadError, ConnectionError):
                return writer.close()
            writer.write(CHAT)

    async with listening(handle) as port:
        load = await drive(ask(port), connections=connections, seconds=60, requests=requests)
    assert len(load.latencies_ns) == len(seen) == requests
    assert load.failures == {}
    assert min(load.latencies_ns) > 0
    assert load.requests_per_second == pytest.approx(requests / load.seconds)
    assert set(seen) == {ask(port).request()}
    assert b"authorization: Bearer ls-1\r\n" in seen[0]


async def test_it_ends_when_its_time_is_up() -> None:
    ports: list[int] = []
    servers = await serve([0.0], ports.extend)
    load = await drive(ask(ports[0]), connections=4, seconds=0.2)
    assert len(load.latencies_ns) > 4
    assert load.failures == {}
    servers[0].close()


async def test_no_latency_is_below_the_upstreams_fixed_time() -> None:
    ports: list[int] = []
    servers = await serve([20.0], ports.extend)
    load = await drive(ask(ports[0]), connections=4, seconds=60, requests=20, spread_s=0.02)
    assert len(load.latencies_ns) == 20
    assert min(load.latencies_ns) >= 19_000_000  # the loop's clock counts whole milliseconds
    servers[0].close()


async def test_refusals_are_failures_of_their_status() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (CHAT, REFUSAL, CHAT):
            await read_request(reader)
            writer.write(answer)

    async with listening(handle) as port:
        load = await drive(ask(port), connections=1, seconds=60, requests=3)
    assert len(load.latencies_ns) == 2
    assert load.failures == {"status 429": 1}


async def test_a_broken_connection_is_counted_and_replaced() -> None:
    opened = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        broken = opened == 1
        try:
            while True:
                await read_request(reader)
                if broken:
                    return writer.close()
                writer.write(CHAT)
        except (asyncio.IncompleteReadError, ConnectionError):
            return writer.close()

    async with listening(handle) as port:
        load = await drive(ask(port), connections=1, seconds=60, requests=5)
    assert len(load.latencies_ns) == 4
    assert load.failures == {"connection closed": 1}
    assert opened == 2


async def test_a_server_that_hangs_up_on_everyone_is_given_up() -> None:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with listening(handle) as port:
        load = await drive(ask(port), connections=4, seconds=60)
    assert len(load.latencies_ns) == 0
    assert sum(load.failures.values()) >= 1_000


async def test_what_is_no_http_is_a_failure() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"SSH-2.0-server\r\n\r\n")

    async with listening(handle) as port:
        load = await drive(ask(port), connections=1, seconds=60, requests=1)
    assert len(load.latencies_ns) == 0
    assert load.failures["not HTTP"] == 1


async def test_nothing_listening_is_an_error() -> None:
    async with listening(lambda *_: asyncio.sleep(0)) as port:
        pass
    with pytest.raises(OSError):
        await drive(ask(port), connections=1, seconds=1)
    with pytest.raises(BenchmarkError, match="nothing listens"):
        await wait_until_answered(ask(port), 0.2)


async def test_waiting_outlasts_refusals() -> None:
    asked = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await read_request(reader)
        writer.write(REFUSAL if asked < 3 else CHAT)

    async with listening(handle) as port:
        await wait_until_answered(ask(port), 30)
    assert asked == 3
