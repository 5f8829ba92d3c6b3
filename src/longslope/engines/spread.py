"""One request for several answers, as several works.

`n` choices, and a completion of several prompts, become one part each: with a slot, a seed and an exact usage
of its own. The parts' answers are merged back into the one that was asked for: choices numbered `prompt * n +
choice`, each prompt's tokens counted once, completion tokens summed.
"""

from __future__ import annotations

from typing import cast

import msgspec

from longslope.engines import sse
from longslope.engines.protocol import Body, Work
from longslope.errors import InvalidRequest

MAX_PARTS = 256

Json = dict[str, object]


class Part(msgspec.Struct, frozen=True):
    """One answer's work: its body, its place among the choices, and whether its prompt counts in usage."""

    body: Body
    index: int
    counts_prompt: bool


def spread(work: Work) -> list[Part]:
    """The parts of `work`, in the order of their choices. Raises InvalidRequest when there are too many."""
    prompts = _prompts(work) if work.operation == "completions" else None
    if work.choices == 1 and prompts is None:
        return [Part(work.body, 0, counts_prompt=True)]
    bodies = [work.body] if prompts is None else [{**work.body, "prompt": prompt} for prompt in prompts]
    total = len(bodies) * work.choices
    if total > MAX_PARTS:
        raise InvalidRequest(
            f"{total} answers were asked for in one request and at most {MAX_PARTS} are given; "
            "send fewer prompts or a smaller n",
            param="n",
        )
    seed = _seed(work.body)
    parts: list[Part] = []
    for place, body in enumerate(bodies):
        for choice in range(work.choices):
            own = body if seed is None else {**body, "seed": msgspec.Raw(str(seed + choice).encode())}
            parts.append(Part(own, place * work.choices + choice, counts_prompt=choice == 0))
    return parts


class UsageSum:
    """Adds up the usage of parts."""

    def __init__(self) -> None:
        self._prompt = 0
        self._cached = 0
        self._completion = 0

    def add(self, usage: Json, *, counts_prompt: bool) -> None:
        """Adds one part's usage object."""
        self._completion += _count(usage.get("completion_tokens"))
        if not counts_prompt:
            return
        self._prompt += _count(usage.get("prompt_tokens"))
        details = usage.get("prompt_tokens_details")
        if isinstance(details, dict):
            self._cached += _count(cast("Json", details).get("cached_tokens"))

    def total(self) -> Json:
        """The sum as a usage object."""
        return {
            "completion_tokens": self._completion,
            "prompt_tokens": self._prompt,
            "total_tokens": self._prompt + self._completion,
            "prompt_tokens_details": {"cached_tokens": self._cached},
        }


def merge_answers(parts: list[Part], answers: list[bytes]) -> bytes:
    """One whole answer out of each part's, `answers` in the order of `parts`."""
    usage = UsageSum()
    choices: list[object] = []
    merged: Json = {}
    for part, answer in zip(parts, answers, strict=True):
        decoded = msgspec.json.decode(answer, type=dict[str, object])
        merged = merged or decoded
        choices += numbered(decoded, part.index)
        usage.add(cast("Json", decoded.get("usage") or {}), counts_prompt=part.counts_prompt)
    merged.pop("timings", None)  # one part's, not the whole's
    return msgspec.json.encode({**merged, "choices": choices, "usage": usage.total()})


class StreamMerger:
    """Rewrites the frames of several parts into those of one stream."""

    def __init__(self) -> None:
        self._usage = UsageSum()
        self._first: Json = {}

    def rewrite(self, part: Part, frame: bytes) -> bytes | None:
        """The frame as the merged stream has it; None when nothing of it is left but usage."""
        decoded = msgspec.json.decode(sse.payload(frame), type=dict[str, object])
        self._first = self._first or decoded
        decoded.pop("timings", None)
        usage = decoded.pop("usage", None)
        if isinstance(usage, dict):
            self._usage.add(cast("Json", usage), counts_prompt=part.counts_prompt)
        choices = numbered(decoded, part.index)
        if not choices:
            return None
        return sse.frame_of({**decoded, **self._identity(), "choices": choices})

    def usage_frame(self) -> bytes:
        """The frame that ends the stream, before `[DONE]`."""
        return sse.frame_of({**self._identity(), "choices": [], "usage": self._usage.total()})

    def _identity(self) -> Json:
        return {key: self._first[key] for key in ("id", "object", "created", "model") if key in self._first}


def numbered(answer: Json, index: int) -> list[Json]:
    """The choices of a part's answer with their index in the merged one."""
    choices = cast("list[Json]", answer.get("choices") or [])
    return [{**choice, "index": index} for choice in choices]


def _prompts(work: Work) -> list[msgspec.Raw] | None:
    """The prompts when there are several, or one in a list; None for a text or one list of token ids."""
    raw = work.body.get("prompt")
    if raw is None or not bytes(raw).lstrip().startswith(b"["):
        return None
    prompts = msgspec.json.decode(raw, type=list[msgspec.Raw])
    several = prompts and all(bytes(prompt).lstrip()[:1] in (b'"', b"[") for prompt in prompts)
    return prompts if several else None


def _seed(body: Body) -> int | None:
    raw = body.get("seed")
    if raw is None:
        return None
    try:
        seed = msgspec.json.decode(raw, type=int)
    except msgspec.ValidationError:
        return None  # the engine says what is wrong with it
    return seed if seed >= 0 else None


def _count(tokens: object) -> int:
    return tokens if isinstance(tokens, int) else 0
