"""Usage as a file: CSV while it is read, or Parquet; both in flat memory, whatever the number of rows.

CSV is text for people and spreadsheets: names and numbers as in the table, and text that a spreadsheet would
take for a formula is defused. Parquet holds every value as it is.
"""

from __future__ import annotations

import asyncio
import csv
import io
import os
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from longslope.store.database import Store
from longslope.store.usage import COLUMNS, UsageRow
from longslope.store.usage_query import UsageQuery, iter_rows

_BLOCK = 256 * 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TYPES = {"str": "VARCHAR", "int": "BIGINT", "bool": "BOOLEAN"}


async def usage_csv(store: Store, query: UsageQuery) -> AsyncGenerator[bytes]:
    """The chosen rows as CSV (RFC 4180, UTF-8), a header first, oldest row first."""
    yield _csv([COLUMNS])
    async for rows in iter_rows(store, query):
        yield await asyncio.to_thread(_csv_of_rows, rows)


async def usage_parquet(store: Store, query: UsageQuery, home: Path) -> AsyncGenerator[bytes]:
    """The chosen rows as a Parquet file, oldest row first.

    Made under `home/tmp` before the first byte is given, so that a failure is an error and not half a file;
    what was put there is removed when the generator ends or is closed.
    """
    folder = home / "tmp"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="usage-", dir=folder) as made:
        lines, file = Path(made) / "usage.ndjson", Path(made) / "usage.parquet"
        with lines.open("wb") as out:
            async for rows in iter_rows(store, query):
                await asyncio.to_thread(_write_lines, out, rows)
        await asyncio.to_thread(_to_parquet, lines, file, Path(made))
        lines.unlink()
        with file.open("rb") as source:
            while block := await asyncio.to_thread(source.read, _BLOCK):
                yield block


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _csv_of_rows(rows: Sequence[UsageRow]) -> bytes:
    return _csv([_defused(row) for row in rows])


def _defused(row: UsageRow) -> list[object]:
    return [
        f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
        for value in msgspec.structs.astuple(row)
    ]


def _write_lines(out: io.BufferedWriter, rows: Sequence[UsageRow]) -> None:
    out.write(msgspec.json.Encoder().encode_lines(rows))


def _to_parquet(lines: Path, file: Path, folder: Path) -> None:
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": "256MB",
        "temp_directory": str(folder),
        "autoinstall_known_extensions": False,
        "preserve_insertion_order": True,
    }
    columns = ", ".join(
        f"{name}: '{_TYPES[str(UsageRow.__annotations__[name]).removesuffix(' | None')]}'" for name in COLUMNS
    )
    with closing(duckdb.connect(":memory:", config=settings)) as database:
        # DuckDB takes no parameter for the target; the names are our own.
        copy = (
            f"COPY (FROM read_json('{_quoted(lines)}', format = 'newline_delimited', columns = {{{columns}}}"
            f")) TO '{_quoted(file)}' (FORMAT parquet)"
        )
        database.execute(copy)


def _quoted(path: Path) -> str:
    return os.fspath(path).replace("'", "''")
