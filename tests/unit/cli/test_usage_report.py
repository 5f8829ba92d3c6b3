"""The report of usage: names for ids, totals by currency, exact money."""

from __future__ import annotations

from longslope.cli.usage_report import Report, report_lines, totals
from longslope.store.usage_totals import UsageGroup


def group(
    model: str, currency: str, requests: int, price: int, cost: int, first: int | None = None
) -> UsageGroup:
    return UsageGroup(
        model=model,
        currency=currency,
        requests=requests,
        errors=1,
        prompt_tokens=1_000,
        cached_tokens=10,
        completion_tokens=100,
        price_nano=price,
        cost_nano=cost,
        margin_nano=price - cost,
        first_mean_us=first,
    )


GROUPS = [
    group("lite", "CNY", 2, 1_500_000_000, 500_000_000, 12_400),
    group("mini", "CNY", 3, 1, 0),
    group("big", "USD", 1, 2_000_000_000, 3_000_000_000),
]


def test_money_of_different_currencies_is_never_added() -> None:
    cny, usd = totals(GROUPS)
    assert (cny.currency, cny.requests, cny.price_nano, cny.margin_nano) == (
        "CNY",
        5,
        1_500_000_001,
        1_000_000_001,
    )
    assert (usd.currency, usd.requests, usd.price_nano, usd.margin_nano) == (
        "USD",
        1,
        2_000_000_000,
        -1_000_000_000,
    )
    assert cny.prompt_tokens == 2_000


def test_the_table_ends_in_totals_that_are_exact() -> None:
    lines = report_lines(Report(group_by=("model",), groups=GROUPS, totals=totals(GROUPS)), {})
    cells = [line.split() for line in lines]
    assert cells[0] == [
        "model",
        "requests",
        "errors",
        "input",
        "cached",
        "output",
        "price",
        "cost",
        "margin",
        "first",
        "token",
    ]
    assert cells[1] == [
        "lite",
        "2",
        "1",
        "1,000",
        "10",
        "100",
        "1.5",
        "CNY",
        "0.5",
        "CNY",
        "1",
        "CNY",
        "12",
        "ms",
    ]
    assert cells[4][:2] == ["total", "5"]
    assert "1.500000001" in cells[4]
    assert cells[5][0] == "total"
    assert "-1" in cells[5]


def test_ids_are_shown_by_their_names() -> None:
    one = UsageGroup(
        project="proj-1", key="key-1", currency="CNY", requests=1, errors=0, prompt_tokens=0, cached_tokens=0,
        completion_tokens=0, price_nano=0, cost_nano=0, margin_nano=0, first_mean_us=None,
    )  # fmt: skip
    report = Report(group_by=("project", "key"), groups=[one], totals=totals([one]))
    lines = report_lines(report, {"project": {"proj-1": "shop"}, "key": {}})
    assert lines[1].split()[:2] == ["shop", "key-1"]


def test_nothing_is_said_plainly() -> None:
    assert report_lines(Report(group_by=("day",), groups=[], totals=[]), {}) == ["No request in this span."]
