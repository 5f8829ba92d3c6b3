"""Usage: sums by day, model, project or key, and every row for those who compute for themselves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from litestar.response import Stream

from longslope.api.caller import require_caller
from longslope.api.parts import Parts
from longslope.errors import InvalidRequest, nearest
from longslope.gateway.auth import Identity
from longslope.money import from_nano
from longslope.store.export import usage_csv, usage_parquet
from longslope.store.usage_query import GROUPINGS, Grouping, UsageQuery
from longslope.store.usage_totals import UsageGroup, aggregate
from longslope.wire.platform import Listing, UsageGroupView

Millis = Annotated[int | None, Parameter(ge=0, le=2**53)]
Offset = Annotated[int, Parameter(ge=-840, le=840)]


def usage_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/platform/v1/usage`."""

    @get("/platform/v1/usage", tags=["usage"], operation_id="sum_usage")
    async def sum_usage(
        request: Request[Any, Any, Any],
        group_by: str = "day",
        from_ms: Millis = None,
        to_ms: Millis = None,
        project_id: str | None = None,
        model: str | None = None,
        key_id: str | None = None,
        tz_offset_min: Offset = 0,
    ) -> Listing[UsageGroupView]:
        """Sums over requests. `group_by` is one or several of day, model, version, project, key,
        endpoint, operation, with commas between. Keys below admin see their own project.
        """
        identity = require_caller(request, parts, "viewer")
        query = UsageQuery(
            group_by=_groupings(group_by),
            from_ms=from_ms,
            to_ms=to_ms,
            project_id=_visible_project(identity, project_id),
            model=model,
            key_id=key_id,
            tz_offset_min=tz_offset_min,
        )
        async with parts.store.read() as connection:
            return Listing(data=[_view(group, query) for group in await aggregate(connection, query)])

    @get(
        "/platform/v1/usage/export",
        tags=["usage"],
        operation_id="export_usage",
        responses={
            200: ResponseSpec(
                str, generate_examples=False, description="One line or row a request", media_type="text/csv"
            )
        },
    )
    async def export_usage(
        request: Request[Any, Any, Any],
        format: Literal["csv", "parquet"] = "csv",
        from_ms: Millis = None,
        to_ms: Millis = None,
        project_id: str | None = None,
        model: str | None = None,
        key_id: str | None = None,
    ) -> Response[Any]:
        """Every usage row, as CSV or Parquet."""
        identity = require_caller(request, parts, "viewer")
        query = UsageQuery(
            from_ms=from_ms,
            to_ms=to_ms,
            project_id=_visible_project(identity, project_id),
            model=model,
            key_id=key_id,
        )
        disposition = {"content-disposition": f'attachment; filename="usage.{format}"'}
        if format == "csv":
            return Stream(usage_csv(parts.store, query), media_type="text/csv", headers=disposition)
        rows = usage_parquet(parts.store, query, parts.home)
        return Stream(rows, media_type="application/vnd.apache.parquet", headers=disposition)

    return [sum_usage, export_usage]


def _groupings(text: str) -> tuple[Grouping, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in GROUPINGS:
            raise InvalidRequest(
                f'group_by holds "{name}".{nearest(name, GROUPINGS)} It may hold {", ".join(GROUPINGS)}.',
                param="group_by",
            )
    return tuple(grouping for grouping in GROUPINGS if grouping in names)


def _visible_project(identity: Identity, asked: str | None) -> str | None:
    return asked if identity.key.role == "admin" else identity.project.id


def _view(group: UsageGroup, query: UsageQuery) -> UsageGroupView:
    return UsageGroupView(
        keys={name: str(getattr(group, name) or "") for name in query.group_by},
        currency=group.currency,
        requests=group.requests,
        errors=group.errors,
        prompt_tokens=group.prompt_tokens,
        cached_tokens=group.cached_tokens,
        completion_tokens=group.completion_tokens,
        price=from_nano(group.price_nano),
        cost=from_nano(group.cost_nano),
        margin=from_nano(group.margin_nano),
    )
