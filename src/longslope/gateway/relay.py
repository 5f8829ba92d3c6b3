"""Answers on their way out: the engine's bytes, under the request's own id, with what metering needs read
off them.

Whole answers are re-headed without decoding their choices. Streams pass frame by frame as bytes; only
frames that can hold usage, an end or the prompt's progress are decoded. The usage frame is kept back where
the caller did not ask for it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import msgspec

from longslope.errors import EngineFault
from longslope.gateway.call import Call
from longslope.wire.chat import TokenUsage

DONE = b"data: [DONE]\n\n"


class _Choice(msgspec.Struct, frozen=True):
    finish_reason: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    usage: TokenUsage | None = None
    choices: list[_Choice] = []


class _Progress(msgspec.Struct, frozen=True):
    total: int = 0
    cache: int = 0
    processed: int = 0


class _Head(msgspec.Struct, frozen=True):
    id: str = ""
    model: str = ""
    usage: TokenUsage | None = None
    choices: list[_Choice] = []
    prompt_progress: _Progress | None = None


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_head = msgspec.json.Decoder(_Head).decode
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
    except msgspec.MsgspecError as error:
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
    old_id = old_model = b""
    new_id, new_model = f'"id":"{call.id}"'.encode(), f'"model":"{version}"'.encode()
    async for frame in frames:
        if frame.startswith(b"data: [DONE]"):
            continue
        if (
            not old_id
            or b'"usage":{' in frame
            or b'"finish_reason":"' in frame
            or b'"prompt_progress"' in frame
        ):
            head = _read_head(frame, version)
            old_id, old_model = f'"id":"{head.id}"'.encode(), f'"model":"{head.model}"'.encode()
            if head.prompt_progress is not None:
                tally.prompt_tokens = head.prompt_progress.processed
                tally.cached_tokens = head.prompt_progress.cache
                continue
            if head.choices and head.choices[0].finish_reason:
                tally.finish_reason = head.choices[0].finish_reason
            if head.usage is not None:
                tally.take(head.usage)
                if not head.choices and not call.include_usage:
                    continue
        elif b'"usage"' not in frame or b'"usage":null' in frame:
            tally.completion_tokens += 1
        if not tally.first_ns:
            tally.first_ns = time.monotonic_ns()
        yield frame.replace(old_id, new_id, 1).replace(old_model, new_model, 1)


def _read_head(frame: bytes, version: str) -> _Head:
    try:
        return _decode_head(frame.removeprefix(b"data:"))
    except msgspec.MsgspecError as error:
        raise EngineFault(f"The engine of {version} sent a frame that is no valid JSON ({error}).") from error
