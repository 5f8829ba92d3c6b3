"""Several engines of one version, as one engine.

A work goes to the least loaded engine that is ready. When that one turns out to be gone before the first byte
of an answer, the work is tried once on another; after the first byte the failure is the caller's to see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from longslope.engines.protocol import Engine, EngineHealth, EngineState, Token, Whole, Work
from longslope.errors import EngineUnavailable

_HOPE = [EngineState.READY, EngineState.STARTING, EngineState.DOWN, EngineState.STOPPED]
_RETRY_AFTER_S = 5.0
_Result = TypeVar("_Result")


class Replicas:
    """An `Engine` over the `engines` of `version`."""

    def __init__(self, version: str, engines: Sequence[Engine]) -> None:
        self._version = version
        self.engines = tuple(engines)

    @property
    def name(self) -> str:
        """The version's id."""
        return self._version

    @property
    def capacity(self) -> int:
        """The capacity of the engines that are ready."""
        return sum(engine.capacity for engine in self._ready())

    @property
    def in_flight(self) -> int:
        """The works of all."""
        return sum(engine.in_flight for engine in self.engines)

    @property
    def state(self) -> EngineState:
        """Ready when one is, else what the most hopeful one is."""
        return min((engine.state for engine in self.engines), key=_HOPE.index, default=EngineState.STOPPED)

    async def start(self) -> None:
        """Starts all at once."""
        await asyncio.gather(*(engine.start() for engine in self.engines))

    async def stop(self) -> None:
        """Ends all."""
        await asyncio.gather(*(engine.stop() for engine in self.engines))

    def health(self) -> EngineHealth:
        """Ready when one is, else what the most hopeful one is; each engine's own health tells more."""
        readings = [engine.health() for engine in self.engines]
        return EngineHealth(
            name=self._version,
            kind="replicas",
            version=self._version,
            state=self.state,
            in_flight=self.in_flight,
            capacity=self.capacity,
            restarts=sum(reading.restarts for reading in readings),
            uptime_s=max((reading.uptime_s for reading in readings), default=0.0),
            detail="; ".join(f"{reading.name}: {reading.detail}" for reading in readings if reading.detail),
        )

    async def chat(self, work: Work) -> Whole:
        """A whole chat or text completion."""
        return await self._try_two(lambda engine: engine.chat(work))

    async def chat_stream(self, work: Work) -> AsyncGenerator[bytes]:
        """Frames, usage in the last before `[DONE]`."""
        tried: Engine | None = None
        while True:
            engine = self._choose(tried)
            begun = False
            try:
                async with aclosing(engine.chat_stream(work)) as frames:
                    async for frame in frames:
                        begun = True
                        yield frame
                return
            except EngineUnavailable:
                if begun or tried is not None or not self._ready(engine):
                    raise
                tried = engine

    async def embed(self, work: Work) -> Whole:
        """Embeddings."""
        return await self._try_two(lambda engine: engine.embed(work))

    async def tokenize(self, text: str) -> list[Token]:
        """The tokens of `text`."""
        return await self._try_two(lambda engine: engine.tokenize(text))

    async def _try_two(self, call: Callable[[Engine], Awaitable[_Result]]) -> _Result:
        engine = self._choose()
        try:
            return await call(engine)
        except EngineUnavailable:
            if not self._ready(engine):
                raise
        return await call(self._choose(engine))

    def _choose(self, besides: Engine | None = None) -> Engine:
        ready = self._ready(besides)
        if ready:
            return min(ready, key=lambda engine: engine.in_flight / max(engine.capacity, 1))
        states = ", ".join(f"{engine.name} is {engine.state.value}" for engine in self.engines)
        raise EngineUnavailable(
            f"no engine of {self._version} is ready ({states or 'none is configured'}); "
            f"retry in {_RETRY_AFTER_S:.0f} s",
            retry_after_s=_RETRY_AFTER_S,
        )

    def _ready(self, besides: Engine | None = None) -> list[Engine]:
        return [
            engine for engine in self.engines if engine is not besides and engine.state is EngineState.READY
        ]
