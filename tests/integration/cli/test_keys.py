"""`longslope keys`: with and without a longslope on the home."""

from __future__ import annotations

import stat
from pathlib import Path

from longslope.catalog.snapshot import Catalog
from longslope.gateway.auth import authenticate
from longslope.store.database import Store
from longslope.store.keys import hash_secret
from tests.integration.cli.program import Program


async def test_to_look_makes_nothing(longslope: Program, home: Path) -> None:
    ended = await longslope("keys", "list")
    assert ended.status == 0
    assert "longslope keys create" in ended.out
    assert not home.exists()
    assert "no longslope has run" in (await longslope("keys", "revoke", "ci")).refused()
    assert not home.exists()


async def test_a_key_is_made_shown_once_listed_and_revoked(longslope: Program, home: Path) -> None:
    created = await longslope("keys", "create", "ci", "--models", "mini,lite", "--ips", "10.0.0.0/8")
    secret = created.done().strip()
    assert secret.startswith("ls-")
    assert "only time" in created.err
    assert secret not in created.err
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert all(secret.encode() not in file.read_bytes() for file in home.iterdir())

    (listed,) = (await longslope("keys", "list", "--json")).json
    assert (listed["name"], listed["project"], listed["role"]) == ("ci", "default", "developer")
    assert (listed["models"], listed["ips"], listed["state"]) == (["mini", "lite"], ["10.0.0.0/8"], "active")
    assert secret.startswith(listed["hint"])
    table = (await longslope("keys", "list")).done()
    assert listed["id"] in table
    assert secret not in table

    assert (await longslope("keys", "revoke", "ci")).done() == f"{listed['id']} (ci): revoked\n"
    assert "revoked already" in (await longslope("keys", "revoke", listed["id"])).done()
    assert (await longslope("keys", "list", "--json")).json[0]["state"] == "revoked"


async def test_a_running_longslope_follows(longslope: Program, store: Store) -> None:
    catalog = await Catalog.open(store)
    created = (await longslope("keys", "create", "me", "--role", "admin", "--json")).json
    snapshot = await catalog.refresh()
    assert authenticate(snapshot, f"Bearer {created['secret']}", "127.0.0.1").key.id == created["id"]
    (await longslope("keys", "revoke", "me")).done()
    assert (await catalog.refresh()).keys_by_id[created["id"]].revoked_ms is not None


async def test_bad_input_changes_nothing(longslope: Program, home: Path) -> None:
    (await longslope("keys", "create", "first")).done()
    refusals = {
        ("create", "x", "--models", "mimi"): 'Did you mean "mini"?',
        ("create", "x", "--ips", "10.0.0.0/99"): "neither an address nor a network",
        ("create", "x", "--expires", "2020-01-01"): "has passed",
        ("create", "x", "--expires", "soon"): "2026-01-31",
        ("create", "x", "--project", "defaults"): 'Did you mean "default"?',
        ("create", "x", "--role", "root"): '"admin", "developer", "viewer"',
        ("create", " "): "begins or ends with a blank",
        ("revoke", "fisrt"): 'Did you mean "first"?',
        ("revoke",): "No key is named",
    }
    for arguments, said in refusals.items():
        assert said in (await longslope("keys", *arguments)).refused(), arguments
    (only,) = (await longslope("keys", "list", "--json")).json
    assert (only["name"], only["state"]) == ("first", "active")


async def test_two_keys_of_a_name_are_told_apart_by_id(longslope: Program) -> None:
    ids = [(await longslope("keys", "create", "ci", "--json")).json["id"] for _ in range(2)]
    refused = (await longslope("keys", "revoke", "ci")).refused()
    assert all(key in refused for key in ids)
    (await longslope("keys", "revoke", ids[0])).done()
    assert ids[1] in (await longslope("keys", "revoke", "ci")).done()


async def test_the_key_that_this_machine_signs_in_with_is_not_revoked_by_the_way(
    longslope: Program, home: Path
) -> None:
    created = (await longslope("keys", "create", "admin", "--role", "admin", "--json")).json
    (home / "admin.key").write_text(created["secret"] + "\n")
    assert "--yes" in (await longslope("keys", "revoke", "admin")).refused()
    assert (await longslope("keys", "list", "--json")).json[0]["state"] == "active"
    (await longslope("keys", "revoke", "admin", "--yes")).done()
    assert hash_secret(created["secret"]) not in (await longslope("keys", "list")).out
    assert (await longslope("keys", "list", "--json")).json[0]["state"] == "revoked"
