"""Lines of JSON made into a Parquet file by DuckDB, as a program: `python -m longslope.store.parquet`.

It runs in a process of its own, so that DuckDB's memory goes back to the system and its faults stay its own.
It takes the columns as a JSON object (a DuckDB type by name), the file of lines, and the file to make.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from longslope.errors import PlatformError


async def make_parquet(columns: Mapping[str, str], lines: Path, file: Path) -> None:
    """Makes `file` of `lines`, with `columns` in their order; temporary files go beside it.

    Raises PlatformError with DuckDB's reason, such as a full disk. The process is gone on return, also where
    the caller is cancelled.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", __name__, json.dumps(columns), lines, file),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        reason = (
            complaint.decode("utf-8", "replace").strip().rpartition("\n")[2].rstrip(".") or "it was killed"
        )
        raise PlatformError(f"The Parquet file could not be made: {reason}. CSV needs no such step.")


def _write(columns: Mapping[str, str], lines: Path, file: Path) -> None:
    import duckdb

    listed = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": "512MB",
        "temp_directory": str(file.parent),
        "autoinstall_known_extensions": False,
    }
    # DuckDB takes no parameters here; the names are our own.
    copy = (
        f"COPY (FROM read_json('{_quoted(lines)}', format = 'newline_delimited', columns = {{{listed}}}))"
        f" TO '{_quoted(file)}' (FORMAT parquet)"
    )
    try:
        with closing(duckdb.connect(":memory:", config=settings)) as database:
            database.execute(copy)
    except duckdb.Error as error:
        sys.exit(str(error).partition("\n")[0])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


if __name__ == "__main__":
    _write(json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
