"""Disks that can be filled and freed again, under a running platform."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.server import Platform


class Disk(Protocol):
    """What a platform's home lies on."""

    def fill(self, platform: Platform) -> None:
        """Leaves no room for another byte of the platform's."""
        ...

    def free(self, platform: Platform) -> None:
        """Makes room again."""
        ...


class MountedDisk:
    """A small file system of its own, filled to the last byte: what happens in earnest. Needs root."""

    def __init__(self, home: Path) -> None:
        self._filler = home / "filler"

    def fill(self, platform: Platform) -> None:
        with self._filler.open("wb", buffering=0) as file:
            for size in (65_536, 4_096, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue

    def free(self, platform: Platform) -> None:
        self._filler.unlink()


class LimitedDisk:
    """A limit on the size of the files that the process may write (RLIMIT_FSIZE), which needs no rights."""

    def fill(self, platform: Platform) -> None:
        self._limit(platform, (platform.home / "longslope.db-wal").stat().st_size)

    def free(self, platform: Platform) -> None:
        self._limit(platform, resource.RLIM_INFINITY)

    def _limit(self, platform: Platform, most: int) -> None:
        resource.prlimit(platform.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


@contextmanager
def mounted(home: Path, size: str) -> Iterator[bool]:
    """Whether a file system of `size` could be mounted at `home`; taken down afterwards."""
    home.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", os.fspath(home)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", os.fspath(home)], check=True)
