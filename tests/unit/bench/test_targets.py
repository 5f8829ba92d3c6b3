"""From measurements to figures, and from figures to verdicts."""

from __future__ import annotations

import msgspec
import pytest

from longslope.bench.gateway import PARTS, choose_parts
from longslope.bench.latency import compare_ways
from longslope.bench.memory import summarise_memory
from longslope.bench.targets import (
    Verdict,
    at_least,
    at_most,
    judge_imports,
    judge_latency,
    judge_memory,
    judge_readiness,
    judge_streaming,
    judge_throughput,
)
from longslope.bench.throughput import DIRECT, LITELLM, LONGSLOPE, ratios
from longslope.errors import InvalidRequest
from tests.unit.bench import reports
from tests.unit.bench.reports import MS, rate, throughput


def told(verdicts: list[Verdict]) -> dict[str, tuple[float | None, bool]]:
    return {verdict.name: (verdict.value, verdict.met) for verdict in verdicts}


@pytest.mark.parametrize(
    ("value", "least", "most"), [(2.9, False, True), (3.0, True, True), (3.1, True, False)]
)
def test_a_target_includes_its_bound(value: float, least: bool, most: bool) -> None:
    assert at_least("x", value, 3, "").met is least
    assert at_most("x", value, 3, "").met is most


def test_what_was_not_measured_is_not_met() -> None:
    assert not at_least("x", None, 3, "").met
    assert not at_most("x", None, 3, "").met


def test_ratios_pair_the_rounds_of_one_time() -> None:
    ours, theirs = rate(LONGSLOPE, 16, 2_000, 1_000, 3_000), rate(LITELLM, 16, 100, 50, 100)
    assert ratios([ours, theirs], LITELLM) == {16: 20.0}  # a slow moment of the machine falls on both
    assert ratios([ours], LITELLM) == {}


def test_throughput_is_judged_by_its_median_and_the_slowest_direct_rate() -> None:
    verdicts = told(judge_throughput(reports.THROUGHPUT))
    assert verdicts["requests per second, 16 connections"] == (2_600, True)
    assert verdicts["ratio to LiteLLM 1.0, 16 connections"] == (24.0, True)
    assert verdicts["the load generator itself"] == (31_000, True)


def test_without_a_rival_the_reason_is_kept() -> None:
    measured = throughput(rate(LONGSLOPE, 16, 2_600), rate(DIRECT, 16, 9_000), missing="no network\nat all")
    ratio = next(verdict for verdict in judge_throughput(measured) if "LiteLLM" in verdict.name)
    assert (ratio.value, ratio.met, ratio.note) == (None, False, "no network\nat all")
    assert told(judge_throughput(measured))["the load generator itself"] == (9_000, False)


def test_added_latency_is_the_difference_of_quantiles() -> None:
    verdicts = told(judge_latency(reports.LATENCY))
    assert verdicts["added latency p50, 16 connections"] == (0.8, True)
    assert verdicts["added latency p99, 16 connections"] == (7.0, False)
    assert compare_ways([51 * MS], [50 * MS], {}).added_p50_ms == -1.0  # noise is not hidden


def test_memory_compares_the_last_tenth_with_the_first() -> None:
    assert (reports.MEMORY.first_mib, reports.MEMORY.last_mib, reports.MEMORY.peak_mib) == (100, 102, 104)
    verdicts = told(judge_memory(reports.MEMORY))
    assert verdicts["gateway memory, growth over 200,000 requests"] == (2.0, True)
    assert verdicts["gateway memory, peak over 200,000 requests"] == (109.1, True)  # MB, not MiB
    growing = judge_memory(summarise_memory([100.0, 150.0, 199.0], 10, 1.0, {}))
    assert [verdict.met for verdict in growing] == [False, False]


def test_streaming_compares_the_best_rounds() -> None:
    assert (reports.STREAMING.ratio_of_best, reports.STREAMING.ratio_of_medians) == (0.98, 1.0158)
    assert [verdict.met for verdict in judge_streaming(reports.STREAMING)] == [True]


def test_readiness_tells_of_a_line_that_came_too_early() -> None:
    assert [verdict.met for verdict in judge_readiness(reports.READINESS)] == [True]
    early = msgspec.structs.replace(reports.READINESS, ready_at_line=False)
    assert "not ready at the line" in judge_readiness(early)[0].note


def test_torch_is_told_where_it_comes_from() -> None:
    assert all(verdict.met for verdict in judge_imports(reports.IMPORTS))
    heavy = [msgspec.structs.replace(cost, torch=cost.module == "longslope.app") for cost in reports.IMPORTS]
    verdict = judge_imports(heavy)[1]
    assert (verdict.value, verdict.met, verdict.note) == (1, False, "longslope.app")


def test_parts_are_chosen_by_name_and_measured_in_order() -> None:
    assert choose_parts(None) == list(PARTS)
    assert choose_parts(" memory, imports") == ["imports", "memory"]
    with pytest.raises(InvalidRequest, match='no part "latancy"\\. Did you mean "latency"'):
        choose_parts("latancy")
