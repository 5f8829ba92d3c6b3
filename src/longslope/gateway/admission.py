"""A place for each request: bounded concurrency per project, a bounded queue before it, a deadline in the
queue.

One project's burst never takes another's places. Refusals say how long to wait.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from longslope.errors import Draining, RateLimited
from longslope.store.projects import Project


class _Queue:
    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.waiting: deque[asyncio.Future[None]] = deque()


class QueueReading(msgspec.Struct, frozen=True):
    """How busy a project is now."""

    running: int
    waiting: int


class Admission:
    """The places of all projects."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._running = 0

    @property
    def running(self) -> int:
        """Requests that hold a place now."""
        return self._running

    async def enter(self, project: Project) -> None:
        """Takes a place, waiting in line for at most the project's deadline. Give it back with `leave`.

        Raises RateLimited when the line is full or the deadline has passed, Draining during shutdown.
        """
        if self._draining:
            raise Draining("The platform is shutting down. Try again in a moment.", retry_after_s=2)
        queue = self._queues.get(project.id)
        if queue is None:
            queue = self._queues[project.id] = _Queue()
        if queue.running >= project.max_concurrency or queue.waiting:
            await self._wait(queue, project)
        else:
            queue.running += 1
        self._running += 1
        self._idle.clear()

    def leave(self, project: Project) -> None:
        """Gives a place back: to the next in line, if any."""
        self._running -= 1
        if self._running == 0:
            self._idle.set()
        queue = self._queues[project.id]
        queue.running -= 1
        _fill(queue, project.max_concurrency)

    def reading(self) -> dict[str, QueueReading]:
        """Running and waiting requests of each project seen since the start."""
        return {
            project_id: QueueReading(queue.running, len(queue.waiting))
            for project_id, queue in self._queues.items()
        }

    async def drain(self, timeout_s: float) -> bool:
        """Takes no new requests and waits for those that run. False when some were left after `timeout_s`."""
        self._draining = True
        for queue in self._queues.values():
            for future in queue.waiting:
                if not future.done():
                    future.set_exception(
                        Draining("The platform is shutting down. Try again.", retry_after_s=2)
                    )
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def _wait(self, queue: _Queue, project: Project) -> None:
        if len(queue.waiting) >= project.max_queue:
            raise RateLimited(
                f'The project "{project.name}" has {queue.running} requests running and '
                f"{len(queue.waiting)} waiting: "
                f"its limit ({project.max_concurrency} and {project.max_queue}). Send fewer at once.",
                retry_after_s=1,
            )
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        queue.waiting.append(turn)
        deadline_s = project.queue_deadline_ms / 1000
        late = RateLimited(
            f'The project "{project.name}" had all its {project.max_concurrency} places taken for '
            f"{deadline_s:g} s. "
            "Send fewer at once, or raise its max_concurrency.",
            retry_after_s=max(1.0, min(deadline_s, 30.0)),
        )
        timer = loop.call_later(deadline_s, _refuse, turn, late)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                queue.running -= 1  # the place came just as the caller left: pass it on
                _fill(queue, project.max_concurrency)
            raise
        finally:
            timer.cancel()
            if turn in queue.waiting:  # it left the line without a place
                queue.waiting.remove(turn)


def _refuse(turn: asyncio.Future[None], reason: Exception) -> None:
    if not turn.done():
        turn.set_exception(reason)


def _fill(queue: _Queue, limit: int) -> None:
    while queue.waiting and queue.running < limit:
        turn = queue.waiting.popleft()
        if not turn.done():
            queue.running += 1
            turn.set_result(None)
