"""One home, one longslope: a lock on `longslope.lock` that the system releases when the process ends,
however.

The lock is on the open file, not in its text: what a killed process has left behind holds nothing. It passes
to forked children, as they use the home too; programs that are started anew (engines) do not inherit it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from longslope.errors import HomeInUse

FILE_NAME = "longslope.lock"


class HomeLock:
    """The exclusive use of a home. A context manager, or `acquire` and `release`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.file = home / FILE_NAME
        self._descriptor: int | None = None
        self._owner = 0

    def acquire(self) -> None:
        """Takes the home, making its folder if need be. Raises HomeInUse, naming the process that has it."""
        if self._descriptor is not None:
            return
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            process = f"process {holder}" if holder.isdigit() else "just starting or stopping"
            raise HomeInUse(
                f"Another longslope ({process}) uses the home {self.home}. Stop it, or choose another "
                "home with `--home DIR`."
            ) from error
        except OSError:
            os.close(descriptor)
            raise
        self._owner = os.getpid()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{self._owner}\n".encode("ascii"), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Gives the home up. The file stays: were it removed, two could lock two files of one name."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if os.getpid() == self._owner:
            os.ftruncate(descriptor, 0)
        os.close(descriptor)

    def __enter__(self) -> HomeLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
