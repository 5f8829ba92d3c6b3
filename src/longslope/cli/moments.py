"""Moments as people write and read them, in the time zone of this machine."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from longslope.clock import clock
from longslope.errors import InvalidRequest

_AGE = re.compile(r"(\d{1,6})(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = len("2026-01-31T14:00:00.000000+00:00")
_FORMS = "a day (2026-01-31, today, yesterday), a moment (2026-01-31T14:00) or an age (30m, 12h, 7d, 4w)"


def start_of(text: str, option: str) -> int:
    """The moment from which on, in milliseconds since the epoch: a day means its first moment."""
    return _moment(text, option, _FORMS, day_ends=False)


def end_of(text: str, option: str) -> int:
    """The first moment no longer meant: a day means that it is meant whole."""
    return _moment(text, option, _FORMS, day_ends=True)


def deadline(text: str, option: str) -> int:
    """A moment to come; an age counts from now, a day is meant whole. Raises InvalidRequest for the past."""
    forms = "a day (2026-01-31), a moment (2026-01-31T14:00) or a time from now (12h, 30d, 4w)"
    age = _AGE.fullmatch(text)
    try:
        at_ms = _milliseconds(_now() + _span(age)) if age else _moment(text, option, forms, day_ends=True)
    except OverflowError:
        raise InvalidRequest(f"{option} is {text!r}, too far ahead; write {forms}.", param=option) from None
    if at_ms <= clock.now_ms():
        raise InvalidRequest(f"{option} is {text!r}, which has passed. Write {forms}.", param=option)
    return at_ms


def shown(at_ms: int | None) -> str:
    """A moment to the minute, local; a dash for none."""
    if at_ms is None:
        return "—"
    return datetime.fromtimestamp(at_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")


def offset_minutes() -> int:
    """How far this machine's clock is ahead of UTC now, in minutes."""
    offset = _now().utcoffset()
    return 0 if offset is None else round(offset.total_seconds() / 60)


def _moment(text: str, option: str, forms: str, *, day_ends: bool) -> int:
    days_ago = {"today": 0, "yesterday": 1}.get(text)
    written = (_now() - timedelta(days=days_ago)).date().isoformat() if days_ago is not None else text
    try:
        if age := _AGE.fullmatch(text):
            return _milliseconds(_now() - _span(age))
        if len(text) > _LONGEST:
            raise ValueError("no moment is as long as that")
        moment = datetime.fromisoformat(written)
        if len(written) <= len("2026-01-31") and day_ends:
            moment += timedelta(days=1)
        return _milliseconds(moment.astimezone())
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"{option} is {text[:40]!r}; write {forms}.", param=option) from error


def _span(age: re.Match[str]) -> timedelta:
    return timedelta(**{_UNITS[age[2]]: int(age[1])})


def _now() -> datetime:
    return datetime.fromtimestamp(clock.now_ms() / 1000, UTC).astimezone()


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
