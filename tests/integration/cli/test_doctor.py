"""`longslope doctor`: what it finds on homes that are well, ill and absent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from longslope.store.database import Store
from tests.integration.cli.fake_server import FakeServer
from tests.integration.cli.program import Ended, Program
from tests.server import Platform
from tests.weights import lay_weights


def checks_of(ended: Ended) -> dict[str, dict[str, Any]]:
    assert "Traceback" not in ended.err
    found = {check["name"]: check for check in ended.json}
    assert all(check["cure"] for check in found.values() if check["state"] != "ok")
    return found


@pytest.fixture(autouse=True)
def free_port(environment: dict[str, str], unused_tcp_port: int) -> None:
    environment["LONGSLOPE_PORT"] = str(unused_tcp_port)


async def test_a_new_machine_is_well_and_nothing_is_made(longslope: Program, home: Path) -> None:
    ended = await longslope("doctor")
    assert ended.status == 0, ended.out
    assert not home.exists()
    assert "longslope models pull mini" in ended.out
    checks = checks_of(await longslope("doctor", "--json"))
    assert checks["store"]["state"] == "ok"
    assert checks["weights of mini"]["state"] == "warn"
    assert checks["engine"]["state"] == "warn"
    assert checks["disk"]["figures"]["missing_bytes"] > 600_000_000


async def test_a_real_engine_is_started_and_timed(longslope: Program, home: Path) -> None:
    lay_weights(home, ["mini"])
    home.chmod(0o700)
    ended = await longslope("doctor", "--json", LONGSLOPE_MODELS="mini,")
    checks = checks_of(ended)
    assert checks["weights of mini"]["state"] == "ok"
    engine = checks["engine"]
    assert engine["state"] != "fail", engine
    assert "mini" in engine["found"]
    if engine["figures"]:  # none where the machine is too busy to answer in time
        assert engine["figures"]["prefill"] > 0
        assert engine["figures"]["decode"] > 0


async def test_a_damaged_database_fails_with_the_way_back(
    longslope: Program, store: Store, home: Path
) -> None:
    checks = checks_of(await longslope("doctor", "--no-engine", "--json"))
    assert checks["store"]["state"] == "ok"
    await store.close()
    file = home / "longslope.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * 8192 + whole[12288:])
    ended = await longslope("doctor", "--no-engine", "--json")
    check = checks_of(ended)["store"]
    assert (ended.status, check["state"]) == (1, "fail")
    assert "longslope restore" in check["cure"]
    file.write_bytes(b"this is no database at all, whatever it is" * 100)
    assert checks_of(await longslope("doctor", "--no-engine", "--json"))["store"]["state"] == "fail"


async def test_a_database_of_a_newer_longslope_fails(longslope: Program, store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '999'"))
    check = checks_of(await longslope("doctor", "--no-engine", "--json"))["store"]
    assert (check["state"], check["cure"]) == ("fail", "Upgrade longslope.")
    assert "999" in check["found"]


async def test_rows_that_refer_to_nothing_are_found(longslope: Program, store: Store) -> None:
    async with store.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.executescript(
            "PRAGMA foreign_keys=OFF;"
            "INSERT INTO bindings VALUES ('bind-1', 'ep-gone', 'mini@1', 1);"
            "PRAGMA foreign_keys=ON;"
        )
    check = checks_of(await longslope("doctor", "--no-engine", "--json"))["store"]
    assert check["state"] == "fail"
    assert "bindings" in check["found"]


async def test_upstreams_are_asked(
    longslope: Program, fake_server: FakeServer, environment: dict[str, str]
) -> None:
    address = environment["LONGSLOPE_ADDRESS"]
    for name, url, secret in (
        ("good", f"{address}/v1", "ls-test"),
        ("wrong", f"{address}/v1", "ls-wrong"),
        ("gone", "http://127.0.0.1:1/v1", "ls-test"),
    ):
        added = await longslope(
            "models", "add", name, "--url", url, "--model", "mini", "--secret-env", "SECRET", SECRET=secret
        )
        added.done()
    ended = await longslope("doctor", "--no-engine", "--json")
    checks = checks_of(ended)
    states = {name: checks[f"upstream {name}"]["state"] for name in ("good", "wrong", "gone")}
    assert states == {"good": "ok", "wrong": "fail", "gone": "fail"}
    assert "secret" in checks["upstream wrong"]["found"]
    assert ended.status == 1


async def test_impossible_settings_end_the_examination(longslope: Program) -> None:
    ended = await longslope("doctor", "--json", LONGSLOPE_PORT="-1")
    assert ended.status == 1
    assert checks_of(ended)["settings"]["state"] == "fail"
    ended = await longslope("doctor", "--json", LONGSLOPE_MODELS="mimi")
    assert 'Did you mean "mini"?' in checks_of(ended)["settings"]["found"]


async def test_an_unreachable_database_fails(longslope: Program) -> None:
    url = "postgresql+asyncpg://me:secret@127.0.0.1:1/longslope"
    ended = await longslope("doctor", "--no-engine", "--json", LONGSLOPE_DATABASE_URL=url)
    check = checks_of(ended)["store"]
    assert check["state"] == "fail"
    assert "database_url" in check["cure"]
    assert "secret" not in ended.out


async def test_a_running_longslope_is_recognised(
    longslope: Program, start_platform: Callable[..., Platform], home: Path
) -> None:
    platform = start_platform(models=(), home=home)
    port = platform.url.rpartition(":")[2]
    checks = checks_of(await longslope("doctor", "--no-engine", "--json", LONGSLOPE_PORT=port))
    assert checks["address"]["state"] == "ok"
    assert "runs at" in checks["address"]["found"]
