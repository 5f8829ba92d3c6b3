"""Brings a database to this program's shape at start, and refuses one that a newer program has written.

The usual start finds the database up to date and reads two rows; Alembic is imported only when there is
something to do. A migration is one transaction on either database, under a lock: two processes that start at
once do it once, and a kill in the middle leaves the database as it was. There is no way down; a backup is the
way back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.clock import clock
from longslope.errors import StoreDamaged, StoreTooNew
from longslope.store.database import Store
from longslope.store.tables import metadata, upgrades

REVISIONS = ("001",)
"""Every revision, oldest first: a start need not read the scripts, and a test compares with them."""

HEAD = REVISIONS[-1]

_SCRIPTS = Path(__file__).parent / "migrations"
_POSTGRES_LOCK = 0x6C6F6E67736C6F70  # "longslop", a number of our own among the database's advisory locks
_WAIT_MS = 3_600_000  # for another process's migration
_NO_DATABASE = ("file is not a database", "malformed", "file is encrypted")

log = structlog.get_logger(__name__)


async def migrate(store: Store) -> None:
    """Brings the database to HEAD; a new one gets every table.

    Raises StoreTooNew for a revision that this program does not know, and StoreDamaged for a file that is no
    database or holds somebody else's tables. The database is then as it was.
    """
    try:
        async with store.read() as connection:
            found = await _revision(connection)
        if found == HEAD:
            return
        async with _locked(store) as connection:
            found = await _revision(connection)  # another process may have been here meanwhile
            if found != HEAD:
                await connection.run_sync(_upgrade, found)
    except DatabaseError as error:
        if any(sign in str(error.orig) for sign in _NO_DATABASE):
            raise StoreDamaged(
                f"The database {store.file} cannot be read ({error.orig}). Move it away and restore a backup "
                "with `longslope restore FILE`."
            ) from error
        raise


async def _revision(connection: AsyncConnection) -> str | None:
    """The database's revision; None for an empty database. Raises StoreTooNew and StoreDamaged."""
    present = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    if "alembic_version" not in present:
        foreign = sorted(present & set(metadata.tables))
        if foreign:
            raise StoreDamaged(
                f'The database holds a table "{foreign[0]}" that longslope did not make. Give longslope a '
                "database of its own (setting `database_url`), or restore a backup."
            )
        return None
    found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is None or found in REVISIONS:
        return found
    program = await _written_by(connection, found) if upgrades.name in present else None
    raise StoreTooNew(
        f'The database has revision "{found}", written by {program or "a newer longslope"}; this is '
        f'longslope {version("longslope")} and knows up to "{HEAD}". Upgrade longslope, or restore the '
        "backup taken before the database was upgraded with `longslope restore FILE`."
    )


async def _written_by(connection: AsyncConnection, revision: str) -> str | None:
    wanted = text("SELECT program FROM upgrades WHERE revision = :revision")
    program = await connection.scalar(wanted, {"revision": revision})
    return None if program is None else f"longslope {program}"


@asynccontextmanager
async def _locked(store: Store) -> AsyncGenerator[AsyncConnection]:
    """A transaction that no other process migrates beside."""
    if not store.is_sqlite:
        async with store.write() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})"))
            yield connection
        return
    # The write lock of SQLite is the lock. Rebuilding a table breaks references for a moment, and checking
    # can be switched only outside a transaction; so it is off meanwhile and checked before the commit.
    async with store.engine.execution_options(longslope_writes=True).connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.executescript(f"PRAGMA foreign_keys=OFF; PRAGMA busy_timeout={_WAIT_MS};")
        try:
            async with connection.begin():
                yield connection
                broken = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
                if broken:
                    raise StoreDamaged(
                        f"After the upgrade {len(broken)} rows would refer to nothing: {broken[:3]}"
                    )
        finally:
            await connection.invalidate()  # the pool's other connections keep what they were opened with


def _upgrade(connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes.update(connection=connection, metadata=metadata)
    command.upgrade(config, HEAD)
    done = REVISIONS[0 if found is None else REVISIONS.index(found) + 1 :]
    now = clock.now_ms()
    connection.execute(
        upgrades.insert(),
        [{"revision": revision, "program": version("longslope"), "applied_ms": now} for revision in done],
    )
    log.info("store_migrated", from_revision=found, to_revision=HEAD)
