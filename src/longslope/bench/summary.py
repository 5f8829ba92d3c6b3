"""A report for a person on a terminal: targets first, then what stands behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longslope.bench.gateway import Report
from longslope.bench.targets import Verdict
from longslope.bench.throughput import Throughput

if TYPE_CHECKING:
    from rich.console import Console


def show(report: Report, console: Console) -> None:
    """Prints the report."""
    from rich.table import Table

    machine = report.machine
    console.print(
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gib:g} GiB, {machine.python}, "
        f"load before {machine.load_before:g}, {report.date}"
    )
    table = Table("target", "measured", "wanted", "met", "", title="longslope bench gateway")
    for verdict in report.targets:
        table.add_row(*_row(verdict))
    console.print(table)
    if report.throughput is not None:
        console.print(_rates(report.throughput))
    for part, reason in report.missing.items():
        console.print(f"{part} could not be measured: {reason}", markup=False)


def _row(verdict: Verdict) -> tuple[str, str, str, str, str]:
    sign = "≥" if verdict.sense == "at least" else "≤"
    measured = "–" if verdict.value is None else f"{verdict.value:,.10g} {verdict.unit}"
    met = "[green]yes[/]" if verdict.met else "[red]no[/]"
    note = verdict.note.partition("\n")[0]
    return verdict.name, measured, f"{sign} {verdict.wanted:,g} {verdict.unit}", met, note


def _rates(throughput: Throughput) -> object:
    from rich.table import Table

    table = Table(
        "who", "connections", "requests/s", "best", "p50 ms", "p99 ms", "µs of core", "core used", "load core"
    )
    for rate in throughput.rates:
        rounds = len(rate.rounds)
        table.add_row(
            rate.contestant,
            str(rate.connections),
            f"{rate.median_per_second:,.0f}",
            f"{rate.best_per_second:,.0f}",
            f"{rate.latencies.p50_us / 1000:.2f}",
            f"{rate.latencies.p99_us / 1000:.2f}",
            f"{min(turn.cpu_us for turn in rate.rounds):,.0f}",
            f"{sum(turn.server_cpu for turn in rate.rounds) / rounds:.0%}",
            f"{sum(turn.load_cpu for turn in rate.rounds) / rounds:.0%}",
        )
    return table
