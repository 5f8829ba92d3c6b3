"""On what a benchmark ran: without it a figure says nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

_PACKAGES = ("longslope", "uvicorn", "litestar", "msgspec", "aiohttp", "uvloop", "sqlalchemy", "xllamacpp")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine. `load_before` is the system's load average over a minute at the start: above 0.5, figures
    are noisy.
    """

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    versions: dict[str, str]
    load_before: float


def describe_machine() -> Machine:
    """This machine, now."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3, 1),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions={
            **{name: found for name in _PACKAGES if (found := _version(name))},
            "sqlite": sqlite3.sqlite_version,
        },
        load_before=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
