"""Progress of a pull: one monotone count of bytes, whatever the source does underneath.

A pull downloads, unpacks and verifies, may fall back to another source and may start a piece again. The meter
turns all that into `done` of `total` bytes of the final file; `done` never goes back.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears how far a pull is: a stage's word, bytes done, bytes in total."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`stage` is one of waiting, resolving, downloading, copying, converting, verifying or done."""
        ...


class Meter:
    """The count of one pull. `total` is the size of the final file in bytes."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def at(self, stage: str, done: int, of: int) -> None:
        """`done` of `of` bytes of the present source are here; scaled to the final file's size."""
        scaled = self._total * done // of if of > 0 else 0
        self._done = min(self._total, max(self._done, scaled))
        self.stage(stage)

    def stage(self, stage: str) -> None:
        """The stage changed and no byte came."""
        if self._progress is not None:
            self._progress(stage, self._done, self._total)

    def finish(self) -> None:
        """Everything is here and verified."""
        self._done = self._total
        self.stage("done")
