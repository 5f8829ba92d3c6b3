"""Usage: one append-only row a request, durable before the answer ends.

Rows of requests that end at about the same time are written in one transaction by one writer, so that the
price of a commit is shared. When the disk is full the answers in flight still end: their rows stay here and
are written when there is room again, and new requests are refused before any work is done for them.
"""

from __future__ import annotations

import asyncio

import msgspec
import structlog

from longslope.errors import MeteringUnavailable
from longslope.store import usage
from longslope.store.database import Store
from longslope.store.usage import UsageRow

log = structlog.get_logger(__name__)
RETRY_SECONDS = 0.5


class _Entry(msgspec.Struct):
    row: UsageRow
    done: asyncio.Future[None] | None = None


class Meter:
    """The writer of usage rows of this process."""

    def __init__(self, store: Store, group: int) -> None:
        self._store = store
        self._group = group
        self._entries: list[_Entry] = []
        self._wake = asyncio.Event()
        self._failure: str | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        self.written = 0

    @property
    def backlog(self) -> int:
        """Rows that are not durable yet."""
        return len(self._entries)

    @property
    def failure(self) -> str | None:
        """Why rows cannot be written now, or None."""
        return self._failure

    def check(self) -> None:
        """Raises MeteringUnavailable while rows cannot be written: work that cannot be billed is not
        begun.
        """
        if self._failure is not None:
            raise MeteringUnavailable(
                f"Usage cannot be written ({self._failure}); {self.backlog} rows wait. Free disk space or "
                "mend the "
                "database; requests are accepted again as soon as a write succeeds.",
                retry_after_s=5,
            )

    def start(self) -> None:
        """Starts the writer."""
        self._writer = asyncio.create_task(self._write(), name="usage-writer")

    def append(self, row: UsageRow) -> None:
        """Hands a row to the writer without waiting, for a caller that is gone."""
        self._entries.append(_Entry(row))
        self._wake.set()

    async def record(self, row: UsageRow) -> None:
        """Returns once the row is durable, or once writing has failed and the row is kept for later."""
        if self._failure is not None:
            return self.append(row)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._entries.append(_Entry(row, done))
        self._wake.set()
        await done

    async def close(self) -> None:
        """Writes what is left, trying for a few seconds, and stops."""
        self._closing = True
        self._wake.set()
        if self._writer is not None:
            await self._writer

    async def _write(self) -> None:
        attempts_left = 6
        while self._entries or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._entries and attempts_left:
                group = self._entries[: self._group]
                if await self._write_group([entry.row for entry in group]):
                    del self._entries[: len(group)]
                    self.written += len(group)
                    _release(group)
                    continue
                _release(self._entries)
                attempts_left -= self._closing
                await asyncio.sleep(RETRY_SECONDS)
            if not attempts_left:
                rows = [msgspec.to_builtins(entry.row) for entry in self._entries]
                log.error("usage_rows_lost_at_exit", rows=rows)  # whole, to be put in by hand
                return

    async def _write_group(self, group: list[UsageRow]) -> bool:
        try:
            await usage.append_group(self._store, group)
        except Exception as error:  # full disk, database away: whatever it is, keep the rows and try again
            if self._failure is None:
                log.exception("usage_write_failed", rows=self.backlog)
            self._failure = str(getattr(error, "orig", None) or error)
            return False
        if self._failure is not None:
            log.info("usage_write_recovered", rows=len(group))
        self._failure = None
        return True


def _release(entries: list[_Entry]) -> None:
    for entry in entries:
        if entry.done is not None and not entry.done.done():
            entry.done.set_result(None)
