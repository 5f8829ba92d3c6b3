"""Keys that die while they are in use."""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from tests.integration.engines.server import Server
from tests.integration.gateway.acts import Telling
from tests.integration.gateway.calls import (
    ask,
    bearer,
    chat_body,
    events_in,
    eventually,
    new_key,
    row_of,
    upstream_model,
)
from tests.server import Platform

# What another process on the same store does: a second gateway, or the command line.
REVOKE = """
import asyncio, sys
from pathlib import Path
from longslope.clock import clock
from longslope.store import keys
from longslope.store.database import Store, sqlite_url

async def main():
    store = Store(sqlite_url(Path(sys.argv[1])))
    async with store.write() as connection:
        await keys.revoke_key(connection, sys.argv[2], clock.now_ms())
    await store.close()

asyncio.run(main())
"""


async def test_a_key_revoked_in_use_ends_no_stream_and_opens_nothing_more(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    telling = Telling(words=4, holds_at=2)
    engine.will(telling)
    made = await new_key(client)
    headers = bearer(made["secret"])
    async with upstream_model(client, engine) as name:
        body = chat_body(name, stream=True)
        async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
            text = await reply.content.readany()
            revoked = await ask(client, "DELETE", f"/platform/v1/keys/{made['key']['id']}")
            assert revoked["state"] == "revoked"
            async with client.post("/v1/chat/completions", json=body, headers=headers) as second:
                error = (await second.json())["error"]
            telling.released.set()
            text += await reply.read()
        row = await row_of(client, reply.headers["x-request-id"])
    assert events_in(text.decode())[-1] == "[DONE]"
    assert text.count(b"snow") == 4
    assert (row["status"], row["completion_tokens"]) == (200, 4)
    assert (second.status, error["code"]) == (401, "AuthenticationError")
    assert "revoked" in error["message"]
    assert made["secret"] not in error["message"]


async def test_a_key_revoked_by_another_process_is_noticed(
    server: Platform, client: aiohttp.ClientSession
) -> None:
    made = await new_key(client)
    headers = bearer(made["secret"])
    async with client.get("/platform/v1/me", headers=headers) as reply:
        assert reply.status == 200
    command = [sys.executable, "-c", REVOKE, str(server.home / "longslope.db"), made["key"]["id"]]
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0

    async def is_refused() -> bool:
        async with client.get("/platform/v1/me", headers=headers) as reply:
            return reply.status == 401

    await eventually(is_refused, timeout_s=10)
