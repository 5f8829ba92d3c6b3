"""Colours: text stands out from its ground by WCAG 2.2's AA in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from longslope.console import pages

TOKENS = (Path(pages.__file__).parent / "static/css/tokens.css").read_text("utf-8")
COLOURS = {
    name: values
    for name, *values in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", TOKENS)
}
GROUNDS = ("ground", "surface", "sunken", "hover")
TEXT = [
    *((ink, ground) for ink in ("ink", "ink-soft", "ink-faint", "accent") for ground in GROUNDS),
    *((state, ground) for state in ("good", "warn", "bad") for ground in ("surface", f"{state}-soft")),
    *(("ink", ground) for ground in ("accent-soft", "warn-soft", "bad-soft", "good-soft")),
    ("ink-soft", "bad-soft"),
    ("accent", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-bad", "bad"),
]
SHAPES = [
    *(("control-line", ground) for ground in ("surface", "ground")),
    *((f"series-{number}", "surface") for number in range(1, 7)),
]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, 1.4.3)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_can_be_read(text: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[text][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_can_be_told_from_their_ground(shape: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[shape][theme], COLOURS[ground][theme]) >= 3
