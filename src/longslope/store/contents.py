"""Contents: the prompts and answers of projects whose trace is "content", and of no others.

Who calls `insert_contents` has checked the project's trace; this module only stores.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.errors import NotFound
from longslope.store import names, tables


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A request's body and its answer, both as text (JSON, or the frames of a stream)."""

    request_id: str
    request: str
    answer: str
    created_ms: int


async def insert_contents(connection: AsyncConnection, contents: Sequence[Content]) -> None:
    """Stores contents; one that is stored already stays as it is. NUL becomes U+FFFD: Postgres cannot hold
    it.
    """
    if not contents:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(tables.contents).on_conflict_do_nothing()
    await connection.execute(
        statement,
        [
            {
                "request_id": content.request_id,
                "request": names.storable(content.request),
                "answer": names.storable(content.answer),
                "created_ms": content.created_ms,
            }
            for content in contents
        ],
    )


async def get_content(connection: AsyncConnection, request_id: str) -> Content:
    """What was said in a request. Raises NotFound where nothing was kept."""
    table = tables.contents
    found = await connection.execute(select(table).where(table.c.request_id == names.storable(request_id)))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound(
            f'Nothing is kept of what was said in request "{request_id}". It is kept only for projects whose '
            'trace is "content".',
            param="request_id",
        )
    return Content(**row)
