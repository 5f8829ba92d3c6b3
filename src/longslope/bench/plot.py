"""A report as one picture: an SVG written by hand, as four rows of bars need no plotting library.

Colours work on light and dark pages alike; every bar bears its figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import msgspec

from longslope.bench.gateway import Report
from longslope.bench.throughput import DIRECT, LONGSLOPE

_WIDTH, _LABELS, _BARS = 760, 250, 380
_ROW, _GAP = 24, 44
_OURS, _OTHERS, _WANTED, _TEXT = "#2f7de1", "#9aa5b1", "#d1495b", "#707a86"


class Bar(msgspec.Struct, frozen=True):
    """A labelled length. `shown` is its figure in words."""

    label: str
    value: float
    shown: str
    ours: bool = True


class Chart(msgspec.Struct, frozen=True):
    """Bars on one scale, with the value that was promised."""

    title: str
    bars: Sequence[Bar]
    wanted: float | None = None


def draw(report: Report) -> str:
    """The picture's SVG."""
    charts = list(_charts(report))
    lines: list[str] = []
    y = 40
    for chart in charts:
        lines += _draw_chart(chart, y)
        y += len(chart.bars) * _ROW + _GAP
    machine = report.machine
    title = f"longslope bench gateway, {report.date[:10]}, {machine.processor}, {machine.cores} cores"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" font-family="sans-serif" '
            f'font-size="13" fill="{_TEXT}">',
            f'<text x="12" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
            *lines,
            "</svg>\n",
        ]
    )


def _draw_chart(chart: Chart, y: int) -> Iterator[str]:
    longest = max([bar.value for bar in chart.bars] + [chart.wanted or 0.0]) or 1.0
    yield f'<text x="12" y="{y + 14}" font-weight="bold">{escape(chart.title)}</text>'
    top = y + 22
    for number, bar in enumerate(chart.bars):
        place = top + number * _ROW
        length = max(1.0, max(bar.value, 0.0) / longest * _BARS)
        colour = _OURS if bar.ours else _OTHERS
        yield f'<text x="{_LABELS - 8}" y="{place + 14}" text-anchor="end">{escape(bar.label)}</text>'
        yield f'<rect x="{_LABELS}" y="{place + 2}" width="{length:.1f}" height="16" rx="2" fill="{colour}"/>'
        yield f'<text x="{_LABELS + length + 6:.1f}" y="{place + 14}">{escape(bar.shown)}</text>'
    if chart.wanted is not None:
        x = _LABELS + chart.wanted / longest * _BARS
        bottom = top + len(chart.bars) * _ROW
        yield (
            f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{_WANTED}" '
            f'stroke-dasharray="3 3"><title>promised: {chart.wanted:g}</title></line>'
        )


def _charts(report: Report) -> Iterator[Chart]:
    if (throughput := report.throughput) is not None:
        bars = [
            Bar(
                f"{rate.contestant}, {rate.connections} connections",
                rate.median_per_second,
                f"{rate.median_per_second:,.0f}",
                rate.contestant == LONGSLOPE,
            )
            for rate in throughput.rates
            if rate.contestant != DIRECT  # it checks the load generator; beside it, all others are small
        ]
        yield Chart("Requests a second on one core", bars, 2_500)
    if (latency := report.latency) is not None:
        yield Chart(
            f"Added latency, {latency.connections} connections, ms",
            [
                Bar("p50 (promised 1)", latency.added_p50_ms, f"{latency.added_p50_ms:.2f}"),
                Bar("p99 (promised 5)", latency.added_p99_ms, f"{latency.added_p99_ms:.2f}"),
            ],
        )
    if (streaming := report.streaming) is not None:
        rates = {"bare engine": streaming.direct, "through the gateway": streaming.gateway}
        bars = [
            Bar(name, best, f"{best:.1f}", name != "bare engine")
            for name, rounds in rates.items()
            for best in [max(turn.tokens_per_second for turn in rounds)]
        ]
        yield Chart(f"Tokens a second, {streaming.model}, {streaming.clients} clients, best round", bars)
    if (memory := report.memory) is not None:
        sizes = {"first": memory.first_mib, "last": memory.last_mib, "peak": memory.peak_mib}
        bars = [Bar(name, mib, f"{mib:.0f}") for name, mib in sizes.items()]
        yield Chart(f"Gateway memory over {memory.requests:,} requests, MiB", bars)
