"""The store on both databases: tests that take `store` or `empty_store` run on SQLite and on Postgres.

Migrating takes longer than most tests do; so `store` is a copy of one SQLite file, or one Postgres database
that is emptied before each test. Tests that change the tables themselves begin with `empty_store`.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from longslope.store.database import Store, sqlite_url
from longslope.store.migrate import migrate
from longslope.store.tables import metadata
from tests.services import PostgresServer

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


def _make_tables(url: str) -> None:
    async def make() -> None:
        store = Store(url)
        await migrate(store)
        await store.close()

    asyncio.run(make())


@pytest.fixture(scope="session")
def sqlite_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table."""
    file = tmp_path_factory.mktemp("original") / "longslope.db"
    _make_tables(sqlite_url(file))
    return file


@pytest.fixture(scope="session")
def postgres_shared(postgres_server: PostgresServer) -> str:
    """The URL of a Postgres database with every table, and with whatever the last test has left there."""
    postgres_server.execute("CREATE DATABASE shared_store TEMPLATE template0")
    url = postgres_server.url("shared_store")
    _make_tables(url)
    return url


async def _empty(store: Store) -> None:
    async with store.write() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("upgrades", "revisions"):
                await connection.execute(table.delete())
        await connection.execute(text("UPDATE revisions SET value = 0"))


@pytest.fixture
def sqlite_copy(tmp_path: Path, sqlite_original: Path) -> str:
    """The URL of `tmp_path/longslope.db`, with every table and no rows."""
    file = tmp_path / "longslope.db"
    shutil.copyfile(sqlite_original, file)
    return sqlite_url(file)


@pytest.fixture
async def sqlite_store(sqlite_copy: str) -> AsyncIterator[Store]:
    """A store with every table, in `tmp_path/longslope.db`."""
    store = Store(sqlite_copy)
    yield store
    await store.close()


@pytest.fixture(params=BOTH)
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with every table."""
    return request.getfixturevalue("sqlite_copy" if request.param == "sqlite" else "postgres_shared")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """A store with every table and no rows."""
    store = Store(store_url)
    if not store.is_sqlite:
        await _empty(store)
    yield store
    await store.close()


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of the test's own."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "longslope.db")
    return request.getfixturevalue("postgres_url")


@pytest.fixture
async def empty_store(empty_url: str) -> AsyncIterator[Store]:
    """A store without tables, in a database of its own."""
    store = Store(empty_url)
    yield store
    await store.close()
