"""Colour for terminals; none for files, pipes, and people who set NO_COLOR (no-color.org)."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def inked(text: str, style: str, stream: TextIO | None = None) -> str:
    """`text` in a style ("bold", "dim", "red", "green" or "yellow") where `stream` (stdout) shows it."""
    shown = (sys.stdout if stream is None else stream).isatty()
    if not text or not shown or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"
