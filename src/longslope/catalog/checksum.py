"""Checksums of weights, and the marker that spares the next start from hashing a gigabyte again.

The marker of `lite.gguf` is `lite.gguf.sha256` beside it: the sum, with the size and modification time the
file had when it was hashed. A file that changed in either is hashed anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import structlog

from longslope.catalog.progress import Progress
from longslope.errors import WeightsError

CHUNK_BYTES = 1 << 20

_log = structlog.get_logger(__name__)


class Marker(msgspec.Struct, frozen=True):
    """What was hashed: the sum in hexadecimal, the size, and the modification time in nanoseconds."""

    sha256: str
    bytes: int
    mtime_ns: int


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """The SHA-256 of a file in hexadecimal. `progress` hears the stage "verifying" and bytes."""
    digest = hashlib.sha256()
    total, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if progress is not None:
                progress("verifying", done, total)
    return digest.hexdigest()


def verify(path: Path, sha256: str) -> None:
    """Hashes `path` and leaves the marker. Raises WeightsError when it is absent or the sum is another."""
    if not path.is_file():
        raise WeightsError(f"There are no weights at {path}. Fetch them with `longslope models pull`.")
    found = sha256_of(path)
    if found != sha256:
        raise WeightsError(mismatch(path.name, sha256, found))
    mark(path, sha256)


def require_unchanged(path: Path, sha256: str, mtime_ns: int | None = None) -> None:
    """Raises WeightsError unless `path` is still the file of this sum.

    The file is read only where neither its marker vouches for it nor its modification time is `mtime_ns`, the
    one it had when it was hashed.
    """
    if not path.is_file():
        raise WeightsError(
            f"There are no weights at {path}. Put them back, or fetch them with `longslope models pull`."
        )
    if path.stat().st_mtime_ns == mtime_ns or is_marked(path, sha256):
        return
    found = sha256_of(path)
    if found != sha256:
        raise WeightsError(mismatch(path.name, sha256, found))


def mismatch(name: str, expected: str, found: str) -> str:
    """The message for a wrong sum; it gives both."""
    return (
        f"{name} has the sha256 {found} and should have {expected}: it is damaged, or another file. "
        "Pull it again with `longslope models pull`."
    )


def mark(path: Path, sha256: str) -> None:
    """Leaves the marker for a file just hashed. A folder that cannot be written costs time only: no error."""
    found = path.stat()
    marker = Marker(sha256, found.st_size, found.st_mtime_ns)
    try:
        marker_path(path).write_bytes(msgspec.json.encode(marker))
    except OSError as error:
        _log.warning("weights_marker_not_written", file=path.name, reason=str(error))


def is_marked(path: Path, sha256: str) -> bool:
    """Whether `path` was verified against `sha256` and has not changed since. Cheap: reads no weights."""
    try:
        found = path.stat()
        marker = msgspec.json.decode(marker_path(path).read_bytes(), type=Marker)
    except (OSError, msgspec.DecodeError):
        return False
    return marker == Marker(sha256, found.st_size, found.st_mtime_ns)


def marker_path(path: Path) -> Path:
    """Where the marker of `path` lies."""
    return path.with_name(path.name + ".sha256")
