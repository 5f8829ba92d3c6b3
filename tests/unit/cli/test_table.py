"""Tables that people read and programs can cut."""

from __future__ import annotations

import pytest

from longslope.cli.table import print_table, table_lines


def test_columns_line_up_and_numbers_stand_right() -> None:
    lines = table_lines(
        ("name", "size", "where"), [("mini", "98", "here"), ("embedding", "1,024", "")], ("size",)
    )
    assert lines == ["name        size  where", "mini          98  here", "embedding  1,024"]


def test_wide_characters_take_two_places() -> None:
    lines = table_lines(("name", "n"), [("长坡", "1"), ("ab", "2"), ("e\u0301t", "3")])
    assert lines == ["name  n", "长坡  1", "ab    2", "e\u0301t    3"]


def test_a_cell_can_neither_break_its_line_nor_steer_the_terminal() -> None:
    assert table_lines(("a", "b"), [("x\ny", "\x1b[2Jz")])[1] == "x y   [2Jz"


def test_a_file_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a",), [("b",)])
    assert capsys.readouterr().out == "a\nb\n"
