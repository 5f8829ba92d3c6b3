"""A database that somebody else is writing is waited for, also when it is opened for the first time."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from sqlalchemy import text

from longslope.store.database import Store, sqlite_url


async def test_a_new_database_under_another_writer_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("CREATE TABLE other (a)")
    writer.execute("BEGIN IMMEDIATE")
    store = Store(sqlite_url(file))

    async def read() -> object:
        async with store.read() as connection:
            return (await connection.execute(text("SELECT count(*) FROM other"))).scalar()

    reading = asyncio.ensure_future(read())
    done, _ = await asyncio.wait({reading}, timeout=0.5)
    assert not done
    writer.execute("INSERT INTO other VALUES (1)")
    writer.execute("COMMIT")
    assert await reading == 1
    writer.close()
    await store.close()
