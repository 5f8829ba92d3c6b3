"""`longslope backup` and `longslope restore`."""

from __future__ import annotations

import stat
from pathlib import Path

from longslope.store.database import Store
from longslope.store.lock import HomeLock
from tests.integration.cli.program import Program


async def test_a_home_goes_into_a_file_and_comes_out_again(
    longslope: Program, home: Path, tmp_path: Path
) -> None:
    key = (await longslope("keys", "create", "ci", "--json")).json["id"]
    (home / "longslope.toml").write_text("port = 9000\n")
    file = tmp_path / "monday.tar.gz"
    assert "2 files" in (await longslope("backup", file)).done()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    other = tmp_path / "other"
    restored = (await longslope("restore", file, "--home", other)).done()
    assert "longslope up" in restored
    (listed,) = (await longslope("keys", "list", "--json", "--home", other)).json
    assert listed["id"] == key
    assert (other / "longslope.toml").read_text() == "port = 9000\n"


async def test_a_backup_is_taken_while_longslope_runs(
    longslope: Program, store: Store, home: Path, tmp_path: Path
) -> None:
    with HomeLock(home):
        (await longslope("backup", tmp_path / "b.tar.gz")).done()
    assert (tmp_path / "b.tar.gz").stat().st_size > 0


async def test_nothing_is_overwritten_unasked(
    longslope: Program, store: Store, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "b.tar.gz"
    file.write_text("an older backup")
    assert "--force" in (await longslope("backup", file)).refused()
    assert file.read_text() == "an older backup"
    assert "is a folder" in (await longslope("backup", tmp_path)).refused()
    assert "nowhere" in (await longslope("backup", tmp_path / "nowhere" / "b.tar.gz")).refused()
    (await longslope("backup", file, "--force")).done()
    assert "is not empty" in (await longslope("restore", file)).refused()
    (await longslope("restore", file, "--force")).done()
    assert len(list(home.glob("replaced-*/longslope.db"))) == 1


async def test_a_home_in_use_is_left_alone(
    longslope: Program, store: Store, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "b.tar.gz"
    (await longslope("backup", file)).done()
    with HomeLock(home):
        refused = (await longslope("restore", file, "--force")).refused()
    assert "Another longslope" in refused
    assert str(home) in refused
    assert list(home.glob("replaced-*")) == []


async def test_what_is_no_backup_is_refused(longslope: Program, home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a backup")
    assert "no backup of longslope" in (await longslope("restore", "notes.txt")).refused()
    assert "There is no file" in (await longslope("restore", "absent.tar.gz")).refused()
    assert "nothing to back up" in (await longslope("backup", "b.tar.gz")).refused()
    assert not (home / "longslope.db").exists()


async def test_a_home_on_postgres_is_not_restored_from_sqlite(longslope: Program, tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").touch()
    url = "postgresql+asyncpg://me@127.0.0.1:1/longslope"
    refused = (await longslope("restore", "b.tar.gz", LONGSLOPE_DATABASE_URL=url)).refused()
    assert "database_url" in refused
