"""Which core does what: the server measured has the first to itself, the load and the mock upstream share the
last.

Only so is "requests a second on one core" a figure that means something.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

import msgspec


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Cores by number. They are equal on a machine with one core, where the figures are too low."""

    server: int
    load: int


def choose_cores() -> Placement:
    """The first and the last core that this process may run on."""
    allowed = sorted(os.sched_getaffinity(0))
    return Placement(server=allowed[0], load=allowed[-1])


@contextmanager
def pinned(core: int | None) -> Generator[None]:
    """Keeps this thread, and every process that it starts meanwhile, on one core; on all as before where
    None.
    """
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
