"""Slots go round fairly, return to who used them, and never hand a prefix to somebody else."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longslope.engines.slots import Lease, SlotPool


async def queued(pool: SlotPool, salt: str) -> asyncio.Task[Lease]:
    """A task that waits for a slot, in the queue already."""
    before = pool.waiting
    task = asyncio.create_task(pool.acquire(salt))
    await asyncio.sleep(0)  # one turn of the loop, in which it asks
    assert pool.waiting == before + 1
    return task


async def test_a_salt_finds_its_own_slot_again() -> None:
    pool = SlotPool(3)
    first = await pool.acquire("a")
    pool.release(first)
    other = await pool.acquire("b")
    assert other.slot != first.slot
    pool.release(other)
    assert await pool.acquire("a") == Lease(first.slot, reuse=True)


async def test_the_slot_of_another_salt_is_not_reused() -> None:
    pool = SlotPool(1)
    lease = await pool.acquire("a")
    assert not lease.reuse
    pool.release(lease)
    assert await pool.acquire("b") == Lease(lease.slot, reuse=False)


async def test_a_stranger_gets_the_slot_unused_for_longest() -> None:
    pool = SlotPool(2)
    old, new = await pool.acquire("old"), await pool.acquire("new")
    pool.release(old)
    pool.release(new)
    assert (await pool.acquire("stranger")).slot == old.slot


async def test_a_new_server_has_empty_caches() -> None:
    pool = SlotPool(1)
    pool.release(await pool.acquire("a"))
    pool.forget()
    assert not (await pool.acquire("a")).reuse


async def test_works_are_served_in_order_of_arrival() -> None:
    pool = SlotPool(1)
    lease = await pool.acquire("a")
    waiting = [await queued(pool, salt) for salt in "bcd"]
    for task in waiting:
        pool.release(lease)
        lease = await task
        assert [other.done() for other in waiting] == [True] * (waiting.index(task) + 1) + [False] * (
            len(waiting) - waiting.index(task) - 1
        )


async def test_a_cancelled_wait_gives_its_turn_to_the_next() -> None:
    pool = SlotPool(1)
    lease = await pool.acquire("a")
    gone, next_one = await queued(pool, "b"), await queued(pool, "c")
    gone.cancel()
    pool.release(lease)
    await next_one
    assert (pool.idle, pool.waiting) == (0, 0)


async def test_a_wait_cancelled_just_when_granted_loses_no_slot() -> None:
    pool = SlotPool(1)
    lease = await pool.acquire("a")
    gone = await queued(pool, "b")
    pool.release(lease)  # grants to `gone`, which has not run since
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert (pool.idle, pool.waiting) == (1, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40), st.integers(1, 4))
def test_no_slot_is_lost_or_held_twice_and_no_prefix_crosses(
    works: list[tuple[str, bool]], count: int
) -> None:
    async def play() -> None:
        pool = SlotPool(count)
        busy: set[int] = set()
        last: dict[int, str] = {}

        async def one(salt: str) -> None:
            lease = await pool.acquire(salt)
            assert lease.slot not in busy
            assert lease.reuse == (last.get(lease.slot) == salt)
            busy.add(lease.slot)
            last[lease.slot] = salt
            try:
                await asyncio.sleep(0)
            finally:
                busy.remove(lease.slot)
                pool.release(lease)

        tasks = [asyncio.create_task(one(salt)) for salt, _ in works]
        await asyncio.sleep(0)
        for task, (_, cancelled) in zip(tasks, works, strict=True):
            if cancelled:
                task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError)
        assert (pool.idle, pool.waiting) == (count, 0)

    asyncio.run(play())
