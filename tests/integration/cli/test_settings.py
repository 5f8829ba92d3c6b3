"""`longslope settings`, and settings that cannot be."""

from __future__ import annotations

from pathlib import Path

from tests.integration.cli.program import Program


async def test_each_setting_has_its_value_and_origin(longslope: Program, home: Path) -> None:
    home.mkdir()
    (home / "longslope.toml").write_text('port = 9000\ndatabase_url = "postgresql://me:secret@host/db"\n')
    ended = await longslope("settings", "--json", LONGSLOPE_MODELS="mini")
    rows = {row["name"]: (row["value"], row["origin"]) for row in ended.json}
    assert rows["port"] == ("9000", str(home / "longslope.toml"))
    assert rows["models"] == ("mini", "LONGSLOPE_MODELS")
    assert rows["host"] == ("127.0.0.1", "default")
    assert rows["home"] == (str(home), "LONGSLOPE_HOME")
    assert "secret" not in ended.out
    table = (await longslope("settings")).done().splitlines()
    assert table[0].split() == ["setting", "value", "from"]
    assert any(line.split() == ["port", "9000", str(home / "longslope.toml")] for line in table)


async def test_an_unknown_setting_names_the_nearest(longslope: Program, home: Path) -> None:
    assert 'Did you mean "port"?' in (await longslope("settings", LONGSLOPE_PROT="1")).refused()
    home.mkdir()
    (home / "longslope.toml").write_text("prot = 9000\n")
    for command in (("settings",), ("keys", "list"), ("chat", "hi")):
        refused = (await longslope(*command)).refused()
        assert 'Did you mean "port"?' in refused
        assert str(home / "longslope.toml") in refused


async def test_a_database_that_cannot_be_had_is_told(longslope: Program) -> None:
    for url in ("nonsense", "oracle://me@host/db", "postgresql+nosuchdriver://me@host/db"):
        refused = (await longslope("keys", "list", LONGSLOPE_DATABASE_URL=url)).refused()
        assert "database_url" in refused
        assert "postgresql+asyncpg://" in refused
    away = "postgresql+asyncpg://me:secret@127.0.0.1:1/db"
    refused = (await longslope("keys", "create", "ci", LONGSLOPE_DATABASE_URL=away)).refused()
    assert "cannot be reached" in refused
    assert "secret" not in refused


async def test_a_damaged_file_is_named(longslope: Program, home: Path) -> None:
    home.mkdir()
    (home / "longslope.toml").write_text("port = \n")
    assert "longslope.toml is not valid TOML" in (await longslope("settings")).refused()
