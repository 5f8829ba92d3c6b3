"""The engine `llama`: llama.cpp in a supervised child process, reached on loopback.

A work gets a slot of the server by its salt (see `slots`), several choices become several works (see
`spread`), and of the caller's body only known fields reach the server, which has others that would break the
isolation of slots.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from longslope.catalog.checksum import require_unchanged
from longslope.engines import sse
from longslope.engines.cores import usable_cores
from longslope.engines.engine_log import log_path
from longslope.engines.fan_out import gather_all, interleave
from longslope.engines.llama_server import Orders, Pooling, Ready
from longslope.engines.pieces import piece_bytes, placed
from longslope.engines.protocol import Body, EngineHealth, EngineState, Token, Whole, Work
from longslope.engines.remote import Remote, Timeouts
from longslope.engines.slots import Lease, SlotPool
from longslope.engines.spread import Part, StreamMerger, merge_answers, spread
from longslope.engines.supervisor import ChildSpec, Supervisor
from longslope.engines.tool_calls import lift_stream, lift_whole, require_call, tool_names
from longslope.errors import EngineUnavailable, InvalidRequest

_PATHS = {"chat": "/v1/chat/completions", "completions": "/v1/completions"}
_PROBE_TIMEOUT_S = 10.0
_TOKENIZE_TIMEOUT_S = 30.0
_KEEPALIVE_S = 3.0  # the server closes idle connections after 5
_USAGE_IN_STREAM = msgspec.Raw(b'{"include_usage":true}')

_REASONING_FORMATS = ("none", "auto", "deepseek", "deepseek-legacy")

# What of a caller's body reaches the server; other fields could break the isolation of slots, or its limits.
_PASSED = frozenset(
    (
        "messages",
        "prompt",
        "echo",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "stop",
        "seed",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "typical_p",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "presence_penalty",
        "frequency_penalty",
        "repeat_penalty",
        "repeat_last_n",
        "dry_multiplier",
        "dry_base",
        "dry_allowed_length",
        "dry_penalty_last_n",
        "dry_sequence_breakers",
        "xtc_probability",
        "xtc_threshold",
        "mirostat",
        "mirostat_tau",
        "mirostat_eta",
        "dynatemp_range",
        "dynatemp_exponent",
        "top_n_sigma",
        "grammar",
        "json_schema",
        "chat_template_kwargs",
        "reasoning_effort",
        "reasoning_format",
    )
)


class LlamaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One llama engine.

    Weights are not served when their sum is no longer `sha256`; `mtime_ns` is their modification time at
    the moment they were hashed. `context` is tokens a slot; `slots` how many works run at once; `threads`
    None takes every physical core; `batch` how many tokens of prompts are computed at once: a larger one is
    faster, and lets other works, and the news that one is cancelled, in later; `replica` tells engines of
    one version apart.
    """

    version: str
    weights: Path
    sha256: str | None = None
    mtime_ns: int | None = None
    log_dir: Path
    context: int
    slots: int = 4
    threads: int | None = None
    batch: int = 512
    embedding: bool = False
    pooling: Pooling = "mean"
    replica: int = 0
    start_timeout_s: float = 120.0
    timeouts: Timeouts = Timeouts(first_byte_s=600.0, idle_s=120.0, whole_s=3_600.0)


