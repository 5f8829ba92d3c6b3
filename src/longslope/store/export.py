"""Usage as a file: CSV while it is read, or Parquet; both in flat memory, whatever the number of rows.

CSV is text for people and spreadsheets: names and numbers as in the table, and text that a spreadsheet would
take for a formula is defused. Parquet holds every value as it is.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import msgspec

from longslope.store.database import Store
from longslope.store.parquet import make_parquet
from longslope.store.usage import COLUMNS, UsageRow
from longslope.store.usage_query import UsageQuery, iter_rows

_BLOCK = 256 * 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_KINDS = {"str": "VARCHAR", "int": "BIGINT", "bool": "BOOLEAN"}
_TYPES = {name: _KINDS[str(kind).removesuffix(" | None")] for name, kind in UsageRow.__annotations__.items()}


async def usage_csv(store: Store, query: UsageQuery) -> AsyncGenerator[bytes]:
    """The chosen rows as CSV (RFC 4180, UTF-8), a header first, oldest row first."""
    yield _csv([COLUMNS])
    async for rows in iter_rows(store, query):
        yield await asyncio.to_thread(_csv_of_rows, rows)


async def usage_parquet(store: Store, query: UsageQuery, home: Path) -> AsyncGenerator[bytes]:
    """The chosen rows as a Parquet file, oldest row first.

    Made under `home/tmp` before the first byte is given, so that a failure is an error and not half a file;
    what was put there is removed when the generator ends or is closed. Raises PlatformError.
    """
    folder = home / "tmp"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="usage-", dir=folder) as made:
        lines, file = Path(made) / "usage.ndjson", Path(made) / "usage.parquet"
        with lines.open("wb") as out:
            async for rows in iter_rows(store, query):
                await asyncio.to_thread(_write_lines, out, rows)
        await make_parquet(_TYPES, lines, file)
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
