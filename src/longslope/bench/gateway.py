"""`longslope bench gateway`: every figure that the gateway's speed is promised in, from one run.

Each part is measured in turn and alone. A part that cannot be measured here leaves its reason and does not
stop the others.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec
import structlog

from longslope.bench.imports import ImportCost, measure_imports
from longslope.bench.latency import AddedLatency, measure_latency
from longslope.bench.machine import Machine, describe_machine
from longslope.bench.memory import Memory, measure_memory
from longslope.bench.placement import Placement, choose_cores, pinned
from longslope.bench.readiness import Readiness, measure_readiness
from longslope.bench.streaming import Streaming, measure_streaming
from longslope.bench.targets import (
    Verdict,
    judge_imports,
    judge_latency,
    judge_memory,
    judge_readiness,
    judge_streaming,
    judge_throughput,
)
from longslope.bench.throughput import Throughput, measure_throughput
from longslope.bench.workshop import Workshop
from longslope.errors import BenchmarkError, InvalidRequest, nearest

log = structlog.get_logger(__name__)
Part = Literal["imports", "readiness", "throughput", "latency", "memory", "streaming"]
PARTS: tuple[Part, ...] = get_args(Part)


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured. Times in seconds."""

    throughput_rounds: int = 5
    throughput_s: float = 4.0
    latency_blocks: int = 8
    latency_requests: int = 1_600
    stream_rounds: int = 6
    stream_tokens: int = 128
    starts: int = 3
    import_starts: int = 5
    memory_requests: int = 200_000


FULL = Effort()
QUICK = Effort(
    throughput_rounds=2,
    throughput_s=1.0,
    latency_blocks=2,
    latency_requests=480,
    stream_rounds=2,
    stream_tokens=32,
    starts=1,
    import_starts=3,
    memory_requests=5_000,
)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run's result. Parts that were not asked for are absent; `missing` says why a part could not be
    measured.
    """

    benchmark: str = "gateway"
    date: str
    machine: Machine
    effort: Effort
    targets: list[Verdict]
    imports: list[ImportCost] = []
    readiness: Readiness | None = None
    throughput: Throughput | None = None
    latency: AddedLatency | None = None
    memory: Memory | None = None
    streaming: Streaming | None = None
    missing: dict[str, str] = {}


def choose_parts(text: str | None) -> list[Part]:
    """The parts that `text` names with commas between; all of them for None. Raises InvalidRequest."""
    if text is None:
        return list(PARTS)
    asked = {word.strip() for word in text.split(",")}
    for word in sorted(asked - set(PARTS)):
        raise InvalidRequest(
            f'The benchmark has no part "{word}".{nearest(word, PARTS)} Parts are {", ".join(PARTS)}.',
            param="only",
        )
    return [part for part in PARTS if part in asked]


class _Step(NamedTuple):
    """A part: how to measure it, on which core this process is meanwhile (None: on all), how to judge it."""

    measure: Callable[[], Awaitable[Any]]
    core: int | None
    judge: Callable[[Any], list[Verdict]]


async def measure_gateway(
    workshop: Workshop, effort: Effort, parts: Sequence[Part], *, with_rival: bool
) -> Report:
    """Measures `parts`. Needs Linux, for pinning and for /proc; raises BenchmarkError elsewhere."""
    if not hasattr(os, "sched_setaffinity"):
        raise BenchmarkError("`longslope bench gateway` pins processes to cores, which needs Linux.")
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    machine = describe_machine()
    targets: list[Verdict] = []
    measured: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, step in _steps(workshop, effort, choose_cores(), with_rival).items():
        if name not in parts:
            continue
        log.info("bench_part_begins", part=name)
        try:
            with pinned(step.core):
                measured[name] = await step.measure()
        except (BenchmarkError, OSError) as error:
            log.warning("bench_part_failed", part=name, reason=str(error))
            missing[name] = str(error)
        else:
            targets += step.judge(measured[name])
    return Report(date=date, machine=machine, effort=effort, targets=targets, missing=missing, **measured)


def _steps(workshop: Workshop, effort: Effort, placement: Placement, with_rival: bool) -> dict[Part, _Step]:
    return {
        "imports": _Step(lambda: measure_imports(starts=effort.import_starts), None, judge_imports),
        "readiness": _Step(lambda: measure_readiness(workshop, starts=effort.starts), None, judge_readiness),
        "throughput": _Step(
            lambda: measure_throughput(
                workshop,
                placement,
                rounds=effort.throughput_rounds,
                seconds=effort.throughput_s,
                with_rival=with_rival,
            ),
            placement.load,
            judge_throughput,
        ),
        "latency": _Step(
            lambda: measure_latency(
                workshop, placement, blocks=effort.latency_blocks, requests=effort.latency_requests
            ),
            placement.load,
            judge_latency,
        ),
        "memory": _Step(
            lambda: measure_memory(workshop, placement, requests=effort.memory_requests),
            placement.load,
            judge_memory,
        ),
        "streaming": _Step(
            lambda: measure_streaming(workshop, rounds=effort.stream_rounds, tokens=effort.stream_tokens),
            None,
            judge_streaming,
        ),
    }


def encode(report: Report) -> bytes:
    """The report as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
