"""The log of requests: each with its way through the gateway."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.api.caller import require_caller
from longslope.api.parts import Parts
from longslope.api.platform.views import view_request
from longslope.errors import InvalidRequest, NotFound
from longslope.store import contents, requests
from longslope.store.contents import Content
from longslope.store.requests import Cursor, RequestQuery
from longslope.wire.platform import Listing, RequestView


def request_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/platform/v1/requests`."""

    @get("/platform/v1/requests", tags=["usage"], operation_id="list_requests")
    async def list_requests(
        request: Request[Any, Any, Any],
        cursor: str | None = None,
        limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
        model: str | None = None,
        project_id: str | None = None,
        status: Literal["ok", "error"] | None = None,
        id: str | None = None,
    ) -> Listing[RequestView]:
        """Requests, newest first. `id` finds a part of the request's id or of the client's own. Keys
        below admin see their own project.
        """
        identity = require_caller(request, parts, "viewer")
        query = RequestQuery(
            project_id=project_id if identity.key.role == "admin" else identity.project.id,
            model=model,
            outcome=status,
            text=id,
            after=_decode_cursor(cursor) if cursor else None,
            limit=limit,
        )
        async with parts.store.read() as connection:
            page = await requests.list_requests(connection, query)
        return Listing(
            data=[view_request(row) for row in page.requests],
            next=_encode_cursor(page.next) if page.next else None,
        )

    @get("/platform/v1/requests/{request_id:str}", tags=["usage"], operation_id="get_request")
    async def get_request(request: Request[Any, Any, Any], request_id: str) -> RequestView:
        """One request, with its content where the project keeps it."""
        identity = require_caller(request, parts, "viewer")
        async with parts.store.read() as connection:
            row = await requests.get_request(connection, request_id)
            if identity.key.role != "admin" and row.project_id != identity.project.id:
                raise NotFound(
                    f'There is no request "{request_id}" in the project "{identity.project.name}".'
                )
            return view_request(row, await _content(connection, request_id))

    return [list_requests, get_request]


async def _content(connection: AsyncConnection, request_id: str) -> Content | None:
    try:
        return await contents.get_content(connection, request_id)
    except NotFound:  # the usual case: only projects whose trace is "content" keep any
        return None


def _encode_cursor(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _decode_cursor(text: str) -> Cursor:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Cursor)
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidRequest(
            f'"{text}" is no cursor; use the `next` of a page before.', param="cursor"
        ) from error
