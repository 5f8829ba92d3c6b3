"""Quantiles are times that some request really took, and no request is lost from the histogram."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longslope.bench.latencies import median, quantile, summarise

SAMPLES = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=200)


@pytest.mark.parametrize(
    ("q", "expected"), [(0.0, 1), (0.5, 50), (0.9, 90), (0.99, 99), (0.991, 100), (1, 100)]
)
def test_quantile_is_by_nearest_rank(q: float, expected: int) -> None:
    assert quantile(range(1, 101), q) == expected


@given(SAMPLES, st.floats(0, 1))
def test_a_quantile_is_exceeded_by_no_more_than_its_rest(samples: list[int], q: float) -> None:
    found = quantile(sorted(samples), q)
    assert found in samples
    assert sum(sample <= found for sample in samples) >= q * len(samples)


@pytest.mark.parametrize(("values", "expected"), [([], 0), ([3], 3), ([9, 1, 5], 5), ([4, 1, 2, 3], 2.5)])
def test_median(values: list[float], expected: float) -> None:
    assert median(values) == expected


@given(SAMPLES)
def test_the_histogram_holds_every_sample_below_its_edge(samples: list[int]) -> None:
    summary = summarise(samples)
    assert sum(count for _, count in summary.histogram) == summary.count == len(samples)
    edges = [edge for edge, _ in summary.histogram]
    assert edges == sorted(set(edges))
    for edge, _ in summary.histogram:
        below = sum(count for other, count in summary.histogram if other <= edge)
        assert sum(sample / 1000 <= edge * 1.001 for sample in samples) >= below  # edges are rounded


def test_a_summary_is_in_microseconds() -> None:
    summary = summarise([1_000_000, 2_000_000, 3_000_000])
    assert (summary.mean_us, summary.p50_us, summary.p99_us, summary.max_us) == (2000, 2000, 3000, 3000)


def test_no_samples_make_an_empty_summary() -> None:
    assert summarise([]).count == 0
