"""The catalog's revision: a number that every change raises, so that running gateways notice.

A gateway polls `read`; when the number differs from the one it loaded under, it loads the catalog again. Read
the number before the catalog, never after: then a change in between costs one load more, and none is missed.
"""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.store.tables import revisions

_CATALOG = "catalog"


async def bump(connection: AsyncConnection) -> None:
    """Raises the revision by one.

    Comes first in every change of the catalog: on Postgres the row's lock makes changes follow one another,
    as SQLite's write lock does, so that "the newest row" means the same to all.
    """
    change = update(revisions).where(revisions.c.name == _CATALOG).values(value=revisions.c.value + 1)
    if (await connection.execute(change)).rowcount == 0:
        await connection.execute(insert(revisions).values(name=_CATALOG, value=1))


async def read(connection: AsyncConnection) -> int:
    """The revision now; 0 before the first change."""
    found = await connection.scalar(select(revisions.c.value).where(revisions.c.name == _CATALOG))
    return found or 0
