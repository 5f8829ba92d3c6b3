"""A process that is measured: started on a core, known to be ready by a line that it prints, read from /proc,
ended.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from longslope.bench.placement import pinned
from longslope.errors import BenchmarkError

_KEPT_LINES = 20
_GRACE_S = 15.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What to start. `ready` is a pattern of the line that says it is ready; `orders` go to its stdin, which
    stays open.

    `core` None leaves it all cores.
    """

    name: str
    arguments: Sequence[str]
    ready: str
    core: int | None = None
    orders: bytes = b""
    environment: Mapping[str, str] | None = None
    timeout_s: float = 120.0


class Child:
    """A running process. `ready` is the match of the line it was waited for, `ready_s` how long that took."""

    def __init__(self, process: asyncio.subprocess.Process, ready: re.Match[str], ready_s: float) -> None:
        self._process = process
        self.ready = ready
        self.ready_s = ready_s

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._process.pid

    def cpu_s(self) -> float:
        """Seconds of processor that all its threads took so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def resident_bytes(self) -> int:
        """Its resident memory, without its children's."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE_BYTES

    def cores(self) -> list[int]:
        """The cores it may run on."""
        return sorted(os.sched_getaffinity(self.pid))


@asynccontextmanager
async def running(command: Command) -> AsyncGenerator[Child]:
    """Starts a process, gives it once it is ready, and ends it. Raises BenchmarkError where it does not get
    ready.
    """
    with pinned(command.core):
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *command.arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=command.environment,
        )
    lines: deque[str] = deque(maxlen=_KEPT_LINES)
    matched: asyncio.Future[re.Match[str]] = asyncio.get_running_loop().create_future()
    reader = asyncio.create_task(_read_lines(process, re.compile(command.ready), lines, matched))
    try:
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        if command.orders:
            process.stdin.write(command.orders)
            await process.stdin.drain()
        ready = await _ready(command, lines, matched)
        yield Child(process, ready, time.perf_counter() - started)
    finally:
        matched.cancel()
        await _end(process)
        await reader


async def _ready(
    command: Command, lines: deque[str], matched: asyncio.Future[re.Match[str]]
) -> re.Match[str]:
    try:
        async with asyncio.timeout(command.timeout_s):
            return await matched
    except TimeoutError:
        reason = f"was not ready after {command.timeout_s:g} s"
    except EOFError:
        reason = "ended before it was ready"
    raise BenchmarkError(f"{command.name} {reason}. Its last lines:\n" + "\n".join(lines))


async def _read_lines(
    process: asyncio.subprocess.Process,
    pattern: re.Pattern[str],
    lines: deque[str],
    matched: asyncio.Future[re.Match[str]],
) -> None:
    """Reads to the end, as a child blocks on a full pipe."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    while True:
        try:
            raw = await process.stdout.readline()
        except ValueError:  # a line beyond the reader's bound was dropped
            continue
        if not raw:
            break
        line = raw.decode(errors="replace").rstrip()
        lines.append(line)
        if not matched.done() and (found := pattern.search(line)):
            matched.set_result(found)
    if not matched.done():
        matched.set_exception(EOFError())


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_GRACE_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
