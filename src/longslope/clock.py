"""Time and identifiers.

Wall time for records never goes back within a process: it is read once and carried forward by the monotonic
clock, and follows the wall clock again only when that is ahead. So a clock that is set back neither reorders
rows nor makes a duration negative.
"""

from __future__ import annotations

import os
import time


class Clock:
    """Milliseconds since the epoch, never decreasing."""

    def __init__(self) -> None:
        self._last_ms = 0
        self._anchor_wall_ms = time.time_ns() // 1_000_000
        self._anchor_mono_ns = time.monotonic_ns()

    def now_ms(self) -> int:
        """The present in milliseconds since the epoch."""
        carried = self._anchor_wall_ms + (time.monotonic_ns() - self._anchor_mono_ns) // 1_000_000
        wall = time.time_ns() // 1_000_000
        if wall > carried + 1_000:  # the clock was set forward, or the machine slept: follow it
            self._anchor_wall_ms, self._anchor_mono_ns = wall, time.monotonic_ns()
            carried = wall
        self._last_ms = max(self._last_ms, carried)
        return self._last_ms


clock = Clock()

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def _base32(number: int, digits: int) -> str:
    out = [""] * digits
    for place in range(digits - 1, -1, -1):
        out[place] = _ALPHABET[number & 31]
        number >>= 5
    return "".join(out)


def new_id(prefix: str) -> str:
    """`prefix-` and 23 characters: 9 of time (milliseconds, so ids sort by age) and 14 at random (70
    bits).
    """
    chance = int.from_bytes(os.urandom(9), "big") & ((1 << 70) - 1)
    return f"{prefix}-{_base32(clock.now_ms(), 9)}{_base32(chance, 14)}"
