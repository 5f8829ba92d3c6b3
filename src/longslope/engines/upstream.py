"""The engine `upstream`: a server of OpenAI's protocol that somebody else runs (vLLM, SGLang, a cloud).

Calls are pooled, tried again only before the first byte, and held back by a circuit breaker while the server
keeps failing. The caller's body passes through, except for fields that would reach into other callers'
caches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from longslope.engines.backoff import Backoff
from longslope.engines.breaker import Breaker, BreakerState
from longslope.engines.pieces import piece_bytes, placed, vocabulary_bytes
from longslope.engines.protocol import EngineHealth, EngineState, Token, Whole, Work
from longslope.engines.remote import Remote, Timeouts
from longslope.errors import EngineFault, EngineUnavailable, InvalidRequest, PlatformError, RateLimited

log = structlog.get_logger(__name__)

_PATHS = {"chat": "/chat/completions", "completions": "/completions"}
_RETRY = Backoff(0.25, 4.0)
_POLL_WHEN_DOWN = Backoff(1.0, 15.0)
_POLL_S = 15.0
_PROBE_TIMEOUT_S = 10.0
_TOKENIZE_TIMEOUT_S = 30.0
_USAGE_IN_STREAM = msgspec.Raw(b'{"include_usage":true}')
_DROPPED = frozenset(
    ("cache_salt", "cache_prompt", "id_slot", "kv_transfer_params", "priority", "request_id")
)


@dataclass(frozen=True, kw_only=True)
class UpstreamConfig:
    """One upstream engine.

    `base_url` ends in `/v1`; `model` is the upstream's name for it; `capacity` how many works it takes at
    once; `cache_salt` sends the work's salt as vLLM's field of that name; `most_retry_after_s` is how long a
    Retry-After is waited out rather than passed on.
    """

    version: str
    base_url: str
    model: str
    secret: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cache_salt: bool = False
    capacity: int = 64
    replica: int = 0
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: int = 2
    most_retry_after_s: float = 2.0
    breaker_failures: int = 5
    breaker_open_s: float = 10.0


class UpstreamEngine:
    """An `Engine` over a server at a URL."""

    def __init__(self, config: UpstreamConfig) -> None:
        self._config = config
        self._name = f"{config.version}#{config.replica}"
        self._in_flight = 0
        self._model = msgspec.Raw(msgspec.json.encode(config.model))
        secret = {"Authorization": f"Bearer {config.secret}"} if config.secret else {}
        self._remote = Remote(self._name, timeouts=config.timeouts, headers={**secret, **config.headers})
        self._remote.point_at(config.base_url)
        self._breaker = Breaker(self._name, failures=config.breaker_failures, open_s=config.breaker_open_s)
        self._polling: asyncio.Task[None] | None = None
        self._state = EngineState.STOPPED
        self._detail = ""
        self._ready_at = 0.0

    @property
    def name(self) -> str:
        """`VERSION#REPLICA`."""
        return self._name

    @property
    def capacity(self) -> int:
        """As configured."""
        return self._config.capacity

    @property
    def in_flight(self) -> int:
        """Works sent and not yet answered."""
        return self._in_flight

    @property
    def state(self) -> EngineState:
        """Its state at the last poll or call; down while the breaker holds calls back."""
        return EngineState.DOWN if self._held_back() else self._state

    async def start(self) -> None:
        """Asks once whether the server is there, and from then on at intervals."""
        if self._polling is not None:
            return
        self._state = EngineState.STARTING
        await self._poll()
        self._polling = asyncio.create_task(self._keep_polling(), name=f"poll {self._name}")

    async def stop(self) -> None:
        """Closes all connections."""
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.cancel()
            await asyncio.wait({polling})
        self._state, self._detail = EngineState.STOPPED, ""
        await self._remote.close()

    def health(self) -> EngineHealth:
        """Its state at the last poll or call."""
        state, detail = self.state, self._detail
        if self._held_back():
            detail = "it failed too often in a row; calls are held back for a while"
        ready = state is EngineState.READY
        return EngineHealth(
            name=self._name,
            kind="upstream",
            version=self._config.version,
            state=state,
            in_flight=self._in_flight,
            capacity=self.capacity,
            uptime_s=asyncio.get_running_loop().time() - self._ready_at if ready else 0.0,
            detail=detail,
        )

    def _held_back(self) -> bool:
        return self._state is EngineState.READY and self._breaker.state is BreakerState.OPEN

    async def chat(self, work: Work) -> Whole:
        """A whole chat or text completion."""
        return await self._whole(_PATHS[work.operation], self._payload(work))

    async def chat_stream(self, work: Work) -> AsyncGenerator[bytes]:
        """Frames, usage in the last before `[DONE]`."""
        path, payload = _PATHS[work.operation], self._payload(work, stream=True)
        self._in_flight += 1
        try:
            attempt = 1
            while True:
                begun = False
                try:
                    with self._breaker.watch():
                        async with aclosing(self._remote.stream(path, payload)) as frames:
                            async for frame in frames:
                                begun = True
                                yield frame
                    return
                except (EngineUnavailable, RateLimited) as failure:
                    if begun:
                        raise
                    await self._wait_to_retry(failure, attempt)
                attempt += 1
        finally:
            self._in_flight -= 1

    async def embed(self, work: Work) -> Whole:
        """Embeddings as floats."""
        body = {"model": self._model, "input": work.body.get("input"), "encoding_format": "float"}
        return await self._whole("/embeddings", msgspec.json.encode(body))

    async def tokenize(self, text: str) -> list[Token]:
        """The tokens of `text`, where the server tells (vLLM, SGLang, llama.cpp); else InvalidRequest."""
        root = self._config.base_url.rstrip("/").removesuffix("/v1")
        asked = {
            **{
                "model": self._config.model,
                "prompt": text,
                "add_special_tokens": False,
                "return_token_strs": True,
            },
            **{"content": text, "add_special": False, "with_pieces": True},  # the same for llama.cpp
        }
        url, payload = f"{root}/tokenize", msgspec.json.encode(asked)
        try:
            answer = await self._tried(lambda: self._remote.post_outside(url, payload, _TOKENIZE_TIMEOUT_S))
            told = msgspec.json.decode(answer, type=_Told)
        except (EngineFault, InvalidRequest, msgspec.DecodeError) as failure:
            raise InvalidRequest(
                f"the server behind {self._config.version} does not tell its tokens; name another model",
                param="model",
            ) from failure
        return await placed(text.encode(), told.pieces())

    async def _whole(self, path: str, payload: bytes) -> Whole:
        self._in_flight += 1
        try:
            return Whole(await self._tried(lambda: self._remote.whole(path, payload)))
        finally:
            self._in_flight -= 1

    async def _tried(self, call: Callable[[], Awaitable[bytes]]) -> bytes:
        attempt = 1
        while True:
            try:
                with self._breaker.watch():
                    return await call()
            except (EngineUnavailable, RateLimited) as failure:
                await self._wait_to_retry(failure, attempt)
            attempt += 1

    async def _wait_to_retry(self, failure: PlatformError, attempt: int) -> None:
        """Waits before another try, or raises `failure` when there is to be none."""
        asked_s = failure.retry_after_s or 0.0
        given_up = attempt > self._config.retries or asked_s > self._config.most_retry_after_s
        if given_up or self._is_stopped():
            raise failure
        wait_s = asked_s + _RETRY.wait_s(attempt)
        log.info(
            "upstream_retry", engine=self._name, attempt=attempt, wait_s=round(wait_s, 2), reason=failure.code
        )
        await asyncio.sleep(wait_s)
        if self._is_stopped():  # meanwhile; another try would open its connections again
            raise failure

    def _is_stopped(self) -> bool:
        return self._state is EngineState.STOPPED

    def _payload(self, work: Work, *, stream: bool = False) -> bytes:
        body: dict[str, Any] = {key: value for key, value in work.body.items() if key not in _DROPPED}
        body["model"] = self._model
        body["stream"] = stream
        if stream:
            body["stream_options"] = _USAGE_IN_STREAM
        else:
            body.pop("stream_options", None)
        if work.choices > 1:
            body["n"] = work.choices
        if self._config.cache_salt:
            body["cache_salt"] = work.salt
        return msgspec.json.encode(body)

    async def _keep_polling(self) -> None:
        failures = 0
        while True:
            failures = 0 if self._state is EngineState.READY else failures + 1
            await asyncio.sleep(_POLL_WHEN_DOWN.wait_s(failures) if failures else _POLL_S)
            try:
                await self._poll()
            except Exception:
                log.exception("upstream_poll_failed", engine=self._name)

    async def _poll(self) -> None:
        was = self._state
        try:
            self._state, self._detail = _reading(await self._remote.status("/models", _PROBE_TIMEOUT_S))
        except PlatformError as failure:
            self._state, self._detail = EngineState.DOWN, failure.message
        if self._state is was:
            return
        if self._state is EngineState.READY:
            self._ready_at = asyncio.get_running_loop().time()
        log.info("upstream_state", engine=self._name, state=self._state.value, reason=self._detail)


class _Piece(msgspec.Struct, frozen=True):
    id: int
    piece: str | list[int]


class _Told(msgspec.Struct, frozen=True):
    tokens: list[int | _Piece]
    token_strs: list[str] = []

    def pieces(self) -> list[tuple[int, bytes]]:
        spelled = iter(self.token_strs)
        return [
            (token, vocabulary_bytes(next(spelled, "")))
            if isinstance(token, int)
            else (token.id, piece_bytes(token.piece))
            for token in self.tokens
        ]


def _reading(status: int) -> tuple[EngineState, str]:
    """The state that the status of `GET /models` speaks of; a server without that page is there too."""
    if status // 100 == 2 or status in (404, 405, 429):
        return EngineState.READY, ""
    if status in (401, 403):
        return EngineState.DOWN, f"it refuses the secret (HTTP {status}); set the right one for this upstream"
    return EngineState.DOWN, f"it answers GET /models with HTTP {status}"
