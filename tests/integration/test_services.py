"""The suite's own services: a test that leans on them is worth what they are."""

from __future__ import annotations

import asyncio

import psutil
import pytest
from playwright.async_api import Page
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.services import find_postgres_programs, running_postgres


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_an_empty_database(postgres_url: str, turn: int) -> None:
    engine = create_async_engine(postgres_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE snow (depth integer)"))  # fails when turn 1 left its own
        await connection.execute(text("INSERT INTO snow VALUES (:depth)"), {"depth": turn})
        assert (await connection.execute(text("SELECT depth FROM snow"))).scalar_one() == turn
    await engine.dispose()


def test_a_postgres_server_leaves_nothing_behind() -> None:
    programs = find_postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with running_postgres(programs) as server:
        home = server.socket_dir
        pid = int((home / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        assert server.execute("SELECT 1 + 1") == "2"
        children = psutil.Process(pid).children()
        assert children
    assert not home.exists()
    assert not any(process.is_running() for process in children)
    assert not psutil.pid_exists(pid)


PAGE = b"""<!doctype html><title>snow</title><p id="depth"></p>
<script type="module">
  document.querySelector("#depth").textContent = await (await fetch("/depth")).text()
</script>
"""


async def test_the_browser_runs_a_page_of_this_machine(page: Page) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1]
        body = b"two metres" if path == b"/depth" else PAGE
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        )
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await page.goto(f"http://127.0.0.1:{port}/")
        await page.get_by_text("two metres").wait_for()
        assert await page.title() == "snow"
