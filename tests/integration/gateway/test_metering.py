"""The writer of usage rows on a real store: in groups, durable on return, and patient when writing fails."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from longslope.errors import MeteringUnavailable
from longslope.gateway.metering import Meter
from longslope.store.database import Store, sqlite_url
from longslope.store.migrate import migrate
from longslope.store.usage import UsageRow
from tests.integration.gateway.calls import eventually
from tests.integration.store.samples import usage_row


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "longslope.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    store = Store(sqlite_url(file))
    await migrate(store)
    yield store
    await store.close()


@pytest.fixture
async def meter(store: Store) -> AsyncIterator[Meter]:
    meter = Meter(store, group=8)
    meter.start()
    yield meter
    await meter.close()


def stored(file: Path) -> list[str]:
    """The ids in the file, as another process sees them."""
    connection = sqlite3.connect(file)
    try:
        return [id_ for (id_,) in connection.execute("SELECT id FROM usage ORDER BY rowid")]
    finally:
        connection.close()


def rename(file: Path, old: str, new: str) -> None:
    """Takes a table away from the writer, or gives it back."""
    connection = sqlite3.connect(file, timeout=30)
    connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
    connection.close()


async def test_a_recorded_row_is_durable_when_recording_returns(meter: Meter, file: Path) -> None:
    for _ in range(3):
        row = usage_row()
        await meter.record(row)
        assert row.id in stored(file)
    assert (meter.backlog, meter.written) == (0, 3)


async def test_rows_that_come_together_are_written_together_and_in_order(meter: Meter, file: Path) -> None:
    rows = [usage_row() for _ in range(100)]
    await asyncio.gather(*(meter.record(row) for row in rows))
    assert stored(file) == [row.id for row in rows]
    assert meter.written == 100


async def test_an_appended_row_is_written_without_anyone_waiting(meter: Meter, file: Path) -> None:
    row = usage_row(status=499)
    meter.append(row)
    assert meter.backlog == 1
    await eventually(lambda: stored(file) == [row.id])
    await eventually(lambda: meter.backlog == 0)


async def test_while_writing_fails_answers_end_rows_wait_and_nothing_new_is_begun(
    meter: Meter, file: Path
) -> None:
    rename(file, "usage", "away")
    kept = [usage_row() for _ in range(20)]
    await asyncio.gather(*(meter.record(row) for row in kept[:10]))  # they return, though nothing is written
    assert meter.failure is not None
    assert "usage" in meter.failure
    with pytest.raises(MeteringUnavailable, match="10 rows wait") as refused:
        meter.check()
    assert refused.value.retry_after_s
    for row in kept[10:15]:
        await meter.record(row)
    for row in kept[15:]:
        meter.append(row)
    assert (meter.backlog, meter.written) == (20, 0)

    rename(file, "away", "usage")
    await eventually(lambda: meter.backlog == 0)
    assert stored(file) == [row.id for row in kept]
    assert meter.failure is None
    meter.check()
    await meter.record(usage_row())
    assert len(stored(file)) == 21


async def test_one_who_leaves_while_the_row_is_written_does_not_stop_it(meter: Meter, file: Path) -> None:
    rows = [usage_row() for _ in range(30)]
    recording = [asyncio.ensure_future(meter.record(row)) for row in rows]
    await asyncio.sleep(0)
    for each in recording[::2]:
        each.cancel()
    await asyncio.wait(recording)
    await eventually(lambda: meter.backlog == 0)
    assert sorted(stored(file)) == sorted(row.id for row in rows)


async def test_closing_writes_what_is_left(store: Store, file: Path) -> None:
    meter = Meter(store, group=8)
    meter.start()
    rows = [usage_row() for _ in range(50)]
    for row in rows:
        meter.append(row)
    await meter.close()
    assert stored(file) == [row.id for row in rows]


async def test_closing_waits_a_while_for_a_store_that_comes_back(store: Store, file: Path) -> None:
    meter = Meter(store, group=8)
    meter.start()
    rename(file, "usage", "away")
    row = usage_row()
    await meter.record(row)
    assert meter.failure
    closing = asyncio.ensure_future(meter.close())
    rename(file, "away", "usage")
    await closing
    assert stored(file) == [row.id]


async def test_closing_gives_up_on_a_store_that_does_not_and_says_what_is_lost(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("longslope.gateway.metering.RETRY_SECONDS", 0.001)
    meter = Meter(store, group=8)
    meter.start()
    rename(file, "usage", "away")
    row: UsageRow = usage_row(completion_tokens=4711)
    meter.append(row)
    await meter.close()
    lines = capsys.readouterr().out.splitlines()
    said = next(line for line in lines if "usage_rows_lost_at_exit" in line)
    assert row.id in said
    assert "4711" in said, "the row cannot be put in by hand"
    rename(file, "away", "usage")


async def test_an_idle_writer_closes_at_once(store: Store) -> None:
    meter = Meter(store, group=8)
    meter.start()
    await asyncio.wait_for(meter.close(), 5)


async def test_the_same_row_twice_is_one(meter: Meter, file: Path) -> None:
    row = usage_row()
    await meter.record(row)
    await meter.record(row)
    assert stored(file) == [row.id]
