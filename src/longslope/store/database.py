"""The connection to the store: SQLite in WAL mode, or Postgres. Nobody outside `store` writes SQL.

Every function of this package takes an open connection; `Store.read` and `Store.write` give one. A session is
never held across an engine's call.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine


def sqlite_url(path: Path) -> str:
    """The store's URL for a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


class Store:
    """A pool of connections to one database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _create_engine(url, self.is_sqlite)

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine, for migrations and backup."""
        return self._engine

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """A connection for reading."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction: committed, and durable, when the block ends; rolled back when it raises."""
        async with self._engine.begin() as connection:
            yield connection

    async def close(self) -> None:
        """Closes every connection."""
        await self._engine.dispose()


def _create_engine(url: str, is_sqlite: bool) -> AsyncEngine:
    if not is_sqlite:
        return create_async_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True)
    engine = create_async_engine(url, connect_args={"timeout": 15})

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # FULL: a commit is on the disk when it returns, so that a power cut loses no acknowledged usage row.
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=15000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
