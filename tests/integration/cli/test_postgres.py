"""The same commands where the store is Postgres."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.program import Program


@pytest.fixture(autouse=True)
def on_postgres(environment: dict[str, str], postgres_url: str) -> None:
    environment["LONGSLOPE_DATABASE_URL"] = postgres_url


async def test_keys_models_and_usage_live_in_postgres(longslope: Program, home: Path) -> None:
    created = (await longslope("keys", "create", "ci", "--json")).json
    assert [key["id"] for key in (await longslope("keys", "list", "--json")).json] == [created["id"]]
    added = await longslope("models", "add", "big", "--url", "http://127.0.0.1:1/v1", "--model", "q")
    assert "big@1" in added.done()
    assert (await longslope("usage", "--model", "big")).done() == "No request in this span.\n"
    assert not (home / "longslope.db").exists()
    doctor = (await longslope("doctor", "--no-engine", "--json")).json
    store = next(check for check in doctor if check["name"] == "store")
    assert (store["state"], "Postgres" in store["found"]) == ("ok", True)


async def test_its_own_tools_back_it_up(longslope: Program) -> None:
    (await longslope("keys", "create", "ci")).done()
    assert "pg_dump" in (await longslope("backup", "b.tar.gz")).refused()
