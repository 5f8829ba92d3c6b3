"""A circuit breaker (Nygard, *Release It!*): stops asking a server that keeps failing.

Closed, every call passes. After some failures in a row it opens, and calls fail at once. After a while it
lets one call through to try (half open): its success closes the breaker, its failure opens it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import StrEnum

from longslope.errors import EngineFault, EngineTimeout, EngineUnavailable, PlatformError, RateLimited

_PROBE_RETRY_S = 1.0


class BreakerState(StrEnum):
    """Where the breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens after `failures` in a row, for `open_s` seconds. `now` gives seconds of a monotonic clock."""

    def __init__(
        self, engine: str, *, failures: int, open_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._limit = failures
        self._open_s = open_s
        self._now = now
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """Closed, open, or half open once the time to try has come."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._now() < self._opened_at + self._open_s else BreakerState.HALF_OPEN

    @contextmanager
    def watch(self) -> Generator[None]:
        """Around one call. Raises EngineUnavailable at once when the breaker is open, else learns from the
        call.

        The user's mistakes count as answers; a refusal for lack of room (429) and a cancelled call say
        nothing.
        """
        probe = self._admit()
        try:
            yield
        except (EngineUnavailable, EngineTimeout, EngineFault):
            self._failed()
            raise
        except RateLimited:
            raise
        except PlatformError:
            self._answered()
            raise
        else:
            self._answered()
        finally:
            if probe:
                self._probing = False

    def _admit(self) -> bool:
        """Whether this call is the one that tries; raises when it may not pass."""
        if self._opened_at is None:
            return False
        left_s = self._opened_at + self._open_s - self._now()
        if left_s > 0 or self._probing:
            wait_s = max(left_s, _PROBE_RETRY_S)
            raise EngineUnavailable(
                f"engine {self._engine} failed {self._failures} times in a row; retry in {wait_s:.0f} s",
                retry_after_s=wait_s,
            )
        self._probing = True
        return True

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= self._limit:
            self._opened_at = self._now()

    def _answered(self) -> None:
        self._failures = 0
        self._opened_at = None