class LlamaEngine:
    """An `Engine` over one child process."""

    def __init__(self, config: LlamaConfig) -> None:
        self._config = config
        self._name = f"{config.version}#{config.replica}"
        self._slots = SlotPool(config.slots)
        self._in_flight = 0
        self._model = msgspec.Raw(msgspec.json.encode(config.version))
        key = secrets.token_urlsafe(32)
        self._remote = Remote(
            self._name,
            timeouts=config.timeouts,
            headers={"Authorization": f"Bearer {key}"},
            keepalive_s=_KEEPALIVE_S,
            keep_after_stream=False,  # the server closes them, a moment after one would have used them again
        )
        self._child = Supervisor(
            ChildSpec(
                name=self._name,
                command=(sys.executable, "-P", "-m", "longslope.engines.llama_server"),
                orders=msgspec.json.encode(_orders(config, key)),
                check=_check(config),
                log=log_path(config.log_dir, self._name),
                start_timeout_s=config.start_timeout_s,
            ),
            on_ready=self._moved,
            probe=self._probe,
        )

    @property
    def name(self) -> str:
        """`VERSION#REPLICA`."""
        return self._name

    @property
    def capacity(self) -> int:
        """The number of slots."""
        return self._config.slots

    @property
    def in_flight(self) -> int:
        """Works it has, those that wait for a slot included."""
        return self._in_flight

    @property
    def state(self) -> EngineState:
        """What its child is doing."""
        return self._child.state

    async def start(self) -> None:
        """Starts the child; returns once it is ready or known to be down."""
        await self._child.start()

    async def stop(self) -> None:
        """Ends the child; works under way fail as unavailable."""
        await self._child.stop()
        await self._remote.close()

    def health(self) -> EngineHealth:
        """Its state now."""
        child = self._child
        return EngineHealth(
            name=self._name,
            kind="llama",
            version=self._config.version,
            state=child.state,
            in_flight=self._in_flight,
            capacity=self.capacity,
            restarts=child.restarts,
            uptime_s=child.uptime_s,
            detail=child.detail,
            pid=child.pid,
            memory_bytes=_resident_bytes(child.pid),
        )

    async def chat(self, work: Work) -> Whole:
        """A whole chat or text completion."""
        parts = spread(work)
        if len(parts) == 1:
            return Whole(await self._whole(work, parts[0]))
        answers = await gather_all([self._whole(work, part) for part in parts])
        return Whole(merge_answers(parts, answers))

    def chat_stream(self, work: Work) -> AsyncGenerator[bytes]:
        """Frames, usage in the last before `[DONE]`."""
        if work.choices == 1 and work.operation == "chat":
            return self._stream(work, Part(work.body, 0, counts_prompt=True))
        return self._merged_stream(work)

    async def embed(self, work: Work) -> Whole:
        """Embeddings as floats."""
        if not self._config.embedding:
            raise InvalidRequest(
                f"{self._config.version} makes no embeddings; name an embedding model", param="model"
            )
        body = {"model": self._model, "input": work.body.get("input"), "encoding_format": "float"}
        self._in_flight += 1
        try:
            lease = await self._slots.acquire(work.salt)
            try:
                self._require_ready()
                return Whole(await self._remote.whole("/v1/embeddings", msgspec.json.encode(body)))
            finally:
                self._slots.release(lease)
        finally:
            self._in_flight -= 1

    async def tokenize(self, text: str) -> list[Token]:
        """The tokens of `text`, without those that mark its begin and end."""
        self._require_ready()
        orders = msgspec.json.encode({"content": text, "with_pieces": True, "add_special": False})
        answer = await self._remote.post("/tokenize", orders, _TOKENIZE_TIMEOUT_S)
        tokens = msgspec.json.decode(answer, type=_Tokens).tokens
        return await placed(text.encode(), ((token.id, piece_bytes(token.piece)) for token in tokens))

    async def _whole(self, work: Work, part: Part) -> bytes:
        self._require_chat()
        self._in_flight += 1
        try:
            lease = await self._slots.acquire(work.salt)
            try:
                self._require_ready()
                answer = await self._remote.whole(_PATHS[work.operation], self._payload(part.body, lease))
            finally:
                self._slots.release(lease)
        finally:
            self._in_flight -= 1
        names = tool_names(part.body)
        return lift_whole(answer, names) if names else answer

    async def _stream(self, work: Work, part: Part) -> AsyncGenerator[bytes]:
        self._require_chat()
        self._in_flight += 1
        try:
            lease = await self._slots.acquire(work.salt)
            try:
                self._require_ready()
                payload = self._payload(part.body, lease, stream=True)
                names = tool_names(part.body)
                async with aclosing(self._remote.stream(_PATHS[work.operation], payload)) as source:
                    async for frame in lift_stream(source, names) if names else source:
                        yield frame
            finally:
                self._slots.release(lease)
        finally:
            self._in_flight -= 1

    async def _merged_stream(self, work: Work) -> AsyncGenerator[bytes]:
        parts = spread(work)
        merger = StreamMerger()
        async with aclosing(interleave([self._stream(work, part) for part in parts])) as frames:
            async for place, frame in frames:
                if not sse.is_done(frame) and (rewritten := merger.rewrite(parts[place], frame)):
                    yield rewritten
        yield merger.usage_frame()
        yield sse.DONE

    def _payload(self, asked: Body, lease: Lease, *, stream: bool = False) -> bytes:
        _check_reasoning_format(asked)
        body: dict[str, Any] = {key: value for key, value in require_call(asked).items() if key in _PASSED}
        body["model"] = self._model
        body["id_slot"] = lease.slot
        body["cache_prompt"] = lease.reuse
        if stream:
            body["stream"] = True
            body["stream_options"] = _USAGE_IN_STREAM
            # How far the prompt is read, so that an answer cut short can be metered truly.
            body["return_progress"] = True
        return msgspec.json.encode(body)

    def _require_chat(self) -> None:
        if self._config.embedding:
            raise InvalidRequest(
                f"{self._config.version} only makes embeddings; name a chat model", param="model"
            )

    def _require_ready(self) -> None:
        child = self._child
        if child.state is EngineState.READY:
            return
        raise EngineUnavailable(
            f"engine {self._name} is {child.state.value}; retry in a few seconds",
            retry_after_s=child.retry_in_s,
        )

    def _moved(self, report: bytes) -> None:
        self._remote.point_at(msgspec.json.decode(report, type=Ready).address)
        self._slots.forget()

    async def _probe(self) -> None:
        status = await self._remote.status("/health", _PROBE_TIMEOUT_S)
        if status != 200:
            raise EngineUnavailable(f"engine {self._name} says HTTP {status} of its health; retry")


class _Piece(msgspec.Struct, frozen=True):
    id: int
    piece: str | list[int]


class _Tokens(msgspec.Struct, frozen=True):
    tokens: list[_Piece]


def _check_reasoning_format(asked: Body) -> None:
    """The server would call an unknown one its own fault."""
    raw = asked.get("reasoning_format")
    wanted = "auto" if raw is None else msgspec.json.decode(raw)
    if wanted not in _REASONING_FORMATS:
        raise InvalidRequest(
            f"reasoning_format is {wanted!r}; it may be {', '.join(_REASONING_FORMATS)}.",
            param="reasoning_format",
        )


def _check(config: LlamaConfig) -> Callable[[], None] | None:
    if config.sha256 is None:
        return None
    return partial(require_unchanged, config.weights, config.sha256, config.mtime_ns)


def _orders(config: LlamaConfig, key: str) -> Orders:
    return Orders(
        weights=str(config.weights),
        alias=config.version,
        key=key,
        context=config.context,
        slots=config.slots,
        threads=config.threads or usable_cores(),
        batch=config.batch,
        embedding=config.embedding,
        pooling=config.pooling,
        parent=os.getpid(),
    )


def _resident_bytes(pid: int | None) -> int | None:
    """The child's resident memory; None where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None
