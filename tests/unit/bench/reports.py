"""A report with round figures, for what is told from reports."""

from __future__ import annotations

from longslope.bench.gateway import QUICK, Report
from longslope.bench.imports import ImportCost
from longslope.bench.latencies import summarise
from longslope.bench.latency import compare_ways
from longslope.bench.machine import describe_machine
from longslope.bench.memory import summarise_memory
from longslope.bench.placement import Placement
from longslope.bench.readiness import Readiness
from longslope.bench.streaming import compare_rounds
from longslope.bench.streams import StreamRound
from longslope.bench.targets import (
    judge_imports,
    judge_latency,
    judge_memory,
    judge_readiness,
    judge_streaming,
    judge_throughput,
)
from longslope.bench.throughput import DIRECT, LITELLM, LONGSLOPE, Rate, Round, Throughput, ratios

MS = 1_000_000
IMPORTS = [
    ImportCost(module="longslope", best_ms=20.0, torch=False),
    ImportCost(module="longslope.app", best_ms=700.0, torch=False),
]
READINESS = Readiness(models="mini,lite", first_s=3.5, later_s=[2.9, 2.5], best_s=2.5, ready_at_line=True)
LATENCY = compare_ways([50 * MS] * 100, [50 * MS + 800_000] * 98 + [57 * MS] * 2, {})
MEMORY = summarise_memory([100.0] * 10 + [104.0] * 80 + [102.0] * 10, 200_000, 2_800.0, {})


def turn(per_second: float) -> Round:
    """One second at a rate."""
    return Round(
        requests=int(per_second),
        seconds=1.0,
        requests_per_second=per_second,
        server_cpu=1.0,
        load_cpu=0.3,
        cpu_us=round(1e6 / per_second, 1),
        failures={},
    )


def rate(contestant: str, connections: int, *per_second: float) -> Rate:
    """Rounds of a contestant."""
    return Rate(
        contestant=contestant,
        connections=connections,
        median_per_second=sorted(per_second)[len(per_second) // 2],
        best_per_second=max(per_second),
        latencies=summarise([5 * MS]),
        rounds=[turn(figure) for figure in per_second],
    )


def throughput(*rates: Rate, missing: str | None = None) -> Throughput:
    """A measurement of these rates."""
    return Throughput(
        rates=list(rates),
        placement=Placement(server=0, load=1),
        server_cores={LONGSLOPE: [0]},
        rival_version="1.0",
        rival_missing=missing,
        ratio_to_rival=ratios(rates, LITELLM),
        ratio_to_relay={},
    )


THROUGHPUT = throughput(
    rate(LONGSLOPE, 16, 2_400, 2_600, 3_000),
    rate(LITELLM, 16, 100, 130, 120),
    rate(DIRECT, 16, 30_000, 31_000, 32_000),
)


def _stream(per_second: float) -> StreamRound:
    return StreamRound(tokens=1024, seconds=1024 / per_second, tokens_per_second=per_second, first_ms=90.0)


STREAMING = compare_rounds(
    [_stream(200.0), _stream(180.0)], [_stream(196.0), _stream(190.0)], clients=8, threads=2, tokens_each=128
)

REPORT = Report(
    date="2026-11-24T20:00:00+00:00",
    machine=describe_machine(),
    effort=QUICK,
    targets=[
        *judge_imports(IMPORTS),
        *judge_readiness(READINESS),
        *judge_throughput(THROUGHPUT),
        *judge_latency(LATENCY),
        *judge_memory(MEMORY),
        *judge_streaming(STREAMING),
    ],
    imports=IMPORTS,
    readiness=READINESS,
    throughput=THROUGHPUT,
    latency=LATENCY,
    memory=MEMORY,
    streaming=STREAMING,
    missing={"nothing": "of [this]"},
)
