"""What a child process writes to stderr, kept in a file.

A thread takes the lines off a pipe, so that neither a slow disk nor a talkative child ever blocks the event
loop, and keeps the last few to explain a death. Once the child serves, its lines may quote what a user sent
(llama.cpp's warnings do), so that only the traces of a crash are kept. The file rotates by size; a
full disk loses lines, nothing else.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from pathlib import Path

MAX_BYTES = 4 * 1024 * 1024
KEPT_FILES = 3
_KEPT_LINES = 50
_MAX_LINE = 2_000
_TELLING = re.compile(r"error loading model.*|GGML_ASSERT.*|Fatal Python error.*")
_FREE_OF_CONTENT = re.compile(
    r"""
    GGML_ASSERT | ggml_abort | CUDA\ error | out\ of\ memory | failed\ to\ (allocate|decode)\b
    | Fatal\ Python\ error | terminate\ called | Segmentation\ fault
    | ^\s*File\ "/ | ^(Current\ )?[Tt]hread\ 0x | ^\#\d+\ +0x
    """,
    re.VERBOSE,
)


class EngineLog:
    """The stderr of one child: write end `fd` to give to it, lines to `path`."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._serving = False
        self._tail: deque[str] = deque(maxlen=_KEPT_LINES)
        self._read_fd, self.fd = os.pipe()
        self._thread = threading.Thread(target=self._drain, name=f"log of {path.stem}", daemon=True)
        self._thread.start()

    def close_write_end(self) -> None:
        """To be called once the child has the write end, so that its death ends the log."""
        os.close(self.fd)

    def serving(self) -> None:
        """From now on lines may hold content: keep only those that cannot."""
        self._serving = True

    def join(self, timeout_s: float) -> None:
        """Waits until every line is read. Blocks; not for the event loop."""
        self._thread.join(timeout_s)

    def telling_line(self) -> str:
        """What best says why the child died: an error of loading, a failed assertion, else the last line."""
        lines = list(self._tail)
        told = (found.group() for line in lines if (found := _TELLING.search(line)))
        return next(told, lines[-1] if lines else "")

    def _drain(self) -> None:
        with os.fdopen(self._read_fd, "rb") as pipe:
            while line := pipe.readline(_MAX_LINE):
                text = line.decode(errors="replace").rstrip()
                if not text or (self._serving and not _FREE_OF_CONTENT.search(text)):
                    continue
                self._tail.append(text)
                self._write(line)

    def _write(self, line: bytes) -> None:
        try:
            if self._path.exists() and self._path.stat().st_size + len(line) > self._max_bytes:
                self._rotate()
            with self._path.open("ab") as file:
                file.write(line)
        except OSError:
            return  # a full disk or a missing folder must not stop the child, which blocks on a full pipe

    def _rotate(self) -> None:
        for number in range(KEPT_FILES - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path if number == 1 else self._path.with_name(f"{self._path.name}.{number - 1}")
            if newer.exists():
                newer.replace(older)


def log_path(folder: Path, engine: str) -> Path:
    """`engine-NAME.log` in `folder`, with letters that a file name can hold everywhere."""
    return folder / f"engine-{re.sub(r'[^A-Za-z0-9@._-]', '-', engine)}.log"
