"""What the project promised of its speed, and whether a run kept it. A missed number is a figure, not an
error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from longslope.bench.imports import ImportCost
from longslope.bench.latency import AddedLatency
from longslope.bench.memory import Memory
from longslope.bench.readiness import Readiness
from longslope.bench.streaming import Streaming
from longslope.bench.throughput import DIRECT, LONGSLOPE, Throughput


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A target and what was measured. `value` is None where it was not, with the reason in `note`."""

    name: str
    value: float | None
    sense: Literal["at least", "at most"]
    wanted: float
    unit: str
    met: bool
    note: str = ""


def at_least(name: str, value: float | None, wanted: float, unit: str, note: str = "") -> Verdict:
    """A target that is met from `wanted` up."""
    met = value is not None and value >= wanted
    return Verdict(name=name, value=value, sense="at least", wanted=wanted, unit=unit, met=met, note=note)


def at_most(name: str, value: float | None, wanted: float, unit: str, note: str = "") -> Verdict:
    """A target that is met up to `wanted`."""
    met = value is not None and value <= wanted
    return Verdict(name=name, value=value, sense="at most", wanted=wanted, unit=unit, met=met, note=note)


def judge_throughput(measured: Throughput) -> list[Verdict]:
    """2,500 requests a second on one core, 20 times LiteLLM's proxy, and a load generator that is quick
    enough.
    """
    verdicts: list[Verdict] = []
    for ours in (rate for rate in measured.rates if rate.contestant == LONGSLOPE):
        connections = ours.connections
        name = f"requests per second, {connections} connections"
        failed = sum(sum(turn.failures.values()) for turn in ours.rounds)
        note = f"{failed} requests failed" if failed else ""
        verdicts.append(at_least(name, ours.median_per_second, 2_500, "requests/s", note))
        ratio = measured.ratio_to_rival.get(connections)
        rival = f"LiteLLM {measured.rival_version}"
        verdicts.append(
            at_least(
                f"ratio to {rival}, {connections} connections", ratio, 20, "×", measured.rival_missing or ""
            )
        )
    direct = [rate.median_per_second for rate in measured.rates if rate.contestant == DIRECT]
    verdicts.append(at_least("the load generator itself", min(direct), 15_000, "requests/s"))
    return verdicts


def judge_latency(measured: AddedLatency) -> list[Verdict]:
    """1 ms at the median and 5 ms at the 99th percentile."""
    where = f"{measured.connections} connections"
    return [
        at_most(f"added latency p50, {where}", measured.added_p50_ms, 1, "ms"),
        at_most(f"added latency p99, {where}", measured.added_p99_ms, 5, "ms"),
    ]


def judge_streaming(measured: Streaming) -> list[Verdict]:
    """97 % of the bare engine's tokens a second."""
    name = f"streaming against the bare engine, {measured.clients} clients"
    return [at_least(name, measured.ratio_of_best, 0.97, "×", f"medians {measured.ratio_of_medians:.3f}")]


def judge_readiness(measured: Readiness) -> list[Verdict]:
    """3 seconds to the ready line."""
    note = f"first start {measured.first_s:.2f} s"
    if not measured.ready_at_line:
        note += "; its port or an engine was not ready at the line"
    return [at_most(f"ready with {measured.models}", measured.best_s, 3, "s", note)]


def judge_memory(measured: Memory) -> list[Verdict]:
    """Under 200 MB, and flat: grown by no more than 5 %."""
    over = f"over {measured.requests:,} requests"
    return [
        at_most(f"gateway memory, peak {over}", round(measured.peak_mib * 1.048576, 1), 200, "MB"),
        at_most(f"gateway memory, growth {over}", round(measured.growth * 100, 2), 5, "%"),
    ]


def judge_imports(measured: Sequence[ImportCost]) -> list[Verdict]:
    """150 ms for the package, and no torch in it or in the server."""
    with_torch = [cost.module for cost in measured if cost.torch]
    package = next(cost for cost in measured if cost.module == "longslope")
    return [
        at_most("import longslope", package.best_ms, 150, "ms"),
        at_most("modules that import torch", len(with_torch), 0, "", ", ".join(with_torch)),
    ]
