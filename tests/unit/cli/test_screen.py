"""Sizes, questions and progress."""

from __future__ import annotations

import io

import pytest

from longslope.catalog.progress import Progress
from longslope.cli.screen import confirmed, size, with_progress
from longslope.errors import InvalidRequest


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (98_362_432, "98.4 MB"),
        (999_960_000, "1.0 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_sizes_are_decimal(count: int, shown: str) -> None:
    assert size(count) == shown


def test_nobody_is_asked_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(InvalidRequest, match="add --yes"):
        confirmed("Remove big?", yes=False)
    assert confirmed("Remove big?", yes=True)


def test_progress_in_a_log_is_a_line_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    def work(show: Progress) -> str:
        show("resolving", 0, 100)
        for done in range(0, 100, 3):
            show("downloading", done, 100)
        show("done", 100, 100)
        return "pulled"

    assert with_progress("lite", 500_000_000, work) == "pulled"
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[:3] == ["lite: resolving", "lite: downloading", "lite: downloading 0 %"]
    assert err.splitlines()[3:] == [f"lite: downloading {tenth} %" for tenth in range(10, 100, 10)]
    with_progress("tiny", 500, work)
    assert capsys.readouterr() == ("", "")
