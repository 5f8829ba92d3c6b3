"""Tables for people: aligned columns of plain text, one row a line, so that grep and awk read them too."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

from longslope.cli.ink import inked

_GAP = "  "


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str] = ()) -> None:
    """Prints rows under their titles; the columns titled in `numbers` are set to the right."""
    lines = table_lines(titles, rows, numbers)
    print(inked(lines[0], "bold"))
    for line in lines[1:]:
        print(line)


def table_lines(
    titles: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str] = ()
) -> list[str]:
    """The lines of a table, its titles first, without blanks at their ends."""
    cells = [[_one_line(cell) for cell in row] for row in (titles, *rows)]
    widths = [max(_width(row[place]) for row in cells) for place in range(len(titles))]
    lines: list[str] = []
    for row in cells:
        padded = [
            _padded(cell, width, to_the_right=title in numbers)
            for title, cell, width in zip(titles, row, widths, strict=True)
        ]
        lines.append(_GAP.join(padded).rstrip())
    return lines


def _one_line(text: str) -> str:
    """`text` without anything that would move the cursor: names come from users, and errors from anywhere."""
    return "".join(character if character.isprintable() else " " for character in text)


def _width(text: str) -> int:
    """Columns that a terminal gives to `text`: two for a wide (Chinese) character, none for a combining."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _padded(text: str, width: int, *, to_the_right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if to_the_right else text + blanks
