"""The key in admin.key: made once, kept, and replaced when it opens nothing any more."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from longslope.clock import clock
from longslope.gateway.first_key import ensure_first_key, session_secret
from longslope.settings import Settings
from longslope.store import keys, projects
from longslope.store.database import Store, sqlite_url
from longslope.store.keys import Key
from longslope.store.migrate import migrate
from tests.integration.store import samples


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(sqlite_url(tmp_path / "longslope.db"))
    await migrate(store)
    yield store
    await store.close()


async def key_in(store: Store, home: Path) -> Key | None:
    """The key whose secret is in the file."""
    secret = (home / "admin.key").read_text().strip()
    async with store.read() as connection:
        return await keys.find_key(connection, keys.hash_secret(secret))


async def test_the_first_start_makes_a_project_and_a_key_that_only_its_owner_reads(
    store: Store, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, project_concurrency=7, project_queue=3)
    made = await ensure_first_key(store, tmp_path, settings)
    key = await key_in(store, tmp_path)
    assert key is not None
    assert (key.id, key.role) == (made, "admin")
    assert stat.S_IMODE((tmp_path / "admin.key").stat().st_mode) == 0o600
    async with store.read() as connection:
        [project] = await projects.list_projects(connection)
    assert (project.name, project.max_concurrency, project.max_queue) == ("default", 7, 3)
    assert await ensure_first_key(store, tmp_path, settings) == made
    assert await key_in(store, tmp_path) == key


@pytest.mark.parametrize("fate", ["revoked", "expired", "file lost", "file of another home", "file empty"])
async def test_a_key_that_opens_nothing_is_replaced(store: Store, tmp_path: Path, fate: str) -> None:
    settings, file = Settings(home=tmp_path), tmp_path / "admin.key"
    first = await ensure_first_key(store, tmp_path, settings)
    if fate == "revoked":
        async with store.write() as connection:
            await keys.revoke_key(connection, first, clock.now_ms())
    elif fate == "expired":
        secret = keys.new_secret()
        async with store.write() as connection:
            project_id = (await keys.get_key(connection, first)).project_id
            sha256 = keys.hash_secret(secret)
            await keys.insert_key(
                connection, samples.key(project_id, sha256=sha256, role="admin", expires_ms=1)
            )
        file.write_text(secret)
    elif fate == "file lost":
        file.unlink()
    else:
        file.write_text("" if fate == "file empty" else keys.new_secret())
    second = await ensure_first_key(store, tmp_path, settings)
    key = await key_in(store, tmp_path)
    assert key is not None
    assert (key.id, key.revoked_ms, key.expires_ms) == (second, None, None)
    assert second != first
    async with store.read() as connection:
        assert len(await projects.list_projects(connection)) == 1
    assert await ensure_first_key(store, tmp_path, settings) == second


def test_the_cookies_secret_is_made_once(tmp_path: Path) -> None:
    made = session_secret(tmp_path)
    assert len(made) == 64
    assert session_secret(tmp_path) == made
    assert stat.S_IMODE((tmp_path / "session.key").stat().st_mode) == 0o600
