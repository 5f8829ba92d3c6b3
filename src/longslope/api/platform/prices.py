"""Prices and costs: appended, never changed, so that every old bill can be recomputed."""

from __future__ import annotations

from typing import Any

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler

from longslope.api.caller import require_caller
from longslope.api.parts import Parts
from longslope.api.platform.views import view_price
from longslope.clock import clock, new_id
from longslope.money import to_micro
from longslope.store import prices
from longslope.store.prices import Price
from longslope.wire.platform import Listing, PriceCreate, PriceView


def price_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/platform/v1/prices`."""

    @get("/platform/v1/prices", tags=["catalog"], operation_id="list_prices")
    async def list_prices(request: Request[Any, Any, Any], model: str | None = None) -> Listing[PriceView]:
        """Every price and cost, past ones included; of one model where it is named."""
        require_caller(request, parts, "viewer")
        async with parts.store.read() as connection:
            rows = await prices.list_prices(connection, model)
        return Listing(data=[view_price(row, parts.catalog.snapshot) for row in rows])

    @post("/platform/v1/prices", tags=["catalog"], operation_id="create_price")
    async def create_price(request: Request[Any, Any, Any], data: PriceCreate) -> PriceView:
        """A new price or cost of a model, in force for every request that is resolved from now on."""
        require_caller(request, parts, "admin")
        price = Price(
            id=new_id("price"),
            model=data.model,
            side=data.side,
            input_micro=to_micro(data.input),
            cached_input_micro=to_micro(data.cached_input),
            output_micro=to_micro(data.output),
            currency=data.currency,
            created_ms=clock.now_ms(),
        )
        async with parts.store.write() as connection:
            stored = await prices.insert_price(connection, price)
        return view_price(stored, await parts.catalog.refresh())

    return [list_prices, create_price]
