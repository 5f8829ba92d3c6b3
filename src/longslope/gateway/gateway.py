"""A request's way through the gateway: resolve, admit, compute, relay, meter. The only way to a model.

Auth comes before (the caller's identity is in the call), the HTTP dress after. Every request that reached
an engine leaves one usage row, however it ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec

from longslope.catalog.snapshot import Catalog
from longslope.engines.protocol import Engine, Token, Work
from longslope.errors import ContextLengthExceeded, PlatformError
from longslope.gateway.admission import Admission
from longslope.gateway.auth import Identity
from longslope.gateway.call import Call, Reply
from longslope.gateway.embedding import shape_embeddings
from longslope.gateway.fleet import Fleet
from longslope.gateway.metering import Meter
from longslope.gateway.prepare import Limits, prepare
from longslope.gateway.pricing import amount_nano
from longslope.gateway.privacy import ContentKeeper
from longslope.gateway.relay import DONE, Tally, head_whole, relay_frames
from longslope.gateway.resolve import Route, require_kind, resolve
from longslope.store.usage import UsageRow

CLIENT_LEFT = 499
_PROMPTS = {"chat": "messages", "completions": "prompt", "embeddings": "input"}
_KINDS = {"chat": "chat", "completions": "chat", "embeddings": "embedding"}
RequestEnded = Callable[[Call, UsageRow], None]


class _Passage(msgspec.Struct):
    """One request under way: its route, its engine and the times it passed each stage."""

    call: Call
    route: Route
    engine: str
    resolved_ns: int
    admitted_ns: int = 0
    tally: Tally = msgspec.field(default_factory=Tally)


class Gateway:
    """The one way in. Holds no request's content once its answer has ended."""

    def __init__(
        self,
        catalog: Catalog,
        fleet: Fleet,
        admission: Admission,
        meter: Meter,
        keeper: ContentKeeper,
        limits: Limits,
    ) -> None:
        self._catalog = catalog
        self._fleet = fleet
        self.admission = admission
        self._meter = meter
        self._keeper = keeper
        self._limits = limits
        self._listeners: list[RequestEnded] = []

    def on_request_ended(self, listener: RequestEnded) -> None:
        """Calls `listener` with each call and its usage row, for metrics and traces. It must not wait."""
        self._listeners.append(listener)

    async def complete(self, call: Call) -> Reply:
        """Answers a call. Raises PlatformErrors; cancelling it, or closing its frames, cancels the
        engine's work.
        """
        self._meter.check()
        snapshot = self._catalog.snapshot
        route = resolve(snapshot, call.identity, call.model)
        require_kind(route, _KINDS[call.operation], call.model, snapshot)
        body = prepare(call, route, self._limits)
        engine = self._fleet.engine(route.version)
        passage = _Passage(call, route, engine.name, time.monotonic_ns())
        work = Work(operation=call.operation, body=body, salt=call.identity.project.id, choices=call.choices)
        if call.stream:
            # It takes its place when it is first asked for a frame, so that an unread reply holds none.
            return Reply(version=route.version.id, frames=self._stream(passage, engine, work))
        return Reply(version=route.version.id, body=await self._whole(passage, engine, work))

    async def tokenize(self, identity: Identity, model: str, text: str) -> list[Token]:
        """The tokens of `text` by the model's own tokenizer. Costs nothing and leaves no usage row."""
        route = resolve(self._catalog.snapshot, identity, model)
        return await self._fleet.engine(route.version).tokenize(text)

    def served_version(self, identity: Identity, model: str) -> str:
        """The version that `model` leads to now."""
        return resolve(self._catalog.snapshot, identity, model).version.id

    async def _whole(self, passage: _Passage, engine: Engine, work: Work) -> bytes:
        call, tally = passage.call, passage.tally
        version = passage.route.version.id
        await self._admit(passage)
        try:
            if work.operation == "embeddings":
                answer = shape_embeddings((await engine.embed(work)).body, call.request, version)
            else:
                answer = (await engine.chat(work)).body
            tally.first_ns = time.monotonic_ns()
            body = head_whole(call, answer, version, tally)
        except asyncio.CancelledError:
            self._end(passage, CLIENT_LEFT, "ClientClosedRequest")
            raise
        except PlatformError as error:
            self._fail(passage, error)
            raise
        except Exception:
            self._end(passage, PlatformError.status, PlatformError.code)
            raise
        finally:
            self.admission.leave(call.identity.project)
        await self._meter.record(self._row(passage, 200, None))
        if call.trace == "content":
            await self._keeper.keep(call, body)
        return body

    async def _admit(self, passage: _Passage) -> None:
        await self.admission.enter(passage.call.identity.project)
        passage.admitted_ns = time.monotonic_ns()

    async def _stream(self, passage: _Passage, engine: Engine, work: Work) -> AsyncGenerator[bytes]:
        call = passage.call
        ended = False
        kept: list[bytes] | None = [] if call.trace == "content" else None
        await self._admit(passage)
        try:
            source = engine.chat_stream(work)
            async with (
                aclosing(source),
                aclosing(relay_frames(call, source, passage.route.version.id, passage.tally)) as frames,
            ):
                async for frame in frames:
                    if kept is not None:
                        kept.append(frame)
                    yield frame
            ended = True
            await self._meter.record(self._row(passage, 200, None))
            if kept is not None:
                await self._keeper.keep(call, b"".join(kept))
            yield DONE
        except PlatformError as error:
            ended = True
            self._fail(passage, error)
            raise
        except Exception:
            ended = True
            self._end(passage, PlatformError.status, PlatformError.code)
            raise
        finally:
            if not ended:
                self._end(passage, CLIENT_LEFT, "ClientClosedRequest")
            self.admission.leave(call.identity.project)

    def _fail(self, passage: _Passage, error: PlatformError) -> None:
        """Meters an answer that an error ended, and names the field where only the call tells it."""
        if isinstance(error, ContextLengthExceeded) and error.param is None:
            error.param = _PROMPTS[passage.call.operation]
        self._end(passage, error.status, error.code)

    def _end(self, passage: _Passage, status: int, code: str) -> None:
        """Meters an answer that did not end well, without waiting."""
        self._meter.append(self._row(passage, status, code))

    def _row(self, passage: _Passage, status: int, error_code: str | None) -> UsageRow:
        call, route, tally = passage.call, passage.route, passage.tally
        arrived = call.arrived_ns
        # What the platform failed to give is not billed; what a caller took before leaving is.
        billed = status in (200, CLIENT_LEFT)
        tokens = (tally.prompt_tokens, tally.cached_tokens, tally.completion_tokens)
        price = route.price
        row = UsageRow(
            id=call.id,
            client_request_id=call.client_request_id,
            retry_of=None,
            project_id=call.identity.project.id,
            key_id=call.identity.key.id,
            endpoint_id=route.endpoint_id,
            model=route.version.model,
            version_id=route.version.id,
            engine=passage.engine,
            operation=call.operation,
            stream=call.stream,
            status=status,
            error_code=error_code,
            finish_reason=tally.finish_reason,
            prompt_tokens=tally.prompt_tokens,
            cached_tokens=tally.cached_tokens,
            completion_tokens=tally.completion_tokens,
            price_id=price.id if price else None,
            price_nano=amount_nano(price, *tokens) if billed else 0,
            cost_id=route.cost.id if route.cost else None,
            cost_nano=amount_nano(route.cost, *tokens),
            currency=price.currency if price else route.cost.currency if route.cost else "XXX",
            created_ms=call.arrived_ms,
            resolved_us=(passage.resolved_ns - arrived) // 1000,
            admitted_us=(passage.admitted_ns - arrived) // 1000,
            first_us=(tally.first_ns - arrived) // 1000 if tally.first_ns else 0,
            total_us=(time.monotonic_ns() - arrived) // 1000,
        )
        for listener in self._listeners:
            listener(call, row)
        return row
