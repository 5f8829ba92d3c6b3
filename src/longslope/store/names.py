"""What text the store takes: the lengths of its columns, and characters that both databases can hold.

SQLite minds neither length nor NUL, Postgres refuses both; so they are checked here, alike for both, and with
a message that a user can act on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Column, String

from longslope.errors import InvalidRequest, nearest

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LARGEST = 2**31 - 1


def check_name(name: str, column: Column[str], *, param: str = "name") -> None:
    """A name that people read. Raises InvalidRequest unless it fits `column`, is printable and has no loose
    ends.
    """
    most = limit(column)
    if not 0 < len(name) <= most:
        raise InvalidRequest(
            f'"{param}" has {len(name)} characters; it must have between 1 and {most}.', param=param
        )
    if name != name.strip() or not name.isprintable():
        raise InvalidRequest(
            f'"{param}" {name!r} begins or ends with a blank, or holds a character that cannot be shown. '
            "Leave those out.",
            param=param,
        )


def check_model_name(name: str, *, param: str = "name") -> None:
    """A name that callers put into `model`. Raises InvalidRequest for anything but letters, digits and
    `._:-`.
    """
    if _MODEL.fullmatch(name) is None:
        raise InvalidRequest(
            f"{param!r} {name[:80]!r} is no model name: 1 to 64 letters, digits, dots, colons, hyphens and "
            'underscores, the first a letter or digit ("@" divides a model from its version).',
            param=param,
        )


def check_length(text: str, column: Column[str], *, param: str) -> None:
    """Raises InvalidRequest when `text` does not fit `column`, or holds what a database cannot store."""
    most = limit(column)
    if len(text) > most or _UNSTORABLE.search(text):
        raise InvalidRequest(
            f'"{param}" must have at most {most} characters, none of them NUL or half a surrogate pair; '
            f"it has {len(text)}.",
            param=param,
        )


def check_choice(value: str, known: Iterable[str], *, param: str) -> None:
    """Raises InvalidRequest, naming the nearest, when `value` is not one of `known`."""
    choices = tuple(known)
    if value not in choices:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        raise InvalidRequest(
            f'"{param}" is {value[:80]!r}; it must be one of {listed}.{nearest(value, choices)}', param=param
        )


def check_number(value: int, *, param: str, least: int = 0, most: int = _LARGEST) -> None:
    """Raises InvalidRequest, with both bounds, when `value` lies outside them."""
    if not least <= value <= most:
        raise InvalidRequest(f'"{param}" is {value}; it must lie between {least} and {most}.', param=param)


def storable(text: str, most: int | None = None) -> str:
    """`text` as both databases can hold and compare it: unstorable characters become U+FFFD, at most `limit`
    long.
    """
    if text.isascii() and "\x00" not in text:
        return text[:most]
    return _UNSTORABLE.sub("\ufffd", text)[:most]


def limit(column: Column[str]) -> int:
    """How many characters the column takes."""
    kind = column.type
    return (kind.length if isinstance(kind, String) else None) or 16_384
