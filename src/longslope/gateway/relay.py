"""Answers on their way out: the engine's bytes, under the request's own id, with what metering needs read
off them.

Whole answers are re-headed without decoding their choices. Streams pass frame by frame as bytes; only the
first frame and those that can hold usage, an end or the prompt's progress are decoded. The usage frame is
kept back where the caller did not ask for it.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

import msgspec

from longslope.engines import sse
from longslope.errors import EngineFault
from longslope.gateway.call import Call
from longslope.wire.chat import TokenUsage

_T = TypeVar("_T")
DONE = b"data: [DONE]\n\n"


class _Choice(msgspec.Struct, frozen=True):
    finish_reason: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    usage: TokenUsage | None = None
    choices: list[_Choice] = []


class _Part(_Choice, frozen=True):
    delta: dict[str, Any] | None = None
    text: str | None = None

    @property
    def tells(self) -> bool:
        """Whether it gives the caller anything, which a frame with only a role does not."""
        delta = self.delta or {}
        return bool(self.text or any(delta.get(name) for name in _TOLD))


class _Progress(msgspec.Struct, frozen=True):
    total: int = 0
    cache: int = 0
    processed: int = 0


class _Head(msgspec.Struct, frozen=True):
    id: str = ""
    model: str = ""
    usage: TokenUsage | None = None
    choices: list[_Part] = []
    prompt_progress: _Progress | None = None


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_TOLD = ("content", "reasoning_content", "tool_calls")
_KEPT = ("object", "created", "choices", "data", "usage", "system_fingerprint", "service_tier")


class Tally(msgspec.Struct):
    """What is known of an answer so far."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str | None = None
    first_ns: int = 0

    def take(self, usage: TokenUsage) -> None:
        """Replaces the counts by the engine's own."""
        self.prompt_tokens = usage.prompt_tokens
        self.cached_tokens = usage.cached_tokens
        self.completion_tokens = usage.completion_tokens


def head_whole(call: Call, body: bytes, version: str, tally: Tally) -> bytes:
    """The body under the request's id and version, its usage taken into `tally`. Raises EngineFault."""
    try:
        answer = _decode_answer(body)
        fields = _decode_fields(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EngineFault(
            f"The engine of {version} answered with no valid JSON ({error}). Try again."
        ) from error
    if answer.usage is not None:
        tally.take(answer.usage)
    if answer.choices:
        tally.finish_reason = answer.choices[0].finish_reason
    headed: dict[str, object] = {"id": call.id}
    headed.update((name, fields[name]) for name in _KEPT if name in fields)
    headed["model"] = version
    return msgspec.json.encode(headed)


async def relay_frames(
    call: Call, frames: AsyncGenerator[bytes], version: str, tally: Tally
) -> AsyncGenerator[bytes]:
    """The engine's frames, re-headed, up to but without `[DONE]`; `tally` is filled on the way.

    Text deltas are counted, so that an answer cut short can be metered by what was given.
    """
    new_id, new_model = f'"id":"{call.id}"'.encode(), f'"model":"{version}"'.encode()
    old_id = old_model = b""
    first = True
    async for frame in frames:
        if sse.is_done(frame):
            continue
        if first or sse.has_usage(frame) or sse.has_finish(frame) or b'"prompt_progress"' in frame:
            head = _decoded(_decode_head, frame, version)
            if first:
                old_id, old_model = _spelled(frame, "id", head.id), _spelled(frame, "model", head.model)
                first = False
            if head.prompt_progress is not None:
                tally.prompt_tokens = head.prompt_progress.processed
                tally.cached_tokens = head.prompt_progress.cache
                continue
            _count(head, tally)
            if head.usage is not None and not head.choices and not call.include_usage:
                continue
        else:
            tally.completion_tokens += 1
        if not tally.first_ns:
            tally.first_ns = time.monotonic_ns()
        if old_id and old_model and old_id in frame and old_model in frame:
            yield frame.replace(old_id, new_id, 1).replace(old_model, new_model, 1)
        else:
            yield _reheaded(frame, call.id, version)


def _count(head: _Head, tally: Tally) -> None:
    if head.choices and head.choices[0].finish_reason:
        tally.finish_reason = head.choices[0].finish_reason
    if head.usage is not None:
        tally.take(head.usage)
    elif any(choice.tells for choice in head.choices):
        tally.completion_tokens += 1


def _spelled(frame: bytes, name: str, value: str) -> bytes:
    """How a frame writes a field, blanks included; empty where it does not have it or escapes its value."""
    found = (
        re.search(rb'"%b"\s*:\s*"%b"' % (name.encode(), re.escape(value.encode())), frame) if value else None
    )
    return found[0] if found else b""


def _reheaded(frame: bytes, request_id: str, version: str) -> bytes:
    """A frame whose id and model cannot be replaced where they stand, written anew."""
    fields = _decoded(_decode_fields, frame, version)
    return sse.frame_of({**fields, "id": request_id, "model": version})


def _decoded(decode: Callable[[bytes], _T], frame: bytes, version: str) -> _T:
    try:
        return decode(sse.payload(frame))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EngineFault(f"The engine of {version} sent a frame that is no valid JSON ({error}).") from error
