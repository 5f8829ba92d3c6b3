"""Real platforms for tests: `longslope up` as a process, on a home of its own and a free port.

`server` is one platform for the whole session, with mini, lite and embedding; tests make keys and projects
of their own there. `start_platform` starts one for a single test, with any settings, and ends it.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.weights import lay_weights

READY = "longslope is ready: "
START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 60


@dataclass
class Platform:
    """A running `longslope up`."""

    home: Path
    process: subprocess.Popen[str]
    url: str
    lines: list[str] = field(default_factory=list)

    @property
    def admin_key(self) -> str:
        """The secret of the first key."""
        return (self.home / "admin.key").read_text().strip()

    @property
    def headers(self) -> dict[str, str]:
        """What an admin sends."""
        return {"Authorization": f"Bearer {self.admin_key}"}

    def engine_pids(self) -> list[int]:
        """The processes of the engines."""
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)


def start(home: Path, models: Sequence[str] = ("mini",), **settings: object) -> Platform:
    """Starts a platform and waits until it is ready. `settings` are those of longslope.settings.

    Without models it starts no engine and is ready in a second, for tests that bring their own upstream.
    """
    lay_weights(home, models)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LONGSLOPE_")}
    environment.update({f"LONGSLOPE_{name.upper()}": str(value) for name, value in settings.items()})
    environment.setdefault("LONGSLOPE_LOG_FORMAT", "json")
    command = [sys.executable, "-m", "longslope", "up", "--home", str(home), "--port", "0", "--offline"]
    named = "".join(f"{name}," for name in models) or "none"  # a lone name would be a preset
    process = subprocess.Popen(
        [*command, "--models", named],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    lines: list[str] = []
    ready: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith(READY):
                ready.put(line.removeprefix(READY).strip())
        ready.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        url = ready.get(timeout=START_TIMEOUT_S)
    except queue.Empty:
        url = None
    if url is None:
        process.kill()
        raise RuntimeError("the platform did not become ready:\n" + "\n".join(lines[-40:]))
    return Platform(home=home, process=process, url=url, lines=lines)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for the session: mini, lite and embedding."""
    platform = start(tmp_path_factory.mktemp("server"), ("mini", "lite", "embedding"), engine_context=4096)
    yield platform
    platform.stop()


@pytest.fixture
def start_platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """Starts platforms that end with the test: `start_platform(models=("mini",), home=…, engine_slots=2)`."""
    started: list[Platform] = []

    def make(models: Sequence[str] = ("mini",), home: Path | None = None, **settings: Any) -> Platform:
        platform = start(home or tmp_path / f"home{len(started)}", models, **settings)
        started.append(platform)
        return platform

    yield make
    for platform in started:
        if platform.process.poll() is None:
            platform.kill()


@pytest.fixture
async def client(server: Platform) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client of the session's platform, with the admin's key."""
    async with aiohttp.ClientSession(server.url, headers=server.headers) as session:
        yield session
