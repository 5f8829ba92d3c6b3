"""A terminal with a program on it, and a person's two abilities: to read what it shows, and to press keys."""

from __future__ import annotations

import asyncio
import os
import pty
from asyncio.subprocess import Process

TIMEOUT_S = 60


class Terminal:
    """A running program on a pseudo-terminal."""

    def __init__(self, process: Process, descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self._came = asyncio.Event()
        self._seen = 0
        self.shown = ""
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    @classmethod
    async def run(cls, command: list[str], environment: dict[str, str]) -> Terminal:
        """Starts a program with this terminal as its own."""
        ours, its = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=its,
            stdout=its,
            stderr=its,
            env={**environment, "TERM": "xterm"},
            start_new_session=True,
            preexec_fn=lambda: _take(its),
        )
        os.close(its)
        return cls(process, ours)

    def press(self, keys: str) -> None:
        """Types; `\\n` is Enter, `\\x03` Ctrl-C, `\\x04` Ctrl-D."""
        os.write(self._descriptor, keys.encode())

    async def insist(self, keys: str, text: str) -> None:
        """Types `keys`, again each second, until `text` is shown.

        A signal that comes between readline's prompt and its wait is seen only with the next key: Python's
        own race.
        """
        expecting = asyncio.ensure_future(self.expect(text))
        while not expecting.done():
            self.press(keys)
            await asyncio.wait({expecting}, timeout=1)
        await expecting

    async def expect(self, text: str) -> None:
        """Waits until `text` is shown, after everything that was expected before."""
        async with asyncio.timeout(TIMEOUT_S):
            while (place := self.shown.find(text, self._seen)) < 0:
                self._came.clear()
                try:
                    await self._came.wait()
                except asyncio.CancelledError:
                    raise AssertionError(
                        f"{text!r} was not shown, but {self.shown[self._seen :]!r}"
                    ) from None
        self._seen = place + len(text)

    async def ended(self) -> int:
        """Waits for the program's end and returns its status."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self._process.wait()

    async def close(self) -> None:
        """Ends the program if it still runs."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        os.close(self._descriptor)

    def _read(self) -> None:
        try:
            block = os.read(self._descriptor, 65_536)
        except OSError:  # the program has ended
            block = b""
        if not block:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self.shown += block.decode("utf-8", "replace").replace("\r\n", "\n")
        self._came.set()


def _take(descriptor: int) -> None:
    """Makes the terminal the program's controlling one, so that Ctrl-C reaches it."""
    import fcntl
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
