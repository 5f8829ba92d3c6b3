"""`longslope usage`: sums, and the rows they are made of."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from longslope.clock import clock
from longslope.store import keys, models, projects
from longslope.store.database import Store
from longslope.store.keys import Key
from longslope.store.models import Model
from longslope.store.projects import Project
from longslope.store.usage import UsageRow, append_group
from tests.integration.cli.program import Program


def noon(day: int) -> int:
    return int(datetime(2026, 1, day, 12, tzinfo=UTC).timestamp() * 1000)


def row(number: int, day: int, model: str, key: str, price: int) -> UsageRow:
    return UsageRow(
        id=f"req-{number}",
        project_id=f"proj-{key}",
        key_id=f"key-{key}",
        model=model,
        version_id=f"{model}@1",
        engine=f"{model}@1#0",
        operation="chat",
        stream=True,
        status=500 if number == 3 else 200,
        prompt_tokens=100,
        cached_tokens=10,
        completion_tokens=7,
        price_nano=price,
        cost_nano=1,
        currency="CNY",
        created_ms=noon(day),
        resolved_us=1,
        admitted_us=2,
        first_us=3_000,
        total_us=4_000,
    )


@pytest.fixture
async def used(store: Store, environment: dict[str, str]) -> Store:
    """A store with four requests on two days, of two projects with a key each."""
    environment["TZ"] = "UTC"
    now = clock.now_ms()
    async with store.write() as connection:
        for name in ("mini", "lite"):
            await models.insert_model(connection, Model(name=name, kind="chat", created_ms=now))
        for name in ("shop", "lab"):
            project = Project(
                id=f"proj-{name}",
                name=name,
                max_concurrency=1,
                max_queue=1,
                queue_deadline_ms=1,
                created_ms=now,
            )
            await projects.insert_project(connection, project)
            key = Key(
                id=f"key-{name}", project_id=project.id, name=f"{name}key", sha256=name, hint="ls-" + name,
                role="developer", created_ms=now,
            )  # fmt: skip
            await keys.insert_key(connection, key)
    rows = [
        row(1, 30, "mini", "shop", 5),
        row(2, 31, "mini", "shop", 50),
        row(3, 31, "lite", "lab", 0),
        row(4, 31, "lite", "lab", 500_000_000),
    ]
    await append_group(store, rows)
    return store


async def test_without_a_store_there_is_no_usage_and_none_is_made(longslope: Program, home: Path) -> None:
    assert "no usage yet" in (await longslope("usage")).refused()
    assert not home.exists()


async def test_sums_by_day_with_totals(longslope: Program, used: Store) -> None:
    lines = [line.split() for line in (await longslope("usage")).done().splitlines()]
    assert lines[0][:5] == ["day", "requests", "errors", "input", "cached"]
    assert lines[1][:6] == ["2026-01-30", "1", "0", "100", "10", "7"]
    assert lines[2][:6] == ["2026-01-31", "3", "1", "300", "30", "21"]
    assert lines[3][:6] == ["total", "4", "1", "400", "40", "28"]
    assert lines[3][6:8] == ["0.500000055", "CNY"]


async def test_sums_by_project_and_key_bear_their_names(longslope: Program, used: Store) -> None:
    table = (await longslope("usage", "--by", "key,project")).done()
    assert "shop" in table
    assert "labkey (ls-lab…)" in table
    body = (await longslope("usage", "--by", "project", "--json")).json
    assert [group["project"] for group in body["groups"]] == ["proj-lab", "proj-shop"]
    assert [group["price"] for group in body["groups"]] == ["0.5", "0.000000055"]
    assert body["totals"][0]["margin"] == "0.500000051"


@pytest.mark.parametrize(
    ("arguments", "requests"),
    [
        (("--since", "2026-01-31"), 3),
        (("--until", "2026-01-30"), 1),
        (("--since", "2026-01-31T12:00:01"), 0),
        (("--since", "2026-01-30", "--until", "2026-01-31"), 4),
        (("--project", "shop"), 2),
        (("--key", "labkey", "--model", "lite"), 2),
    ],
)
async def test_a_choice_of_rows(
    arguments: tuple[str, ...], requests: int, longslope: Program, used: Store
) -> None:
    totals = (await longslope("usage", "--json", *arguments)).json["totals"]
    assert sum(total["requests"] for total in totals) == requests


async def test_the_rows_give_the_same_sum(longslope: Program, used: Store, tmp_path: Path) -> None:
    text = (await longslope("usage", "--csv", "-")).done()
    read = list(csv.DictReader(io.StringIO(text)))
    assert [each["id"] for each in read] == ["req-1", "req-2", "req-3", "req-4"]
    assert sum(int(each["price_nano"]) for each in read) == 500_000_055
    written = await longslope("usage", "--csv", "u.csv", "--parquet", "u.parquet", "--since", "2026-01-31")
    assert "u.parquet: " in written.done()
    assert (tmp_path / "u.csv").read_text().count("\n") == 4
    wanted = f"SELECT sum(price_nano), count(*) FROM '{tmp_path}/u.parquet'"
    assert duckdb.execute(wanted).fetchall() == [(500_000_050, 3)]
    assert "--force" in (await longslope("usage", "--csv", "u.csv")).refused()
    assert (tmp_path / "u.csv").read_text().count("\n") == 4
    (await longslope("usage", "--csv", "u.csv", "--force")).done()
    assert (tmp_path / "u.csv").read_text().count("\n") == 5


async def test_bad_input_names_what_there_is(longslope: Program, used: Store) -> None:
    refusals = {
        ("--by", "modle"): 'Did you mean "model"?',
        ("--since", "31.01.2026"): "2026-01-31",
        ("--since", "2026-02-30"): "--since",
        ("--since", "2026-02-01", "--until", "2026-01-01"): "not before",
        ("--model", "mimi"): 'Did you mean "mini"?',
        ("--project", "shopp"): 'Did you mean "shop"?',
        ("--key", "shopkay"): 'Did you mean "shopkey"?',
        ("--parquet", "nowhere/u.parquet"): "nowhere",
    }
    for arguments, said in refusals.items():
        assert said in (await longslope("usage", *arguments)).refused(), arguments
