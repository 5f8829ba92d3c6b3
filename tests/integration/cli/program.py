"""The program `longslope`, run to its end in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 90


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, decoded."""
        assert self.out, self.err
        return json.loads(self.out)

    def refused(self) -> str:
        """Its one sentence of refusal, after seeing that it is one and that nothing else was printed."""
        assert (self.status, self.out) == (1, "")
        assert self.err.startswith("longslope: "), self.err
        assert "Traceback" not in self.err
        return self.err.removeprefix("longslope: ").strip()

    def done(self) -> str:
        """What it printed, after seeing that it ended well."""
        assert self.status == 0, self.err
        return self.out


class Program:
    """Call it with arguments. stdin is empty unless given."""

    def __init__(self, address: Path, environment: dict[str, str], folder: Path) -> None:
        self._address = address
        self._environment = environment
        self._folder = folder

    async def __call__(self, *arguments: object, stdin: bytes | None = None, **variables: str) -> Ended:
        return await asyncio.to_thread(self._run, [str(each) for each in arguments], stdin, variables)

    def _run(self, arguments: list[str], stdin: bytes | None, variables: dict[str, str]) -> Ended:
        call = {
            "arguments": arguments,
            "environment": {**self._environment, **variables},
            "folder": str(self._folder),
        }
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin or b"")
            given.seek(0)
            with socket.socket(socket.AF_UNIX) as caller, Path(os.devnull).open("rb") as nothing:
                caller.settimeout(TIMEOUT_S)
                caller.connect(str(self._address))
                files = [(nothing if stdin is None else given).fileno(), out.fileno(), err.fileno()]
                socket.send_fds(caller, [json.dumps(call).encode()], files)
                status = int(caller.recv(16) or b"-1")
            out.seek(0)
            err.seek(0)
            return Ended(status, out.read().decode(), err.read().decode())


@contextmanager
def warm_program(folder: Path) -> Iterator[Path]:
    """The address of a process that runs the program at once; see `warm`."""
    address = folder / "warm"
    command = [sys.executable, "-m", "tests.integration.cli.warm", str(address)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"warm\n"
            yield address
        finally:
            process.kill()
