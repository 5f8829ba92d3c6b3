"""Days, moments and ages, as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from longslope.cli.moments import deadline, end_of, offset_minutes, shown, start_of
from longslope.clock import clock
from longslope.errors import InvalidRequest

DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def utc_ms(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type]


def test_a_day_begins_at_the_local_midnight_and_ends_with_it() -> None:
    assert start_of("2026-01-31", "--since") == utc_ms(2026, 1, 30, 16)
    assert end_of("2026-01-31", "--until") == utc_ms(2026, 1, 31, 16)


def test_a_moment_is_itself_at_both_ends() -> None:
    assert start_of("2026-01-31T14:00", "--since") == end_of("2026-01-31T14:00", "--until")
    assert start_of("2026-01-31T14:00", "--since") == utc_ms(2026, 1, 31, 6)
    assert start_of("2026-01-31T14:00+00:00", "--since") == utc_ms(2026, 1, 31, 14)


def test_today_and_yesterday_meet_at_midnight() -> None:
    assert end_of("yesterday", "--until") == start_of("today", "--since")
    assert start_of("today", "--since") - start_of("yesterday", "--since") == DAY_MS


@pytest.mark.parametrize(
    ("age", "ms"), [("30m", 1_800_000), ("12h", 43_200_000), ("7d", 7 * DAY_MS), ("4w", 28 * DAY_MS)]
)
def test_an_age_counts_back_from_now(age: str, ms: int) -> None:
    before = clock.now_ms()
    assert before - ms <= start_of(age, "--since") <= clock.now_ms() - ms


@pytest.mark.parametrize(
    "text", ["", "2026-13-01", "2026-02-30", "soon", "7x", "-1d", "999999w", "1" * 10_000]
)
def test_what_is_no_moment_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"--since is .*2026-01-31"):
        start_of(text, "--since")


def test_a_deadline_lies_ahead() -> None:
    before = clock.now_ms()
    assert before + 90 * DAY_MS <= deadline("90d", "--expires") <= clock.now_ms() + 90 * DAY_MS
    with pytest.raises(InvalidRequest, match="has passed"):
        deadline("2020-01-01", "--expires")
    with pytest.raises(InvalidRequest, match="time from now"):
        deadline("999999w", "--expires")


def test_moments_are_shown_in_local_time() -> None:
    assert shown(utc_ms(2026, 1, 31, 16, 5)) == "2026-02-01 00:05"
    assert shown(None) == "—"
    assert offset_minutes() == 480
