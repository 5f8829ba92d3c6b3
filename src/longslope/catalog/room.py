"""Room on the disk, asked for before anything is written: a pull fails at its start and not at 99 %."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from longslope.errors import WeightsError

FreeBytes = Callable[[Path], int]


def free_bytes(directory: Path) -> int:
    """Bytes that may still be written below `directory`."""
    return shutil.disk_usage(directory).free


def require_room(directory: Path, needed: int, free: FreeBytes) -> None:
    """Raises WeightsError when fewer than `needed` bytes are free below `directory`."""
    available = free(directory)
    if available >= needed:
        return
    raise WeightsError(
        f"The disk of {directory} has {available:,} bytes free and this needs {needed:,}: "
        f"{needed - available:,} more. Free some room, or choose another home with --home or LONGSLOPE_HOME."
    )
