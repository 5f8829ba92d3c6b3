"""Sizes, questions and progress."""

from __future__ import annotations

import io

import pytest

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


def test_a_progress_bar_leaves_a_file_alone(capsys: pytest.CaptureFixture[str]) -> None:
    def work(show: object) -> str:
        assert callable(show)
        show("verifying", 1, 2)
        return "done"

    assert with_progress("mini", 2, work) == "done"
    assert capsys.readouterr() == ("", "")
