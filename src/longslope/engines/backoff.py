"""Waits that grow: before a child is started again, before a request is tried again.

Exponential with full jitter over the upper half, so that many who failed together do not come back together.
"""

from __future__ import annotations

import random

import msgspec


class Backoff(msgspec.Struct, frozen=True):
    """Waits from `first_s` to `most_s` seconds, doubling."""

    first_s: float
    most_s: float

    def wait_s(self, failures: int) -> float:
        """Seconds to wait after `failures` (1 or more) in a row: half the full wait to all of it."""
        full = min(self.first_s * 2.0 ** min(failures - 1, 60), self.most_s)
        return full * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
