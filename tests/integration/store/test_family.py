"""Models, versions, endpoints with their bindings, and prices."""

from __future__ import annotations

import asyncio

import pytest

from longslope.clock import new_id
from longslope.errors import Conflict, InvalidRequest, ModelNotFound, NotFound
from longslope.store import revisions
from longslope.store.database import Store
from longslope.store.endpoints import (
    Binding,
    current_bindings,
    get_endpoint,
    insert_binding,
    insert_endpoint,
    list_bindings,
    list_endpoints,
    remove_endpoint,
)
from longslope.store.models import find_model, get_model, insert_model, list_models, remove_model
from longslope.store.prices import current_prices, get_price, insert_price, list_prices
from longslope.store.versions import get_version, insert_version, list_versions, next_number
from tests.integration.store.samples import endpoint, model, price, version


@pytest.fixture
async def family(store: Store) -> Store:
    """A store with the model `mini` and its versions 1 and 2."""
    async with store.write() as connection:
        await insert_model(connection, model("mini"))
        await insert_version(connection, version("mini", 1))
        await insert_version(connection, version("mini", 2, parent="mini@1"))
    return store


def binding(endpoint_id: str, version_id: str, created_ms: int) -> Binding:
    return Binding(id=new_id("bind"), endpoint_id=endpoint_id, version_id=version_id, created_ms=created_ms)


async def test_a_model_removed_and_added_again_has_its_versions(family: Store) -> None:
    async with family.write() as connection:
        await remove_model(connection, "mini", 5)
        await remove_model(connection, "mini", 6)
        assert (await get_model(connection, "mini")).removed_ms == 5
        await insert_model(connection, model("mini", summary="back"))
        back = await get_model(connection, "mini")
        assert (back.removed_ms, back.summary) == (None, "back")
        assert [each.id for each in await list_versions(connection, "mini")] == ["mini@1", "mini@2"]
        assert await next_number(connection, "mini") == 3
        assert await next_number(connection, "other") == 1


async def test_a_models_name_is_taken_once_and_keeps_its_kind(family: Store) -> None:
    with pytest.raises(Conflict, match='"mini"'):
        async with family.write() as connection:
            await insert_model(connection, model("mini"))
    async with family.write() as connection:
        await remove_model(connection, "mini", 5)
    with pytest.raises(Conflict, match="another name"):
        async with family.write() as connection:
            await insert_model(connection, model("mini", kind="embedding"))


async def test_models_are_listed_by_name_and_the_nearest_is_named(family: Store) -> None:
    async with family.write() as connection:
        await insert_model(connection, model("embedding", kind="embedding"))
        assert [each.name for each in await list_models(connection)] == ["embedding", "mini"]
        assert await find_model(connection, "nimi") is None
        with pytest.raises(ModelNotFound, match='Did you mean "mini"'):
            await get_model(connection, "minni")
        with pytest.raises(ModelNotFound, match='Did you mean "mini@2"'):
            await get_version(connection, "mini@3")


@pytest.mark.parametrize("name", ["", "a b", "mini@1", "a/b", "-x", "模型", "x" * 65, "a\x00"])
async def test_a_models_name_is_plain(store: Store, name: str) -> None:
    async with store.write() as connection:
        with pytest.raises(InvalidRequest, match="no model name"):
            await insert_model(connection, model(name))


async def test_a_version_comes_back_with_its_lineage_and_settings(family: Store) -> None:
    made = version(
        "mini",
        3,
        parent="mini@2",
        engine="upstream",
        settings={"base_url": "https://example.com/v1", "slots": 4, "nested": {"on": True}},
        weights=None,
        bytes=2**40,
    )
    async with family.write() as connection:
        await insert_version(connection, made)
    async with family.read() as connection:
        assert await get_version(connection, "mini@3") == made


async def test_versions_never_change(family: Store) -> None:
    with pytest.raises(Conflict, match='"mini@2"'):
        async with family.write() as connection:
            await insert_version(connection, version("mini", 2, origin="another"))


