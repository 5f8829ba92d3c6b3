from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from longslope.clock import new_id
from longslope.store import revisions, tables
from longslope.store.database import Store, sqlite_url
from longslope.store.migrate import migrate
from longslope.store.usage import UsageRow, append_group, insert_group
from tests.integration.store.samples import usage_row


async def stored_ids(store: Store) -> set[str]:
    async with store.read() as connection:
        return set((await connection.execute(select(tables.usage.c.id))).scalars())


def with_pragma(url: str, pragma: str) -> Store:
    """A store whose SQLite connections are set up further."""
    store = Store(url)

    def configure(connection, _record) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(store.engine.sync_engine, "connect", configure)
    return store


@pytest.fixture
async def hasty_store(sqlite_store: Store) -> AsyncIterator[Store]:
    """A second store on the same file that does not wait for a lock."""
    store = with_pragma(sqlite_store.url, "busy_timeout=0")
    yield store
    await store.close()


@pytest.mark.parametrize("name", ["a b", "a%20b", "what?mode=ro", "a#b", "山坡", "it's", "a;b"])
async def test_a_home_may_have_any_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / name / "longslope.db"
    file.parent.mkdir()
    store = Store(sqlite_url(file))
    await migrate(store)
    await append_group(store, [usage_row()])
    await store.close()
    assert store.file == file
    assert file.read_bytes().startswith(b"SQLite format 3")


async def test_changes_that_read_before_they_write_lose_nothing(store: Store) -> None:
    async def change() -> None:
        async with store.write() as connection:
            await revisions.read(connection)
            await revisions.bump(connection)

    await asyncio.gather(*(change() for _ in range(12)))
    async with store.read() as connection:
        assert await revisions.read(connection) == 12


async def test_what_raises_is_rolled_back_and_the_connection_is_of_use_again(store: Store) -> None:
    for _ in range(20):  # more than the pool holds
        with pytest.raises(ZeroDivisionError):
            async with store.write() as connection:
                await insert_group(connection, [usage_row()])
                _ = 1 / 0
    assert await stored_ids(store) == set()
    await append_group(store, [usage_row()])
    assert len(await stored_ids(store)) == 1


async def test_a_reader_sees_one_moment_and_hinders_no_writer(sqlite_store: Store) -> None:
    async with sqlite_store.read() as connection:
        assert await revisions.read(connection) == 0
        async with sqlite_store.write() as other:
            await revisions.bump(other)
        assert await revisions.read(connection) == 0
    async with sqlite_store.read() as connection:
        assert await revisions.read(connection) == 1


async def test_a_lock_that_is_not_given_is_an_error_and_no_harm(
    sqlite_store: Store, hasty_store: Store
) -> None:
    row = usage_row()
    async with sqlite_store.write():
        for _ in range(20):
            with pytest.raises(OperationalError, match="locked"):
                await append_group(hasty_store, [row])
            with pytest.raises(OperationalError, match="locked"):
                async with hasty_store.write():
                    pass
    await append_group(hasty_store, [row])
    assert await stored_ids(sqlite_store) == {row.id}


async def test_a_cancelled_writer_leaves_nothing_locked(sqlite_store: Store, hasty_store: Store) -> None:
    entered = asyncio.Event()

    async def write() -> None:
        async with sqlite_store.write() as connection:
            await insert_group(connection, [usage_row()])
            entered.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(write())
    await entered.wait()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    await append_group(hasty_store, [usage_row()])
    assert len(await stored_ids(sqlite_store)) == 1


@pytest.mark.parametrize("append", ["append_group", "insert_group"])
async def test_a_full_disk_is_an_error_that_loses_nothing_committed(sqlite_store: Store, append: str) -> None:
    async with sqlite_store.read() as connection:
        pages = await connection.scalar(select(func.count()).select_from(func.dbstat()))
    full = with_pragma(sqlite_store.url, f"max_page_count={pages + 12}")

    async def write(rows: list[UsageRow]) -> None:
        if append == "append_group":
            await append_group(full, rows)
            return
        async with full.write() as connection:
            await insert_group(connection, rows)

    acknowledged: set[str] = set()
    refused: list[UsageRow] = []
    for _ in range(40):
        group = [usage_row(client_request_id=new_id("c")) for _ in range(16)]
        try:
            await write(group)
            acknowledged |= {row.id for row in group}
        except OperationalError as error:
            assert "full" in str(error)
            refused += group
    assert acknowledged
    assert refused
    assert await stored_ids(full) == acknowledged
    await full.close()
    # Room again: what was refused can be given again, and is billed.
    assert await append_group(sqlite_store, refused) == []
    assert await stored_ids(sqlite_store) == acknowledged | {row.id for row in refused}


WRITER = """
import asyncio, sys
import msgspec
from longslope.store.database import Store
from longslope.store.usage import UsageRow, append_group
async def main():
    store = Store(sys.argv[1])
    for line in sys.stdin:
        rows = msgspec.json.decode(line, type=list[UsageRow])
        await append_group(store, rows)
        print(rows[0].id, flush=True)
    await store.close()
asyncio.run(main())
"""


async def start_writer(url: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, stdin=pipe, stdout=pipe, limit=2**20
    )


def group_of(size: int) -> list[UsageRow]:
    """Rows of which every fourth is a client's retry of the one before."""
    rows: list[UsageRow] = []
    for number in range(size):
        client = rows[-1].client_request_id if number % 4 == 3 else new_id("c")
        rows.append(usage_row(client_request_id=client, price_nano=1_000))
    return rows


async def test_a_killed_writer_loses_nothing_acknowledged_and_bills_nothing_twice(store: Store) -> None:
    expected: dict[str, UsageRow] = {}
    for round_number in range(3):
        groups = [group_of(32) for _ in range(40)]
        expected |= {row.id: row for group in groups for row in group}
        writer = await start_writer(store.url)
        assert writer.stdin is not None
        assert writer.stdout is not None
        acknowledged = 0
        for ahead, group in enumerate(groups):
            writer.stdin.write(msgspec.json.encode(group) + b"\n")
            if ahead >= 6:  # so that it is killed with some groups on their way, and others not even begun
                assert await writer.stdout.readline() == f"{groups[acknowledged][0].id}\n".encode()
                acknowledged += 1
            if acknowledged == 5 + 7 * round_number:
                break
        writer.kill()
        acknowledged += len((await writer.stdout.read()).splitlines())
        await writer.wait()
        assert await stored_ids(store) >= {row.id for group in groups[:acknowledged] for row in group}
        # What was in doubt is given again, whether its commit arrived or not, and so is the last known one.
        for group in groups[acknowledged - 1 :]:
            await append_group(store, group)
    assert await stored_ids(store) == set(expected)
    async with store.read() as connection:
        billed = await connection.scalar(select(func.sum(tables.usage.c.price_nano)))
    assert billed == len(expected) * 3 // 4 * 1_000


async def test_two_processes_write_one_database(store: Store) -> None:
    groups = [[group_of(16) for _ in range(30)] for _ in range(2)]
    writers = [await start_writer(store.url) for _ in groups]

    async def feed(writer: asyncio.subprocess.Process, own: list[list[UsageRow]]) -> None:
        lines = b"".join(msgspec.json.encode(group) + b"\n" for group in own)
        answers, _ = await writer.communicate(lines)
        assert answers.split() == [group[0].id.encode() for group in own]
        assert writer.returncode == 0

    await asyncio.gather(*(feed(writer, own) for writer, own in zip(writers, groups, strict=True)))
    assert await stored_ids(store) == {row.id for own in groups for group in own for row in group}
