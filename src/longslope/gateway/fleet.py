"""The engines that run here: one group of replicas for each version that is served.

Versions come and go with the catalog; an engine starts in the background, so that a slow load never holds
up a request for another model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable

import structlog

from longslope.engines.protocol import Engine, EngineHealth, EngineState
from longslope.errors import ModelNotOpen, NotFound, nearest
from longslope.store.versions import Version

log = structlog.get_logger(__name__)
Builder = Callable[[Version, str], Engine]
Serving = tuple[Version, str]  # a version, and the kind of its model


class Fleet:
    """Starts, stops and finds engines by version."""

    def __init__(self, build: Builder) -> None:
        self._build = build
        self._engines: dict[str, Engine] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def engine(self, version: Version) -> Engine:
        """The engine that serves `version`. Raises ModelNotOpen where none runs."""
        engine = self._engines.get(version.id)
        if engine is None:
            raise ModelNotOpen(
                f'"{version.id}" is known and does not run here. Start the platform with '
                f"`--models {version.model}`, or bind it to an endpoint.",
                param="model",
            )
        return engine

    def states(self) -> dict[str, EngineState]:
        """The state of each served version."""
        return {version: engine.state for version, engine in self._engines.items()}

    def health(self) -> list[EngineHealth]:
        """A reading of every engine."""
        return [
            replica.health()
            for engine in self._engines.values()
            for replica in getattr(engine, "engines", (engine,))
        ]

    async def serve(self, servings: Iterable[Serving]) -> None:
        """Runs just these versions: starts the missing ones in the background, stops the others."""
        wanted = {version.id: (version, kind) for version, kind in servings}
        for version_id in [known for known in self._engines if known not in wanted]:
            self._in_background(self._engines.pop(version_id).stop())
        for version_id, (version, kind) in wanted.items():
            if version_id not in self._engines:
                self._engines[version_id] = self._build(version, kind)
                self._in_background(self._engines[version_id].start())

    async def settled(self) -> None:
        """Waits until everything that was begun has started or is known to be down."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def restart(self, version_id: str) -> None:
        """Stops an engine and starts it again. Its requests fail with a retryable error."""
        engine = self._engines.get(version_id)
        if engine is None:
            raise NotFound(f'No engine serves "{version_id}" here.{nearest(version_id, self._engines)}')
        await engine.stop()
        self._in_background(engine.start())

    async def close(self) -> None:
        """Stops every engine."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(engine.stop() for engine in self._engines.values()), return_exceptions=True)
        self._engines.clear()

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("engine_task_failed", exc_info=error)
