"""The command line beside a real longslope with a real model."""

from __future__ import annotations

import asyncio

import aiohttp

from tests.integration.cli.program import Program
from tests.server import Platform


async def test_an_answer_is_usage_with_a_price(longslope: Program, server: Platform) -> None:
    before = (await longslope("usage", "--home", server.home, "--model", "mini", "--json")).json["totals"]
    question = ("chat", "Say hello.", "--model", "mini", "--max-tokens", 8)
    assert (await longslope(*question, "--url", server.url, "--home", server.home)).done().strip()
    after = (await longslope("usage", "--home", server.home, "--model", "mini", "--json")).json["totals"][0]
    assert after["requests"] > sum(total["requests"] for total in before)
    assert after["completion_tokens"] > 0
    assert float(after["price"]) > 0


async def test_a_running_longslope_takes_and_refuses_keys_as_they_come_and_go(
    longslope: Program, server: Platform
) -> None:
    created = (await longslope("keys", "create", "cli-test", "--home", server.home, "--json")).json
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {created['secret']}"}) as client:

        async def answers(status: int) -> None:
            while True:
                async with client.get(f"{server.url}/v1/models") as answer:
                    if answer.status == status:
                        return
                await asyncio.sleep(0.05)

        async with asyncio.timeout(30):
            await answers(200)
            (await longslope("keys", "revoke", created["id"], "--home", server.home)).done()
            await answers(401)


async def test_the_served_family_is_listed(longslope: Program, server: Platform) -> None:
    listed = (await longslope("models", "list", "--home", server.home, "--json")).json
    rows = {row["name"]: row for row in listed}
    assert (rows["mini"]["version"], rows["mini"]["weights"]) == ("mini@1", "pulled")
