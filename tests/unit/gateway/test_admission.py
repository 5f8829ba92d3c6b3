"""Places: bounded, first come first served, never leaked, never shared between projects."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longslope.errors import Draining, RateLimited
from longslope.gateway.admission import Admission
from longslope.store.projects import Project
from tests.integration.store import samples

NEVER_MS = 3_600_000


def project(places: int = 1, line: int = 8, deadline_ms: int = NEVER_MS) -> Project:
    return samples.project(max_concurrency=places, max_queue=line, queue_deadline_ms=deadline_ms)


async def turns() -> None:
    """Lets everything that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_places_up_to_the_limit_are_taken_at_once() -> None:
    admission, own = Admission(), project(places=3)
    for _ in range(3):
        await admission.enter(own)
    fourth = asyncio.ensure_future(admission.enter(own))
    await turns()
    assert not fourth.done()
    assert (admission.reading()[own.id].running, admission.reading()[own.id].waiting) == (3, 1)
    admission.leave(own)
    await fourth
    assert (admission.reading()[own.id].running, admission.reading()[own.id].waiting) == (3, 0)
    assert admission.running == 3


async def test_the_line_is_served_in_order_of_arrival() -> None:
    admission, own = Admission(), project()
    await admission.enter(own)
    served: list[int] = []

    async def one(number: int) -> None:
        await admission.enter(own)
        served.append(number)
        admission.leave(own)

    waiting = [asyncio.ensure_future(one(number)) for number in range(5)]
    await turns()
    admission.leave(own)
    await asyncio.gather(*waiting)
    assert served == [0, 1, 2, 3, 4]
    assert admission.running == 0


async def test_a_newcomer_does_not_pass_those_who_wait() -> None:
    admission, own = Admission(), project()
    await admission.enter(own)
    first = asyncio.ensure_future(admission.enter(own))
    await turns()
    admission.leave(own)  # the place is promised to the first, who has not run yet
    second = asyncio.ensure_future(admission.enter(own))
    await turns()
    assert (first.done(), second.done()) == (True, False)
    second.cancel()


async def test_a_full_line_refuses_with_both_limits() -> None:
    admission, own = Admission(), project(places=1, line=2)
    await admission.enter(own)
    waiting = [asyncio.ensure_future(admission.enter(own)) for _ in range(2)]
    await turns()
    with pytest.raises(RateLimited, match=r"1 requests running and 2 waiting.*\(1 and 2\)") as refused:
        await admission.enter(own)
    assert refused.value.retry_after_s == 1
    for each in waiting:
        each.cancel()


async def test_without_a_line_a_second_request_is_refused_at_once() -> None:
    admission, own = Admission(), project(line=0)
    await admission.enter(own)
    with pytest.raises(RateLimited):
        await admission.enter(own)
    admission.leave(own)
    await admission.enter(own)


async def test_the_deadline_ends_a_wait_and_leaves_no_trace() -> None:
    admission, own = Admission(), project(deadline_ms=5)
    await admission.enter(own)
    with pytest.raises(RateLimited, match=r"taken for 0.005 s"):
        await admission.enter(own)
    assert admission.reading()[own.id].waiting == 0
    admission.leave(own)
    assert admission.running == 0
    await admission.enter(own)


async def test_a_project_does_not_wait_for_another() -> None:
    admission = Admission()
    crowded, other = project(), project()
    await admission.enter(crowded)
    await admission.enter(other)
    assert admission.running == 2


async def test_a_wait_that_is_cancelled_takes_no_place() -> None:
    admission, own = Admission(), project()
    await admission.enter(own)
    waiting = asyncio.ensure_future(admission.enter(own))
    await turns()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert admission.reading()[own.id].waiting == 0
    admission.leave(own)
    assert admission.running == 0
    await admission.enter(own)


async def test_a_wait_cancelled_just_when_its_turn_came_passes_the_place_on() -> None:
    admission, own = Admission(), project()
    await admission.enter(own)
    first, second = [asyncio.ensure_future(admission.enter(own)) for _ in range(2)]
    await turns()
    admission.leave(own)
    first.cancel()  # its place is already promised
    await second
    assert first.cancelled()
    assert admission.reading()[own.id].running == 1
    admission.leave(own)
    assert admission.running == 0


async def test_a_raised_limit_lets_the_whole_line_in() -> None:
    admission, own = Admission(), project()
    await admission.enter(own)
    waiting = [asyncio.ensure_future(admission.enter(own)) for _ in range(3)]
    await turns()
    raised = samples.project(id=own.id, max_concurrency=4, max_queue=8, queue_deadline_ms=NEVER_MS)
    admission.leave(raised)
    await asyncio.gather(*waiting)
    assert admission.running == 3


async def test_draining_refuses_newcomers_and_those_who_wait_and_lets_the_others_end() -> None:
    admission, own = Admission(), project()
    await admission.enter(own)
    waiting = asyncio.ensure_future(admission.enter(own))
    await turns()
    draining = asyncio.ensure_future(admission.drain(60))
    with pytest.raises(Draining):
        await waiting
    with pytest.raises(Draining) as refused:
        await admission.enter(project())
    assert refused.value.retry_after_s
    assert not draining.done()
    admission.leave(own)
    assert await draining is True


async def test_draining_gives_up_after_a_while() -> None:
    admission, own = Admission(), project()
    await admission.enter(own)
    assert await admission.drain(0.001) is False
    admission.leave(own)
    assert await admission.drain(60) is True


async def test_draining_an_idle_platform_takes_no_time() -> None:
    assert await Admission().drain(60) is True


@given(
    places=st.integers(1, 3),
    line=st.integers(0, 4),
    steps=st.lists(st.tuples(st.sampled_from(["come", "leave", "cancel"]), st.integers(0, 30)), max_size=60),
)
async def test_no_place_is_lost_or_given_twice(places: int, line: int, steps: list[tuple[str, int]]) -> None:
    admission, own = Admission(), project(places, line)
    asking: list[asyncio.Future[None]] = []
    inside = 0
    for act, pick in steps:
        if act == "come":
            asking.append(asyncio.ensure_future(admission.enter(own)))
        elif act == "leave" and inside:
            admission.leave(own)
            inside -= 1
        elif act == "cancel" and asking:
            asking[pick % len(asking)].cancel()
        if pick % 2:  # now and then several things happen before anyone runs
            await turns()
        for each in [each for each in asking if each.done()]:
            asking.remove(each)
            inside += not each.cancelled() and each.exception() is None
        assert inside <= places
    await turns()
    inside += sum(each.done() and not each.cancelled() and each.exception() is None for each in asking)
    waiting = [each for each in asking if not each.done()]
    assert admission.running == inside <= places
    assert len(waiting) <= line
    assert not waiting or inside == places, "somebody waits although there is room"
    for each in waiting:
        each.cancel()
    await turns()
    for _ in range(inside):
        admission.leave(own)
    assert admission.running == 0
    for _ in range(places):
        await admission.enter(own)
