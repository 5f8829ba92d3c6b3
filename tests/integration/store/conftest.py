"""The store on both databases: tests that take `store` or `empty_store` run on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from longslope.store.database import Store, sqlite_url
from longslope.store.migrate import migrate


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "longslope.db")
    return request.getfixturevalue("postgres_url")


@pytest.fixture
async def empty_store(store_url: str) -> AsyncIterator[Store]:
    """A store without tables."""
    store = Store(store_url)
    yield store
    await store.close()


@pytest.fixture
async def store(empty_store: Store) -> Store:
    """A store with every table."""
    await migrate(empty_store)
    return empty_store


@pytest.fixture
async def sqlite_store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store with every table, in `tmp_path/longslope.db`."""
    store = Store(sqlite_url(tmp_path / "longslope.db"))
    await migrate(store)
    yield store
    await store.close()
