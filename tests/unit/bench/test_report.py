"""A report for people, as a picture, and for programs: each says the same figures."""

from __future__ import annotations

import json
from io import StringIO
from xml.etree import ElementTree

import msgspec
import pytest
from rich.console import Console

from longslope.bench.gateway import Report, encode
from longslope.bench.plot import draw
from longslope.bench.summary import show
from tests.unit.bench.reports import REPORT

SVG = "{http://www.w3.org/2000/svg}"


def test_the_terminal_shows_every_target_and_what_is_missing() -> None:
    console = Console(file=StringIO(), width=200)
    show(REPORT, console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for verdict in REPORT.targets:
        assert verdict.name in shown
    assert "2,600 requests/s" in shown
    assert "nothing could not be measured: of [this]" in shown


def test_the_picture_is_well_formed_and_its_bars_are_to_scale() -> None:
    picture = ElementTree.fromstring(draw(REPORT))
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert {"2,600", "120"} <= set(texts)  # medians, not the best
    widths = [float(bar.attrib["width"]) for bar in picture.iter(f"{SVG}rect")][:2]
    assert widths[0] / widths[1] == pytest.approx(2_600 / 120, rel=0.01)
    assert "promised" in "".join(picture.itertext())


def test_a_report_of_no_parts_still_draws() -> None:
    ElementTree.fromstring(
        draw(Report(date=REPORT.date, machine=REPORT.machine, effort=REPORT.effort, targets=[]))
    )


def test_the_json_is_the_whole_report() -> None:
    assert msgspec.json.decode(encode(REPORT), type=Report) == REPORT
    assert json.loads(encode(REPORT))["throughput"]["ratio_to_rival"] == {"16": 24.0}