@pytest.mark.parametrize(
    ("changes", "kind", "named"),
    [
        ({"model": "maxi", "id": "maxi@1", "number": 1}, ModelNotFound, '"maxi"'),
        ({"parent": "mini@9"}, ModelNotFound, '"mini@9"'),
        ({"id": "mini@4"}, InvalidRequest, '"mini@3"'),
        ({"number": 0, "id": "mini@0"}, InvalidRequest, "between 1"),
        ({"engine": "lama"}, InvalidRequest, 'Did you mean "llama"'),
        ({"context_length": 0}, InvalidRequest, "context_length"),
        ({"independence": "x" * 65}, InvalidRequest, "64"),
    ],
)
async def test_what_no_version_can_be_is_refused(
    family: Store, changes: dict[str, object], kind: type[Exception], named: str
) -> None:
    async with family.write() as connection:
        with pytest.raises(kind, match=named):
            await insert_version(connection, version(**({"model_name": "mini", "number": 3} | changes)))


async def test_the_newest_binding_is_in_force_even_where_the_clock_was_set_back(family: Store) -> None:
    way = endpoint()
    async with family.write() as connection:
        await insert_endpoint(connection, way)
        first = await insert_binding(connection, binding(way.id, "mini@1", 10_000))
        second = await insert_binding(connection, binding(way.id, "mini@2", 3_000))
    assert (first.created_ms, second.created_ms) == (10_000, 10_001)
    async with family.read() as connection:
        assert await current_bindings(connection) == {way.id: second}
        assert await list_bindings(connection, way.id) == [second, first]


async def test_endpoints_that_bind_at_the_same_moment_follow_one_another(family: Store) -> None:
    way = endpoint()
    async with family.write() as connection:
        await insert_endpoint(connection, way)

    async def bind() -> None:
        async with family.write() as connection:
            await insert_binding(connection, binding(way.id, "mini@1", 5))

    await asyncio.gather(*(bind() for _ in range(6)))
    async with family.read() as connection:
        moments = [each.created_ms for each in await list_bindings(connection, way.id)]
        assert len(set(moments)) == 6
        assert await revisions.read(connection) == 4 + 6


async def test_an_endpoints_name_is_free_again_once_it_is_removed(family: Store) -> None:
    first, second = endpoint(name="chat"), endpoint(name="chat")
    async with family.write() as connection:
        await insert_endpoint(connection, first)
    with pytest.raises(Conflict, match='"chat"'):
        async with family.write() as connection:
            await insert_endpoint(connection, second)
    async with family.write() as connection:
        await remove_endpoint(connection, first.id, 7)
        await insert_endpoint(connection, second)
        assert (await get_endpoint(connection, first.id)).removed_ms == 7
        assert {each.id for each in await list_endpoints(connection)} == {first.id, second.id}
        with pytest.raises(Conflict, match="removed"):
            await insert_binding(connection, binding(first.id, "mini@1", 5))
        with pytest.raises(ModelNotFound, match="mini@7"):
            await insert_binding(connection, binding(second.id, "mini@7", 5))
        with pytest.raises(ModelNotFound, match="ep-none"):
            await insert_binding(connection, binding("ep-none", "mini@1", 5))


async def test_the_newest_price_of_each_side_is_in_force(family: Store) -> None:
    async with family.write() as connection:
        old = await insert_price(connection, price(created_ms=9_000, input_micro=1))
        new = await insert_price(connection, price(created_ms=2_000, input_micro=2))
        cost = await insert_price(connection, price(created_ms=1_000, side="cost"))
    assert new.created_ms == 9_001
    async with family.read() as connection:
        assert await current_prices(connection) == {("mini", "price"): new, ("mini", "cost"): cost}
        assert await list_prices(connection, "mini") == [new, old, cost]
        assert await list_prices(connection, "other") == []
        assert await get_price(connection, old.id) == old
        with pytest.raises(NotFound, match="price-none"):
            await get_price(connection, "price-none")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"input_micro": -1}, "-1"),
        ({"output_micro": 10**12 + 1}, str(10**12)),
        ({"currency": "yuan"}, "three capital letters"),
        ({"side": "prize"}, 'Did you mean "price"'),
    ],
)
async def test_what_no_price_can_be_is_refused(family: Store, changes: dict[str, object], named: str) -> None:
    async with family.write() as connection:
        with pytest.raises(InvalidRequest, match=named):
            await insert_price(connection, price(**changes))
        with pytest.raises(ModelNotFound, match="maxi"):
            await insert_price(connection, price("maxi"))
