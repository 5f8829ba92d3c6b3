"""The breaker opens when a server keeps failing, and only then."""

from __future__ import annotations

import asyncio

import pytest

from longslope.engines.breaker import Breaker, BreakerState
from longslope.errors import EngineFault, EngineTimeout, EngineUnavailable, InvalidRequest, RateLimited


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def call(breaker: Breaker, failure: BaseException | None = None) -> None:
    with breaker.watch():
        if failure:
            raise failure


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(EngineUnavailable):
            call(breaker, EngineUnavailable("gone"))


def opened(hands: Hands) -> Breaker:
    breaker = Breaker("big@1#0", failures=3, open_s=10.0, now=hands)
    fail(breaker, 3)
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    breaker = opened(Hands())
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(EngineUnavailable, match="big@1#0 failed 3 times in a row") as refused:
        call(breaker)
    assert refused.value.retry_after_s == 10.0


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker("big@1#0", failures=3, open_s=10.0, now=Hands())
    fail(breaker, 2)
    call(breaker)
    fail(breaker, 2)
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize("failure", [EngineTimeout("slow"), EngineFault("garbage")])
def test_slowness_and_garbage_are_failures_too(failure: Exception) -> None:
    breaker = Breaker("big@1#0", failures=1, open_s=10.0, now=Hands())
    with pytest.raises(type(failure)):
        call(breaker, failure)
    assert breaker.state is BreakerState.OPEN


@pytest.mark.parametrize("failure", [InvalidRequest("no"), RateLimited("later"), asyncio.CancelledError()])
def test_what_is_no_failure_of_the_server_opens_nothing(failure: BaseException) -> None:
    breaker = Breaker("big@1#0", failures=1, open_s=10.0, now=Hands())
    with pytest.raises(type(failure)):
        call(breaker, failure)
    assert breaker.state is BreakerState.CLOSED


def test_one_call_tries_after_a_while_and_closes_it() -> None:
    hands = Hands()
    breaker = opened(hands)
    hands.at += 10.0
    assert breaker.state is BreakerState.HALF_OPEN
    with breaker.watch(), pytest.raises(EngineUnavailable):  # a second one must wait for the first
        call(breaker)
    assert breaker.state is BreakerState.CLOSED


def test_a_failed_try_opens_it_again() -> None:
    hands = Hands()
    breaker = opened(hands)
    hands.at += 10.0
    fail(breaker, 1)
    assert breaker.state is BreakerState.OPEN


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), RateLimited("later")])
def test_a_try_that_says_nothing_leaves_room_for_another(failure: BaseException) -> None:
    hands = Hands()
    breaker = opened(hands)
    hands.at += 10.0
    with pytest.raises(type(failure)):
        call(breaker, failure)
    call(breaker)
    assert breaker.state is BreakerState.CLOSED
