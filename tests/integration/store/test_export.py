from __future__ import annotations

import asyncio
import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import msgspec
import pytest

from longslope.errors import PlatformError
from longslope.store.database import Store
from longslope.store.export import usage_csv, usage_parquet
from longslope.store.parquet import make_parquet
from longslope.store.usage import COLUMNS, UsageRow, append_group
from longslope.store.usage_query import UsageQuery
from tests.integration.store.samples import usage_row


@pytest.fixture
async def rows(store: Store) -> list[UsageRow]:
    """Rows with every kind of value, in the store and oldest first."""
    made = [
        usage_row(created_ms=1, client_request_id='says "hi", twice\r\n', error_code=""),
        usage_row(created_ms=2, client_request_id="=HYPERLINK(1)", finish_reason=None),
        usage_row(created_ms=3, client_request_id="订单—7", stream=True, endpoint_id="ep-1"),
        usage_row(created_ms=4, client_request_id="null", total_us=2**49, status=503),
        *(usage_row(created_ms=5 + number) for number in range(2_500)),
    ]
    await append_group(store, made)
    return made


async def whole(parts) -> bytes:
    return b"".join([part async for part in parts])


async def test_csv_holds_every_row_and_no_formula(store: Store, rows: list[UsageRow]) -> None:
    text = (await whole(usage_csv(store, UsageQuery()))).decode()
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == COLUMNS
    expected = [
        ["" if value is None else str(value) for value in msgspec.structs.astuple(row)] for row in rows
    ]
    expected[1][COLUMNS.index("client_request_id")] = "'=HYPERLINK(1)"
    assert lines == expected


async def test_csv_of_nothing_is_its_header(store: Store) -> None:
    assert await whole(usage_csv(store, UsageQuery())) == (",".join(COLUMNS) + "\r\n").encode()


async def test_parquet_holds_every_value_as_it_is(store: Store, rows: list[UsageRow], tmp_path: Path) -> None:
    home = tmp_path / "it's home"
    file = tmp_path / "usage.parquet"
    file.write_bytes(await whole(usage_parquet(store, UsageQuery(to_ms=2_000), home)))
    with duckdb.connect() as database:
        found = database.execute("FROM read_parquet(?)", [str(file)])
        assert tuple(column[0] for column in found.description) == COLUMNS
        assert found.fetchall() == [msgspec.structs.astuple(row) for row in rows if row.created_ms < 2_000]
    assert list((home / "tmp").iterdir()) == []


async def test_parquet_of_nothing_has_the_columns(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "usage.parquet"
    file.write_bytes(await whole(usage_parquet(store, UsageQuery(), tmp_path)))
    with duckdb.connect() as database:
        found = database.execute("FROM read_parquet(?)", [str(file)])
        types = {name: str(kind) for name, kind, *_ in found.description}
        assert tuple(types) == COLUMNS
        assert (types["stream"], types["price_nano"], types["model"]) == ("BOOLEAN", "BIGINT", "VARCHAR")
        assert found.fetchall() == []


async def test_a_download_that_is_broken_off_leaves_no_file(
    store: Store, rows: list[UsageRow], tmp_path: Path
) -> None:
    parts = usage_parquet(store, UsageQuery(), tmp_path)
    assert (await anext(parts)).startswith(b"PAR1")
    assert len(list((tmp_path / "tmp").iterdir())) == 1
    await parts.aclose()
    assert list((tmp_path / "tmp").iterdir()) == []


EXPORT = """
import asyncio, resource, sys
from pathlib import Path
from longslope.errors import PlatformError
from longslope.store.database import Store
from longslope.store.export import usage_csv, usage_parquet
from longslope.store.usage_query import UsageQuery
async def main():
    store, query = Store(sys.argv[1]), UsageQuery(to_ms=int(sys.argv[2]))
    size = 0
    async for part in usage_csv(store, query):
        size += len(part)
    async for part in usage_parquet(store, query, Path(sys.argv[3])):
        pass
    await store.close()
    print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
asyncio.run(main())
"""


async def test_an_export_takes_no_more_memory_for_more_rows(sqlite_store: Store, tmp_path: Path) -> None:
    row = usage_row()
    for start in range(0, 50_000, 10_000):
        numbers = range(start, start + 10_000)
        rows = [msgspec.structs.replace(row, id=f"req-{n:023}", created_ms=n) for n in numbers]
        await append_group(sqlite_store, rows)

    def export(to_ms: int) -> tuple[int, int]:
        command = [sys.executable, "-c", EXPORT, sqlite_store.url, str(to_ms), str(tmp_path)]
        size, kilobytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        return int(size), int(kilobytes) * (1 if sys.platform == "linux" else 1 / 1024)

    small, small_memory = export(2_000)
    large, large_memory = export(50_000)
    assert large > 20 * small
    assert large > 7_000_000  # bytes as CSV; as Python objects several times as much
    assert large_memory - small_memory < 8_000  # kilobytes


async def test_a_parquet_file_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text('{"a": 1}\n{"a": oh\n')
    with pytest.raises(PlatformError, match=r"could not be made: .*[Mm]alformed"):
        await make_parquet({"a": "BIGINT"}, lines, tmp_path / "out.parquet")
    with pytest.raises(PlatformError, match="could not be made"):
        await make_parquet({"a": "BIGINT"}, tmp_path / "none", tmp_path / "out.parquet")


async def test_a_parquet_file_that_nobody_waits_for_is_not_made_further(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    os.mkfifo(lines)
    making = asyncio.create_task(make_parquet({"a": "BIGINT"}, lines, tmp_path / "out.parquet"))
    # Opening a pipe for writing waits for its reader, and closing it would end the reader's wait.
    with await asyncio.to_thread(lines.open, "wb", buffering=0) as feeding:
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        with pytest.raises(BrokenPipeError):
            feeding.write(b'{"a": 1}\n')
