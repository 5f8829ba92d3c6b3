"""Requests: the log, which is the usage rows read newest first, page after page.

Pages follow a cursor, not a number, so that they neither repeat nor skip a row while new ones arrive.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import or_, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.errors import NotFound
from longslope.store import names, tables
from longslope.store.usage import UsageRow, row_of, select_rows

MOST_A_PAGE = 1_000
_LONGEST_TEXT = 128


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The last request of a page; the next page begins behind it."""

    created_ms: int
    id: str


class RequestQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A choice of requests.

    `outcome` tells those that failed (a status of 400 or more) from the others, `status_class` picks one
    class by its first digit; `text` is part of the request's id or of the client's own.
    """

    project_id: str | None = None
    model: str | None = None
    outcome: Literal["ok", "error"] | None = None
    status_class: int | None = None
    text: str | None = None
    after: Cursor | None = None
    limit: int = 50


class RequestPage(msgspec.Struct, frozen=True):
    """Requests, newest first, and the cursor for the next page; None on the last."""

    requests: list[UsageRow]
    next: Cursor | None


async def list_requests(connection: AsyncConnection, query: RequestQuery) -> RequestPage:
    """A page of the log. Raises InvalidRequest for a limit or status class that cannot be."""
    names.check_number(query.limit, param="limit", least=1, most=MOST_A_PAGE)
    columns = tables.usage.c
    wanted = select_rows()
    if query.project_id is not None:
        wanted = wanted.where(columns.project_id == names.storable(query.project_id))
    if query.model is not None:
        wanted = wanted.where(columns.model == names.storable(query.model))
    if query.outcome == "ok":
        wanted = wanted.where(columns.status < 400)
    if query.outcome == "error":
        wanted = wanted.where(columns.status >= 400)
    if query.status_class is not None:
        names.check_number(query.status_class, param="status", least=1, most=5)
        lowest = query.status_class * 100
        wanted = wanted.where(columns.status >= lowest, columns.status < lowest + 100)
    if query.text:
        text = names.storable(query.text, _LONGEST_TEXT)
        wanted = wanted.where(
            or_(
                columns.id.icontains(text, autoescape=True),
                columns.client_request_id.icontains(text, autoescape=True),
            )
        )
    if query.after is not None:
        names.check_number(query.after.created_ms, param="after", most=2**63 - 1)
        after = query.after.created_ms, names.storable(query.after.id)
        wanted = wanted.where(tuple_(columns.created_ms, columns.id) < after)
    # One more than asked for tells whether there is a next page.
    wanted = wanted.order_by(columns.created_ms.desc(), columns.id.desc()).limit(query.limit + 1)
    rows = [row_of(row) for row in await connection.execute(wanted)]
    page = rows[: query.limit]
    more = len(rows) > query.limit
    return RequestPage(page, Cursor(page[-1].created_ms, page[-1].id) if more else None)


async def get_request(connection: AsyncConnection, request_id: str) -> UsageRow:
    """One request by its id. Raises NotFound."""
    wanted = select_rows().where(tables.usage.c.id == names.storable(request_id))
    row = (await connection.execute(wanted)).one_or_none()
    if row is None:
        raise NotFound(
            f'There is no request "{request_id}". A request is listed once its answer has ended.',
            param="request_id",
        )
    return row_of(row)
