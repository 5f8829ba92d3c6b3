"""How long requests took: exact quantiles of all of them, and a histogram for the plot.

Quantiles are by nearest rank, so each is a time that some request really took. Buckets grow by a factor of
2^(1/4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

_STEPS_PER_DOUBLING = 4


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """A summary, in microseconds. `histogram` pairs each bucket's upper edge with its count; empty ones are
    left out.
    """

    count: int
    mean_us: float
    p50_us: float
    p90_us: float
    p99_us: float
    max_us: float
    histogram: list[tuple[float, int]]


def summarise(samples_ns: Sequence[int]) -> Latencies:
    """The summary of latencies in nanoseconds; all zeros where there are none."""
    if not samples_ns:
        return Latencies(count=0, mean_us=0, p50_us=0, p90_us=0, p99_us=0, max_us=0, histogram=[])
    ordered = sorted(samples_ns)
    return Latencies(
        count=len(ordered),
        mean_us=round(sum(ordered) / len(ordered) / 1000, 1),
        p50_us=quantile(ordered, 0.5) / 1000,
        p90_us=quantile(ordered, 0.9) / 1000,
        p99_us=quantile(ordered, 0.99) / 1000,
        max_us=ordered[-1] / 1000,
        histogram=_histogram(ordered),
    )


def quantile(ordered: Sequence[float], q: float) -> float:
    """The smallest of the ascending values that at least the share `q` (0 to 1) of them does not exceed."""
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle; 0 where there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _histogram(ordered: Sequence[int]) -> list[tuple[float, int]]:
    counts: dict[int, int] = {}
    for sample_ns in ordered:
        bucket = math.ceil(_STEPS_PER_DOUBLING * math.log2(max(sample_ns, 1000) / 1000))
        counts[bucket] = counts.get(bucket, 0) + 1
    return [(round(2 ** (bucket / _STEPS_PER_DOUBLING), 3), count) for bucket, count in counts.items()]
