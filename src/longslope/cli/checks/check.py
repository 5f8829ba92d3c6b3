"""One finding of the doctor."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class State(StrEnum):
    """How it stands: as it should, worth knowing, or keeping longslope from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, what was found, and the cure where it is not as it should be."""

    name: str
    state: State
    found: str
    cure: str = ""
    figures: dict[str, float] = {}


def ok(name: str, found: str, **figures: float) -> Check:
    """As it should be. `figures` are what was measured, with the unit in their names."""
    return Check(name=name, state=State.OK, found=found, figures=figures)


def warn(name: str, found: str, cure: str, **figures: float) -> Check:
    """Works, but."""
    return Check(name=name, state=State.WARN, found=found, cure=cure, figures=figures)


def fail(name: str, found: str, cure: str, **figures: float) -> Check:
    """Does not work."""
    return Check(name=name, state=State.FAIL, found=found, cure=cure, figures=figures)
