"""The load generator: keep-alive connections that each send the next request as soon as the last was
answered.

A raw asyncio protocol, as a client library would be slower than the servers measured here. It runs on
loopback, and is bounded in requests and in time. Every answer's latency is kept, so that quantiles are exact.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from contextlib import suppress
from typing import cast

import msgspec

from longslope.bench.http_answer import find_answer
from longslope.errors import BenchmarkError

_GRACE_S = 30.0
_MOST_FAILURES = 1_000
_POLL_S = 0.05


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask: a POST of a JSON `body` to a path on a port of this machine, with a bearer key if any."""

    port: int
    path: str
    body: bytes
    key: str | None = None

    def request(self) -> bytes:
        """The request's bytes."""
        authorization = f"authorization: Bearer {self.key}\r\n" if self.key else ""
        head = (
            f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n{authorization}"
            f"content-type: application/json\r\ncontent-length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `latencies_ns` holds one entry an answer of status 200; `failures` counts all others
    by kind.
    """

    seconds: float
    latencies_ns: array[int]
    failures: dict[str, int]

    @property
    def requests_per_second(self) -> float:
        """Answers of status 200 a second."""
        return len(self.latencies_ns) / self.seconds if self.seconds > 0 else 0.0


async def drive(
    target: Target,
    *,
    connections: int,
    seconds: float,
    requests: int | None = None,
    spread_s: float = 0.0,
) -> Load:
    """Loads `target` until `requests` were sent or `seconds` have passed, and waits for what is under way.

    Connections start over `spread_s` seconds, so that they need not stay in step with each other. A server
    that breaks its connections is connected to again, up to a bound. Raises OSError where nothing listens.
    """
    loop = asyncio.get_running_loop()
    run = _Run(target, requests, loop.create_future())
    opened: list[_Connection] = []
    try:
        for _ in range(connections):
            opened.append(await run.connect())
        started = run.last_ns = time.perf_counter_ns()
        closing = loop.call_later(seconds, run.close)
        for place, connection in enumerate(opened):
            loop.call_later(spread_s * place / connections, connection.begin)
        try:
            async with asyncio.timeout(seconds + spread_s + _GRACE_S):
                await run.idle
        except TimeoutError:
            run.fail(f"no answer {_GRACE_S:g} s after the end")
        closing.cancel()
    finally:
        run.close()
        for connection in run.connections:
            connection.transport.abort()
    return Load(
        seconds=(run.last_ns - started) / 1e9, latencies_ns=run.latencies_ns, failures=dict(run.failures)
    )


async def wait_until_answered(target: Target, within_s: float) -> None:
    """Returns once the target has answered with status 200. Raises BenchmarkError when it has not in time."""
    answer: Load | None = None
    try:
        async with asyncio.timeout(within_s):
            # Polled, as another process sets no event of ours.
            while not (answer and answer.latencies_ns):
                await asyncio.sleep(_POLL_S)
                with suppress(OSError):
                    answer = await drive(target, connections=1, seconds=within_s, requests=1)
    except TimeoutError as error:
        said = ", ".join(answer.failures) if answer else "nothing listens"
        raise BenchmarkError(
            f"Port {target.port} did not answer a request within {within_s:g} s: {said}."
        ) from error


class _Run:
    """What the connections of one load share."""

    def __init__(self, target: Target, requests: int | None, idle: asyncio.Future[None]) -> None:
        self.request = target.request()
        self.port = target.port
        self.left = requests if requests is not None else -1  # below 0: no bound but time
        self.idle = idle
        self.open = True
        self.busy = 0
        self.waiting = 0
        self.last_ns = 0
        self.latencies_ns: array[int] = array("q")
        self.failures: dict[str, int] = {}
        self.connections: list[_Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)
        self.connections.append(connection)
        self.waiting += 1
        return connection

    def close(self) -> None:
        """Sends nothing more."""
        self.open = False
        self.rest()

    def fail(self, kind: str) -> None:
        self.failures[kind] = self.failures.get(kind, 0) + 1
        if sum(self.failures.values()) >= _MOST_FAILURES:
            self.open = False

    def rest(self) -> None:
        """Ends the run where nothing is under way and nothing will be."""
        if self.busy == 0 and (not self.open or self.waiting == 0) and not self.idle.done():
            self.idle.set_result(None)

    def replace(self, lost: _Connection) -> None:
        self.connections.remove(lost)
        task = asyncio.ensure_future(self._again())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _again(self) -> None:
        try:
            connection = await self.connect()
        except OSError as error:
            self.fail(f"cannot connect: {error.strerror}")
            self.rest()
        else:
            connection.begin()


class _Connection(asyncio.Protocol):
    """One connection, one request under way at most."""

    transport: asyncio.Transport

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._held = b""
        self._sent_ns = 0  # 0: nothing is under way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # TCP gives no other

    def begin(self) -> None:
        self._run.waiting -= 1
        self._run.busy += 1
        self._next()

    def data_received(self, data: bytes) -> None:
        run = self._run
        buffer = self._held + data if self._held else data
        try:
            answer = find_answer(buffer)
        except ValueError:
            run.fail("not HTTP")
            self.transport.abort()
            return
        if answer is None:
            self._held = buffer
            return
        self._held = b""
        run.last_ns = now = time.perf_counter_ns()
        if answer.status == 200:
            run.latencies_ns.append(now - self._sent_ns)
        else:
            run.fail(f"status {answer.status}")
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._sent_ns:
            self._lost()

    def _lost(self) -> None:
        run = self._run
        self._sent_ns = 0
        run.busy -= 1
        run.fail("connection closed")
        if run.open:
            run.replace(self)
        else:
            run.rest()

    def _next(self) -> None:
        run = self._run
        if self.transport.is_closing():  # closed between two requests
            self._lost()
        elif run.open and run.left:
            run.left -= 1
            self._sent_ns = time.perf_counter_ns()
            self.transport.write(run.request)
        else:
            self._sent_ns = 0
            run.busy -= 1
            run.rest()
