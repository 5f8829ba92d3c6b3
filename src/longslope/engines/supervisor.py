"""Keeps one child process running.

Starts it, waits for the line that says where it answers, polls its health, and starts it again when it dies
or stops answering, after a wait that grows. The child's stderr goes to a log file; its death is explained in
`detail`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import structlog

from longslope.engines.backoff import Backoff
from longslope.engines.engine_log import EngineLog
from longslope.engines.protocol import EngineState
from longslope.errors import PlatformError

log = structlog.get_logger(__name__)

STABLE_S = 60.0
_RESTART = Backoff(0.2, 30.0)
_POLLS_MISSED = 3
_LAST_LINES_S = 5.0
_MAX_REPORT_BYTES = 64 * 1024


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to run a child: its command line, the orders it reads from stdin, which then stays open, its log.

    `start_timeout_s` is how long it may take to be ready, `poll_s` how often its health is asked for then,
    and `grace_s` how long it may take to end. `check` runs in a thread before each start, and raises a
    PlatformError where there must be none.
    """

    name: str
    command: tuple[str, ...]
    orders: bytes
    log: Path
    start_timeout_s: float
    poll_s: float = 5.0
    grace_s: float = 5.0
    check: Callable[[], None] | None = None


class Supervisor:
    """Runs a child until `stop`.

    `on_ready(report)` gets the line that the child printed when ready, before the state becomes READY.
    `probe` asks the child whether it is well, and raises when it is not.
    """

    def __init__(
        self, spec: ChildSpec, *, on_ready: Callable[[bytes], None], probe: Callable[[], Awaitable[object]]
    ) -> None:
        self._spec = spec
        self._on_ready = on_ready
        self._probe = probe
        self._task: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._ready_at = 0.0
        self._next_start_at = 0.0
        self.state = EngineState.STOPPED
        self.detail = ""
        self.restarts = 0
        self.pid: int | None = None

    @property
    def uptime_s(self) -> float:
        """Seconds since the child became ready; 0 while it is not."""
        return asyncio.get_running_loop().time() - self._ready_at if self.state is EngineState.READY else 0.0

    @property
    def retry_in_s(self) -> float:
        """Seconds until it is worth asking again."""
        return max(self._next_start_at - asyncio.get_running_loop().time(), 0.0) + 1.0

    async def start(self) -> None:
        """Begins, and returns once the child is ready or its first start has failed."""
        if self._task is None:
            self._settled.clear()
            self.state = EngineState.STARTING
            self._task = asyncio.create_task(self._keep_running(), name=f"supervise {self._spec.name}")
        await self._settled.wait()

    async def stop(self) -> None:
        """Ends the child: politely, then by force."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._settled.set()
        self.state, self.detail, self.pid = EngineState.STOPPED, "", None

    async def _keep_running(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            self._ready_at = 0.0
            try:
                reason = await self._run_once()
            except Exception:
                log.exception("engine_supervision_failed", engine=self._spec.name)
                reason = "its supervisor failed; see the log"
            stable = self._ready_at > 0 and loop.time() - self._ready_at >= STABLE_S
            failures = 1 if stable else failures + 1
            wait_s = _RESTART.wait_s(failures)
            self._next_start_at = loop.time() + wait_s
            self.state, self.detail, self.pid = EngineState.DOWN, reason, None
            log.error("engine_down", engine=self._spec.name, reason=reason, restart_in_s=round(wait_s, 2))
            self._settled.set()
            await asyncio.sleep(wait_s)
            self.restarts += 1
            self.state = EngineState.STARTING

    async def _run_once(self) -> str:
        """Runs the child to its end and says why it ended."""
        if self._spec.check is not None:
            try:
                await asyncio.to_thread(self._spec.check)
            except PlatformError as failure:
                return failure.message
        await asyncio.to_thread(self._spec.log.parent.mkdir, parents=True, exist_ok=True)
        errors = EngineLog(self._spec.log)
        try:
            child = await asyncio.create_subprocess_exec(
                *self._spec.command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=errors.fd,
                limit=_MAX_REPORT_BYTES,
                start_new_session=True,  # a Ctrl-C is for the gateway, which drains before it stops us
            )
        except OSError as failure:
            return f"it cannot be started: {failure}"
        finally:
            errors.close_write_end()
        self.pid = child.pid
        try:
            own_reason = await self._see_through(child, errors)
        finally:
            await _end(child, self._spec.grace_s)
        await asyncio.to_thread(errors.join, _LAST_LINES_S)
        return own_reason or _exit_reason(child.returncode, errors.telling_line())

    async def _see_through(self, child: Process, errors: EngineLog) -> str | None:
        """Returns when the child has ended, or with a reason to end it."""
        try:
            async with asyncio.timeout(self._spec.start_timeout_s):
                report = await _exchange(child, self._spec.orders)
        except TimeoutError:
            return f"it was not ready within {self._spec.start_timeout_s:g} s"
        if not report:
            await child.wait()
            return None
        errors.serving()
        self._on_ready(report)
        self._ready_at = asyncio.get_running_loop().time()
        self.state, self.detail = EngineState.READY, ""
        self._settled.set()
        log.info("engine_ready", engine=self._spec.name, pid=child.pid)
        return await self._watch(child)

    async def _watch(self, child: Process) -> str | None:
        missed = 0
        ended = asyncio.create_task(child.wait())
        try:
            while True:
                await asyncio.wait({ended}, timeout=self._spec.poll_s)
                if ended.done():
                    return None
                try:
                    await self._probe()
                    missed = 0
                except Exception:
                    missed += 1
                    log.warning("engine_probe_failed", engine=self._spec.name, missed=missed, exc_info=True)
                if missed >= _POLLS_MISSED:
                    return f"it did not answer {missed} health checks in a row"
        finally:
            ended.cancel()


async def _exchange(child: Process, orders: bytes) -> bytes:
    """Gives the child its orders and reads its report; empty when it died first."""
    assert child.stdin is not None and child.stdout is not None  # noqa: S101 - both are pipes
    try:
        child.stdin.write(orders + b"\n")
        await child.stdin.drain()
        return await child.stdout.readline()
    except (OSError, ValueError):  # it died, or printed a line beyond all bounds
        return b""


async def _end(child: Process, grace_s: float) -> None:
    """Ends the child if it still runs. Cancelling this does not leave it running."""
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(grace_s):
            await child.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        raise


def _exit_reason(status: int | None, last_line: str) -> str:
    said = f": {last_line}" if last_line else ""
    if status is None or status >= 0:
        return f"it exited with status {status}{said}"
    try:
        name = f" ({signal.Signals(-status).name})"
    except ValueError:
        name = ""
    return f"killed by signal {-status}{name}{said}"
