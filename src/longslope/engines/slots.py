"""Leases of a llama server's slots.

A slot is one sequence of the server's key-value cache and runs one work at a time. The pool decides which
work goes to which slot: back to the slot its salt used last, so that its prefix is still there, or else to
the slot unused for longest. A lease says whether the slot's cache may be reused, which is only when the slot
last served the same salt; so no prefix, and no timing of a prefix, passes from one project to another.
"""

from __future__ import annotations

import asyncio

import msgspec


class Lease(msgspec.Struct, frozen=True):
    """The right to use slot `slot`; `reuse` says whether its cache holds prompts of the same salt."""

    slot: int
    reuse: bool


class SlotPool:
    """`count` slots. Works past that wait in order of arrival."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._salts: list[str | None] = [None] * count
        self._idle: dict[int, None] = dict.fromkeys(range(count))  # ordered: unused for longest comes first
        self._waiting: dict[asyncio.Future[Lease], str] = {}  # ordered: who asked first comes first

    @property
    def idle(self) -> int:
        """How many slots are free."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """How many works wait for a slot."""
        return len(self._waiting)

    async def acquire(self, salt: str) -> Lease:
        """A lease, after those who asked before. A cancelled wait takes no slot and loses none."""
        if self._idle:  # then nobody waits: a freed slot goes to the first who does
            return self._grant(salt)
        waiter: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = salt
        try:
            return await waiter
        except asyncio.CancelledError:
            if (
                waiter.done() and not waiter.cancelled()
            ):  # granted in the same turn of the loop as the cancellation
                self.release(waiter.result())
            else:
                self._waiting.pop(waiter, None)
            raise

    def release(self, lease: Lease) -> None:
        """Gives the slot to the first who waits, or back."""
        self._idle[lease.slot] = None
        while self._waiting and self._idle:
            waiter = next(iter(self._waiting))
            salt = self._waiting.pop(waiter)
            if not waiter.done():  # else cancelled
                waiter.set_result(self._grant(salt))

    def forget(self) -> None:
        """Marks every slot's cache as empty: the server started anew."""
        self._salts = [None] * self.count

    def _grant(self, salt: str) -> Lease:
        same = [slot for slot in self._idle if self._salts[slot] == salt]
        if same:
            slot = same[-1]  # the most recently used
        else:
            unused = next((slot for slot in self._idle if self._salts[slot] is None), None)
            slot = next(iter(self._idle)) if unused is None else unused
        del self._idle[slot]
        reuse = self._salts[slot] == salt
        self._salts[slot] = salt
        return Lease(slot, reuse)
