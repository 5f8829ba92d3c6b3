from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from longslope.errors import StoreDamaged, StoreTooNew
from longslope.store import migrate as migrations
from longslope.store import tables
from longslope.store.database import Store, sqlite_url
from longslope.store.keys import get_key, insert_key
from longslope.store.migrate import migrate
from longslope.store.projects import get_project, insert_project
from tests.integration.store import samples

SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "002", "001"
def upgrade():
    with op.batch_alter_table("projects") as batch:
        batch.add_column(sa.Column("colour", sa.String(8), nullable=False, server_default="red"))
    op.create_table("novelties", sa.Column("id", sa.Integer, primary_key=True))
    {last}
"""


@pytest.fixture
async def store(empty_store: Store) -> Store:
    """A store of the test's own, with tables that it may change."""
    await migrate(empty_store)
    return empty_store


@pytest.fixture
def second_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Gives this program a second revision that rebuilds a table others refer to, and ends as told."""

    def give(last: str) -> None:
        scripts = tmp_path / "migrations"
        shutil.copytree(migrations._SCRIPTS, scripts)
        (scripts / "versions" / "002_next.py").write_text(SECOND.format(last=last))
        monkeypatch.setattr(migrations, "_SCRIPTS", scripts)
        monkeypatch.setattr(migrations, "REVISIONS", ("001", "002"))
        monkeypatch.setattr(migrations, "HEAD", "002")

    return give


async def table_names(store: Store) -> set[str]:
    async with store.read() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_the_revisions_make_exactly_the_tables(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    def differences(connection):
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata)

    async with store.read() as connection:
        assert await connection.run_sync(differences) == []


def test_the_known_revisions_are_those_of_the_scripts() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(migrations._SCRIPTS))
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == migrations.REVISIONS
    assert scripts.get_current_head() == migrations.HEAD


async def test_a_database_up_to_date_needs_no_alembic(sqlite_store: Store, tmp_path: Path) -> None:
    again = (
        "import asyncio, sys\n"
        "from longslope.store.database import Store\n"
        "from longslope.store.migrate import migrate\n"
        "async def main():\n"
        "    store = Store(sys.argv[1])\n"
        "    await migrate(store)\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
        "assert 'alembic' not in sys.modules, 'alembic was imported'\n"
    )
    started = await asyncio.create_subprocess_exec(sys.executable, "-c", again, sqlite_store.url)
    assert await started.wait() == 0


async def test_it_is_written_down_who_migrated_and_when(store: Store) -> None:
    await migrate(store)
    async with store.read() as connection:
        rows = (await connection.execute(select(tables.upgrades))).all()
    assert [row.revision for row in rows] == ["001"]
    assert rows[0].applied_ms > 1_700_000_000_000


async def test_a_newer_database_is_refused_by_name_and_left_alone(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '907'"))
        await connection.execute(
            tables.upgrades.insert().values(revision="907", program="9.7.1", applied_ms=1)
        )
    before = await table_names(store)
    with pytest.raises(StoreTooNew) as raised:
        await migrate(store)
    for part in ("907", "longslope 9.7.1", "Upgrade longslope", "longslope restore"):
        assert part in raised.value.message
    assert await table_names(store) == before


async def test_a_newer_database_of_unknown_making_is_refused_too(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'abc'"))
        await connection.execute(text("DROP TABLE upgrades"))
    with pytest.raises(StoreTooNew, match="a newer longslope"):
        await migrate(store)


async def test_somebody_elses_tables_are_not_touched(empty_store: Store) -> None:
    async with empty_store.write() as connection:
        await connection.execute(text("CREATE TABLE models (id INTEGER)"))
    with pytest.raises(StoreDamaged, match='"models"'):
        await migrate(empty_store)
    assert await table_names(empty_store) == {"models"}


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "longslope.db"
    file.write_bytes(b"This is a letter, not a database. " * 200)
    store = Store(sqlite_url(file))
    with pytest.raises(StoreDamaged, match=r"longslope\.db.*restore"):
        await migrate(store)
    await store.close()
    assert file.read_bytes().startswith(b"This is a letter")


async def test_an_older_database_is_upgraded_and_keeps_its_rows(store: Store, second_revision) -> None:
    project = samples.project()
    key = samples.key(project.id)
    async with store.write() as connection:
        await insert_project(connection, project)
        await insert_key(connection, key)
    second_revision("pass")
    await migrate(store)
    async with store.read() as connection:
        assert await connection.scalar(text("SELECT colour FROM projects")) == "red"
        assert await get_key(connection, key.id) == key
        done = (await connection.execute(select(tables.upgrades.c.revision))).scalars().all()
    assert sorted(done) == ["001", "002"]


async def test_an_upgrade_that_fails_changes_nothing(store: Store, second_revision) -> None:
    project = samples.project()
    async with store.write() as connection:
        await insert_project(connection, project)
    before = await table_names(store)
    second_revision("raise RuntimeError('the lights went out')")
    with pytest.raises(RuntimeError, match="lights"):
        await migrate(store)
    assert await table_names(store) == before
    async with store.read() as connection:
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == "001"
        assert await get_project(connection, project.id) == project


async def test_an_upgrade_that_would_break_references_is_undone(sqlite_store: Store, second_revision) -> None:
    project = samples.project()
    async with sqlite_store.write() as connection:
        await insert_project(connection, project)
        await insert_key(connection, samples.key(project.id))
    second_revision("op.execute('DELETE FROM projects')")
    with pytest.raises(StoreDamaged):
        await migrate(sqlite_store)
    async with sqlite_store.read() as connection:
        assert await get_project(connection, project.id) == project


async def test_references_are_watched_again_after_an_upgrade(sqlite_store: Store) -> None:
    async with sqlite_store.write() as connection:
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1


RACER = """
import asyncio, sys
from longslope.store.database import Store
from longslope.store.migrate import migrate
async def main():
    store = Store(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await migrate(store)
    await store.close()
asyncio.run(main())
"""


async def test_processes_that_start_at_once_migrate_once(empty_store: Store) -> None:
    pipe = asyncio.subprocess.PIPE
    racers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", RACER, empty_store.url, stdin=pipe, stdout=pipe, stderr=pipe
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert await racer.stdout.readline() == b"ready\n"
    for racer in racers:
        racer.stdin.write(b"go\n")
    ended = [await racer.communicate() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0], ended
    async with empty_store.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(tables.upgrades)) == 1
        assert await connection.scalar(select(func.count()).select_from(tables.revisions)) == 1
