"""The connection to the store: SQLite in WAL mode, or Postgres. Nobody outside `store` writes SQL.

Every function of this package takes an open connection; `Store.read` and `Store.write` give one. A session is
never held across an engine's call.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from operator import methodcaller
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, AdaptedConnection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

_Result = TypeVar("_Result")
_TRIES_TO_OPEN, _PAUSE_TO_OPEN_S = 300, 0.05

# FULL: a commit is on the disk when it returns, so that a power cut loses no acknowledged usage row.
_PRAGMAS = "".join(
    f"PRAGMA {pragma};"
    for pragma in (
        "busy_timeout=15000",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
    )
)


def sqlite_url(path: Path) -> str:
    """The store's URL for a SQLite file."""
    return URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


class Store:
    """A pool of connections to one database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url)
        self._writer = self._engine.execution_options(longslope_writes=True)

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine, for migrations and backup."""
        return self._engine

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None on Postgres."""
        database = make_url(self.url).database
        return Path(database) if self.is_sqlite and database else None

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """A connection for reading. On SQLite everything read in the block is of one moment."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction: committed, and durable, when the block ends; rolled back when it raises.

        On SQLite it holds the database's one write lock from its first moment, so what it reads cannot change
        before it writes; other writers wait up to 15 seconds.
        """
        async with self._writer.begin() as connection:
            yield connection

    async def close(self) -> None:
        """Closes every connection."""
        await self._engine.dispose()


async def in_sqlite(
    connection: AsyncConnection, work: Callable[[sqlite3.Connection], _Result], statement: str
) -> _Result:
    """Runs `work` on the sqlite3 connection, in its own thread, inside the open transaction.

    One switch of threads for many statements, where SQLAlchemy makes three for each. Raises SQLAlchemy's
    errors (with `statement` as their text), as every other way into the store does.
    """
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    try:
        # aiosqlite's own way of running a function in its thread; SQLAlchemy leans on the same two names.
        return await driver._execute(work, driver._conn)
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, None, error, sqlite3.Error) from error


async def sqlite_transaction(
    store: Store, work: Callable[[sqlite3.Connection], _Result], statement: str
) -> _Result:
    """A whole write transaction around `work` in one switch of threads; committed, and durable, on return.

    Cancelled, it may still commit. Raises as `in_sqlite` does, and has then stored nothing.
    """

    def transaction(driver: sqlite3.Connection) -> _Result:
        driver.execute("BEGIN IMMEDIATE")
        try:
            result = work(driver)
            driver.commit()
        except BaseException:
            if driver.in_transaction:  # a full disk ends the transaction by itself
                driver.rollback()
            raise
        return result

    async with store.engine.connect() as connection:
        return await in_sqlite(connection, transaction, statement)


def _postgres_engine(url: str) -> AsyncEngine:
    return create_async_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True)


def _sqlite_engine(url: str) -> AsyncEngine:
    # Python's own transaction control begins too late (not before a SELECT, not before DDL), so it is off
    # (isolation_level None) and BEGIN is sent here. The pool's reset would cost a switch of threads each
    # time; it is sent only when a transaction was left open.
    engine = create_async_engine(
        url, connect_args={"timeout": 15, "isolation_level": None}, pool_reset_on_return=None
    )

    def configure(connection: AdaptedConnection, _record: Any) -> None:
        # SQLite does not wait for a lock when the journal's mode changes, whatever busy_timeout says:
        # processes
        # that open a new database at the same time would fail. So the waiting is done here.
        for _ in range(_TRIES_TO_OPEN):
            try:
                connection.run_async(methodcaller("executescript", _PRAGMAS))
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                connection.run_async(lambda _: asyncio.sleep(_PAUSE_TO_OPEN_S))
        connection.run_async(methodcaller("executescript", _PRAGMAS))

    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that reads, then writes, would otherwise fail at once where another has
        # written.
        writes = connection.get_execution_options().get("longslope_writes", False)
        statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
        adapter = cast(AdaptedConnection, connection.connection.dbapi_connection)
        try:
            adapter.run_async(methodcaller("execute", statement))
        except sqlite3.Error as error:
            raise DBAPIError.instance(statement, None, error, sqlite3.Error) from error

    def reset(connection: Any, _record: Any, state: Any) -> None:
        if not state.terminate_only and connection.driver_connection.in_transaction:
            connection.rollback()

    event.listen(engine.sync_engine, "connect", configure)
    event.listen(engine.sync_engine, "begin", begin)
    event.listen(engine.sync_engine, "reset", reset)
    return engine
