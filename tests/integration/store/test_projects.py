from __future__ import annotations

import pytest

from longslope.clock import clock
from longslope.errors import Conflict, InvalidRequest, NotFound
from longslope.store import revisions
from longslope.store.database import Store
from longslope.store.projects import (
    archive_project,
    get_project,
    insert_project,
    list_projects,
    update_project,
)
from tests.integration.store.samples import project


async def test_a_project_comes_back_as_it_was_given(store: Store) -> None:
    first, second = project(name="旅行助手 🧭", trace="content"), project(created_ms=clock.now_ms() + 1)
    async with store.write() as connection:
        await insert_project(connection, second)
        await insert_project(connection, first)
    async with store.read() as connection:
        assert await get_project(connection, first.id) == first
        assert await list_projects(connection) == [first, second]


async def test_a_name_is_taken_once_even_by_an_archived_project(store: Store) -> None:
    taken = project(name="shop")
    async with store.write() as connection:
        await insert_project(connection, taken)
        await archive_project(connection, taken.id, clock.now_ms())
    with pytest.raises(Conflict, match='"shop"'):
        async with store.write() as connection:
            await insert_project(connection, project(name="shop"))
    other = project(name="other")
    async with store.write() as connection:
        await insert_project(connection, other)
    with pytest.raises(Conflict, match='"shop"'):
        async with store.write() as connection:
            await update_project(connection, project(id=other.id, name="shop"))


async def test_a_project_changes_but_for_its_id_and_age(store: Store) -> None:
    old = project()
    new = project(id=old.id, name="renamed", trace="none", max_concurrency=9, created_ms=1)
    async with store.write() as connection:
        await insert_project(connection, old)
        await update_project(connection, new)
        stored = await get_project(connection, old.id)
    assert (stored.name, stored.trace, stored.max_concurrency) == ("renamed", "none", 9)
    assert stored.created_ms == old.created_ms


async def test_archiving_twice_keeps_the_first_moment(store: Store) -> None:
    archived = project()
    async with store.write() as connection:
        await insert_project(connection, archived)
        await archive_project(connection, archived.id, 1_000)
        await archive_project(connection, archived.id, 2_000)
        assert (await get_project(connection, archived.id)).archived_ms == 1_000


@pytest.mark.parametrize("unknown", ["proj-none", "", "a\x00b", "\ud800", "x" * 5_000])
async def test_an_unknown_project_is_not_found(store: Store, unknown: str) -> None:
    async with store.write() as connection:
        with pytest.raises(NotFound):
            await get_project(connection, unknown)
        with pytest.raises(NotFound):
            await archive_project(connection, unknown, 1)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": ""}, "between 1 and 128"),
        ({"name": "x" * 129}, "129"),
        ({"name": " blank "}, "blank"),
        ({"name": "a\x00b"}, "cannot be shown"),
        ({"name": "a\nb"}, "cannot be shown"),
        ({"name": "\ud800"}, "cannot be shown"),
        ({"id": "x" * 41}, "40"),
        ({"trace": "contents"}, 'Did you mean "content"'),
        ({"max_concurrency": 0}, "between 1 and"),
        ({"max_queue": -1}, "-1"),
        ({"queue_deadline_ms": 2**40}, str(2**40)),
    ],
)
async def test_what_cannot_be_is_refused_with_the_value_and_the_bounds(
    store: Store, changes: dict[str, object], named: str
) -> None:
    async with store.write() as connection:
        with pytest.raises(InvalidRequest, match=named) as raised:
            await insert_project(connection, project(**changes))
        assert await list_projects(connection) == []
    assert raised.value.param in changes


async def test_every_change_raises_the_revision_and_a_failed_one_does_not(store: Store) -> None:
    async with store.read() as connection:
        assert await revisions.read(connection) == 0
    made = project()
    async with store.write() as connection:
        await insert_project(connection, made)
    async with store.write() as connection:
        await update_project(connection, made)
    async with store.write() as connection:
        await archive_project(connection, made.id, 1)
    with pytest.raises(Conflict):
        async with store.write() as connection:
            await insert_project(connection, project(name=made.name))
    async with store.read() as connection:
        assert await revisions.read(connection) == 3
