"""Fixtures for the tests of the command line: the real program, in a process and on a home of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from longslope.store.database import Store, sqlite_url
from longslope.store.migrate import migrate
from tests.integration.cli.fake_server import FakeServer
from tests.integration.cli.program import Program, warm_program
from tests.integration.cli.terminal import Terminal


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment without settings, in which ~ is a folder of the test's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LONGSLOPE_")}
    return {
        **kept,
        "HOME": str(tmp_path / "user"),
        "LONGSLOPE_HOME": str(tmp_path / "home"),
        "COLUMNS": "100",
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home that the program uses; not there yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the program is loaded and waits for calls."""
    with warm_program(tmp_path_factory.mktemp("warm")) as address:
        yield address


@pytest.fixture
def longslope(warm: Path, environment: dict[str, str], tmp_path: Path) -> Program:
    """Runs `longslope …` to its end."""
    return Program(warm, environment, tmp_path)


@pytest.fixture
async def terminal(environment: dict[str, str]) -> AsyncIterator[Callable[..., Terminal]]:
    """Runs `longslope …` on a terminal, as a person does: `terminal("chat", "--model", "mini")`."""
    opened: list[Terminal] = []

    async def run(*arguments: str, **variables: str) -> Terminal:
        opened.append(
            await Terminal.run([sys.executable, "-m", "longslope", *arguments], {**environment, **variables})
        )
        return opened[-1]

    yield run
    for each in opened:
        await each.close()


@pytest.fixture
async def store(home: Path) -> AsyncIterator[Store]:
    """The home's store, made and open, as a running longslope has it."""
    home.mkdir(mode=0o700)
    opened = Store(sqlite_url(home / "longslope.db"))
    await migrate(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def fake_server(environment: dict[str, str]) -> AsyncIterator[FakeServer]:
    """A server that speaks like a longslope and answers what the test wants; the program finds it."""
    fake = FakeServer()
    runner = web.AppRunner(fake.application(), handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    environment.update(LONGSLOPE_ADDRESS=f"http://{host}:{port}", LONGSLOPE_API_KEY="ls-test")
    yield fake
    await runner.cleanup()
