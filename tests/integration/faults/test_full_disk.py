"""A disk that is full when usage is to be written: answers end, rows wait, and nothing new is begun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.engines.server import Server
from tests.integration.faults.disks import Disk, LimitedDisk, MountedDisk, mounted
from tests.integration.gateway.acts import Telling
from tests.integration.gateway.calls import ask, chat_body, eventually, rows_of, upstream_model
from tests.server import Platform

IN_FLIGHT = 12


@pytest.fixture(params=["mounted", "limited"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A disk under `tmp_path/home`."""
    home = tmp_path / "home"
    if request.param == "limited":
        yield LimitedDisk()
        return
    with mounted(home, "16m") as done:
        if not done:
            pytest.skip("only root can mount a file system; the other disk of this test needs no rights")
        yield MountedDisk(home)


async def test_a_full_disk_ends_no_answer_and_loses_no_row(
    disk: Disk, start_platform: Callable[..., Platform], tmp_path: Path, engine: Server
) -> None:
    platform = start_platform((), home=tmp_path / "home")
    telling = Telling(words=4, holds_at=0)
    engine.will(telling)
    async with (
        aiohttp.ClientSession(platform.url, headers=platform.headers) as client,
        upstream_model(client, engine) as name,
    ):

        async def one(stream: bool) -> tuple[int, str]:
            async with client.post("/v1/chat/completions", json=chat_body(name, stream=stream)) as reply:
                return reply.status, await reply.text()

        asking = [asyncio.ensure_future(one(place % 2 == 0)) for place in range(IN_FLIGHT)]
        await eventually(lambda: telling.running == IN_FLIGHT)
        disk.fill(platform)
        telling.released.set()
        answers = await asyncio.gather(*asking)
        for place, (status, text) in enumerate(answers):
            assert (status, text.count("snow")) == (200, 4)
            assert place % 2 or text.endswith("data: [DONE]\n\n")

        health = await ask(client, "GET", "/healthz", 200)
        assert (health["status"], health["usage_backlog"]) == ("degraded", IN_FLIGHT)
        assert health["usage_failure"]
        async with client.post("/v1/chat/completions", json=chat_body(name)) as reply:
            error = (await reply.json())["error"]
        assert (reply.status, error["code"]) == (503, "ServiceUnavailable")
        assert f"{IN_FLIGHT} rows wait" in error["message"]
        assert int(reply.headers["retry-after"]) >= 1
        assert telling.running == 0, "work was begun that cannot be billed"

        disk.free(platform)
        await eventually(lambda: is_well(client))
        rows = await rows_of(client, model=name)
        assert [row["status"] for row in rows] == [200] * IN_FLIGHT
        assert len({row["id"] for row in rows}) == IN_FLIGHT
        assert (await one(stream=True))[0] == 200
        assert len(await rows_of(client, model=name)) == IN_FLIGHT + 1


async def is_well(client: aiohttp.ClientSession) -> bool:
    health: dict[str, Any] = await ask(client, "GET", "/healthz", 200)
    return health["status"] == "ok" and health["usage_backlog"] == 0
