"""Whether a database is sound, asked without changing it: its revision, and what is wrong inside it."""

from __future__ import annotations

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from longslope.store.database import Store

_MOST = 3


async def revision_of(store: Store) -> str | None:
    """The revision that a longslope left the database at; None for a database it never touched.

    Raises SQLAlchemy's DBAPIError where the database cannot be reached or read.
    """
    async with store.read() as connection:
        present = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        if "alembic_version" not in present:
            return None
        found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


async def problems_of(store: Store) -> list[str]:
    """The first few things that SQLite finds wrong in its file: damaged pages, rows that refer to nothing.

    Reads the whole file. Postgres checks its own pages as it reads them; of it nothing is asked.
    """
    if not store.is_sqlite:
        return []
    try:
        async with store.read() as connection:
            found = (await connection.execute(text(f"PRAGMA integrity_check({_MOST})"))).scalars().all()
            loose = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
    except DBAPIError as error:
        return [str(error.orig)]
    damage = [str(problem) for problem in found if problem != "ok"]
    return [*damage, *(f"a row of {row[0]} refers to nothing in {row[2]}" for row in loose[:_MOST])]
