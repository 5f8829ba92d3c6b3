"""Time that never goes back, whatever is done to the machine's clock; and ids that sort by age."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longslope.clock import Clock, new_id

NOON_MS = 1_795_000_000_000
MS = 1_000_000


@dataclass
class Times:
    """The system's two clocks, in nanoseconds: the wall's can be set, the monotonic one only runs."""

    wall_ns: int = NOON_MS * MS
    mono_ns: int = 5_000 * MS

    def time_ns(self) -> int:
        return self.wall_ns

    def monotonic_ns(self) -> int:
        return self.mono_ns

    def pass_ms(self, ms: int) -> None:
        self.wall_ns += ms * MS
        self.mono_ns += ms * MS

    def set_ms(self, by: int) -> None:
        self.wall_ns += by * MS


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    times = Times()
    monkeypatch.setattr("longslope.clock.time", times)
    return times


def test_it_tells_the_wall_time(times: Times) -> None:
    clock = Clock()
    assert clock.now_ms() == NOON_MS
    times.pass_ms(1234)
    assert clock.now_ms() == NOON_MS + 1234


def test_a_clock_set_back_changes_nothing(times: Times) -> None:
    clock = Clock()
    times.pass_ms(10)
    before = clock.now_ms()
    times.set_ms(-3_600_000)
    assert clock.now_ms() == before
    times.pass_ms(250)
    assert clock.now_ms() == before + 250


def test_a_clock_set_forward_is_followed(times: Times) -> None:
    clock = Clock()
    times.set_ms(3_600_000)
    assert clock.now_ms() == NOON_MS + 3_600_000
    times.pass_ms(5)
    assert clock.now_ms() == NOON_MS + 3_600_005


def test_a_machine_that_slept_is_followed(times: Times) -> None:
    clock = Clock()
    times.wall_ns += 8 * 3_600_000 * MS  # the monotonic clock stood still
    assert clock.now_ms() == NOON_MS + 8 * 3_600_000


def test_a_clock_that_is_trimmed_is_not_jumped_after(times: Times) -> None:
    clock = Clock()
    times.set_ms(300)
    assert clock.now_ms() == NOON_MS


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("pass"), st.integers(0, 10_000)),
            st.tuples(st.just("set"), st.integers(-10_000_000, 10_000_000)),
        )
    )
)
def test_it_never_goes_back_and_measures_what_passed(steps: list[tuple[str, int]]) -> None:
    times = Times()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("longslope.clock.time", times)
        clock = Clock()
        last = clock.now_ms()
        for act, ms in steps:
            if act == "pass":
                times.pass_ms(ms)
            else:
                times.set_ms(ms)
            now = clock.now_ms()
            assert now >= last + (ms if act == "pass" else 0)
            last = now


def test_ids_have_a_prefix_and_23_letters_that_none_mistakes() -> None:
    for _ in range(100):
        assert re.fullmatch(r"req-[0-9a-hjkmnp-tv-z]{23}", new_id("req"))


def test_ids_are_unique_and_sort_by_age(times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longslope.clock.clock", Clock())
    ids: list[str] = []
    for _ in range(500):
        ids.append(new_id("x"))
        times.pass_ms(1)
    assert ids == sorted(ids)
    times.set_ms(-10_000_000)
    ids.append(new_id("x"))
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert len({new_id("x") for _ in range(10_000)}) == 10_000


def test_an_id_tells_its_time(times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longslope.clock.clock", Clock())
    place: Callable[[str], int] = "0123456789abcdefghjkmnpqrstvwxyz".index
    told = 0
    for letter in new_id("x").removeprefix("x-")[:9]:
        told = told * 32 + place(letter)
    assert told == NOON_MS
