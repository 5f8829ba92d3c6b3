"""How many processor cores an engine may use.

Threads that share a core slow matrix work down, so only physical cores count, and only those that this
process may run on and that its control group pays for.
"""

from __future__ import annotations

import os
from pathlib import Path

_TOPOLOGY = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(topology: Path = _TOPOLOGY, quota: Path = _QUOTA) -> int:
    """Physical cores at our disposal, at least 1."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = {_siblings(topology, cpu) for cpu in allowed}
    return min(len(cores), _paid_for(quota) or len(cores))


def share_of_cores(engines: int, cores: int | None = None) -> int:
    """How many threads each of several engines gets, at least 1, with one core left to the rest of the
    machine.

    llama.cpp's threads wait for each other by spinning, after each of hundreds of steps a token. As soon as
    one of them has to share its core, all others burn theirs: two engines with two threads each on two
    cores decoded ten times slower than with one thread each (decision 003).
    """
    available = usable_cores() if cores is None else cores
    return max(1, (available - 1) // max(engines, 1))


def _siblings(topology: Path, cpu: int) -> str:
    """What tells two cores apart: the hardware threads on each; the thread itself where that is unknown."""
    try:
        return (topology / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _paid_for(quota: Path) -> int | None:
    try:
        share, period = quota.read_text().split()
        return max(1, round(int(share) / int(period)))
    except (OSError, ValueError):  # no control group, or its share is `max`
        return None
