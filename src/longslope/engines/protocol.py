"""What an engine is: a running thing that computes.

An engine takes `Work` (an OpenAI-shaped body) and gives a `Whole` answer or a flow of server-sent frames. It
knows nothing of keys, prices or experiments. Every failure is one of the engine errors of `longslope.errors`,
so that the gateway never has to guess.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Literal, Protocol

import msgspec

Operation = Literal["chat", "completions", "embeddings"]
Body = dict[str, msgspec.Raw]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work for an engine.

    `body` is the caller's JSON object, key by key, still encoded; the engine replaces `model` and adds what
    its server needs. `salt` isolates the prefix cache: two works may share cached prefixes only when it is
    equal.
    """

    operation: Operation
    body: Body
    salt: str
    choices: int = 1


class Whole(msgspec.Struct, frozen=True):
    """A whole answer: the engine's JSON body as bytes."""

    body: bytes


class EngineState(StrEnum):
    """What an engine is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    DOWN = "down"


class EngineHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A reading of an engine, for /healthz and the console. `in_flight` counts works; times in seconds."""

    name: str
    kind: str
    version: str
    state: EngineState
    in_flight: int
    capacity: int
    restarts: int = 0
    uptime_s: float = 0.0
    detail: str = ""
    pid: int | None = None
    memory_bytes: int | None = None


class Token(msgspec.Struct, frozen=True):
    """One token of a text: its id and its bytes' place in the UTF-8 text as [start, end)."""

    id: int
    start: int
    end: int


class Engine(Protocol):
    """Anything that can serve a version."""

    @property
    def name(self) -> str:
        """A name unique among running engines, such as `mini@1#0`."""
        ...

    @property
    def capacity(self) -> int:
        """How many works run at once before the engine itself would queue."""
        ...

    @property
    def in_flight(self) -> int:
        """How many works it has now, waiting ones included."""
        ...

    @property
    def state(self) -> EngineState:
        """What it is doing. Cheap, for choosing on a request's way; `health` reads more."""
        ...

    async def start(self) -> None:
        """Begins to run; returns once the engine is ready or known to be down, raising for neither."""
        ...

    async def stop(self) -> None:
        """Ends it and everything it started."""
        ...

    def health(self) -> EngineHealth:
        """Its state now, without waiting."""
        ...

    async def chat(self, work: Work) -> Whole:
        """A whole chat or text completion. Raises engine errors, InvalidRequest where the engine refuses."""
        ...

    def chat_stream(self, work: Work) -> AsyncGenerator[bytes]:
        r"""Frames of `data: …\n\n`, usage in the last before `[DONE]`. Closing the generator cancels."""
        ...

    async def embed(self, work: Work) -> Whole:
        """Embeddings, in OpenAI's shape."""
        ...

    async def tokenize(self, text: str) -> list[Token]:
        """The tokens of `text` by the model's own tokenizer."""
        ...
