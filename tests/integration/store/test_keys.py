from __future__ import annotations

import pytest

from longslope.errors import Conflict, InvalidRequest, NotFound
from longslope.store import keys, revisions
from longslope.store.database import Store
from longslope.store.keys import find_key, get_key, insert_key, list_keys, revoke_key
from longslope.store.projects import archive_project, insert_project
from tests.integration.store.samples import key, project


async def test_a_key_is_found_by_the_hash_of_its_secret(store: Store) -> None:
    owner = project()
    secret = keys.new_secret()
    made = key(
        owner.id,
        sha256=keys.hash_secret(secret),
        allowed_models=("mini", "ep-x"),
        allowed_ips=("10.0.0.0/8", "::1", "192.168.1.7"),
        expires_ms=4_000_000_000_000,
    )
    async with store.write() as connection:
        await insert_project(connection, owner)
        await insert_key(connection, made)
    async with store.read() as connection:
        assert await find_key(connection, keys.hash_secret(secret)) == made
        assert await find_key(connection, keys.hash_secret(secret + "x")) is None
        assert await get_key(connection, made.id) == made
        assert await list_keys(connection, owner.id) == [made]
        assert await list_keys(connection, "proj-other") == []
        assert await list_keys(connection) == [made]


async def test_a_revoked_key_keeps_its_first_moment_and_raises_the_revision_once(store: Store) -> None:
    owner = project()
    made = key(owner.id)
    async with store.write() as connection:
        await insert_project(connection, owner)
        await insert_key(connection, made)
    before = await revision(store)
    for at_ms in (1_000, 2_000):
        async with store.write() as connection:
            await revoke_key(connection, made.id, at_ms)
    async with store.read() as connection:
        assert (await get_key(connection, made.id)).revoked_ms == 1_000
    assert await revision(store) == before + 1


async def revision(store: Store) -> int:
    async with store.read() as connection:
        return await revisions.read(connection)


async def test_a_key_needs_a_living_project(store: Store) -> None:
    owner = project()
    with pytest.raises(NotFound, match="proj-none"):
        async with store.write() as connection:
            await insert_key(connection, key("proj-none"))
    async with store.write() as connection:
        await insert_project(connection, owner)
        await archive_project(connection, owner.id, 1)
    with pytest.raises(Conflict, match="archived"):
        async with store.write() as connection:
            await insert_key(connection, key(owner.id))


async def test_a_secret_is_stored_once(store: Store) -> None:
    owner = project()
    async with store.write() as connection:
        await insert_project(connection, owner)
        await insert_key(connection, key(owner.id, sha256="a" * 64))
    with pytest.raises(Conflict):
        async with store.write() as connection:
            await insert_key(connection, key(owner.id, sha256="a" * 64))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": ""}, "between 1 and 128"),
        ({"role": "root"}, '"admin"'),
        ({"allowed_ips": ("10.0.0.0/33",)}, "10.0.0.0/33"),
        ({"allowed_ips": ("localhost",)}, "neither an address nor a network"),
        ({"allowed_models": ("",)}, "between 1 and 80"),
        ({"hint": "x" * 17}, "16"),
    ],
)
async def test_what_cannot_be_is_refused(store: Store, changes: dict[str, object], named: str) -> None:
    owner = project()
    async with store.write() as connection:
        await insert_project(connection, owner)
        with pytest.raises(InvalidRequest, match=named):
            await insert_key(connection, key(owner.id, **changes))
        assert await list_keys(connection) == []
