"""What tests ask of a platform again and again: an upstream, a project, a key, the rows of its requests."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import aiohttp

from longslope.clock import new_id
from tests.integration.engines.server import Server

T = TypeVar("T")
PATIENCE_S = 45  # for what takes milliseconds, on a machine where everything takes its time


async def eventually(condition: Callable[[], Awaitable[T] | T], timeout_s: float = PATIENCE_S) -> T:
    """The first true value of `condition`, asked again and again."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        found = await value if isinstance(value, Awaitable) else value
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come to be within {timeout_s} s; last seen: {found!r}")
        await asyncio.sleep(0.02)


async def ask(
    client: aiohttp.ClientSession, method: str, path: str, status: int | None = None, /, **body: Any
) -> Any:
    """The JSON of an answer, whose status must be `status`, or any that is no error."""
    async with client.request(method, path, json=body or None) as answer:
        text = await answer.text()
        assert answer.status == status if status else answer.ok, (answer.status, text)
        return json.loads(text) if text else None


@asynccontextmanager
async def upstream_model(
    client: aiohttp.ClientSession, server: Server, price: str | None = None, **fields: Any
) -> AsyncIterator[str]:
    """The name of a new model that `server` answers for, taken out again afterwards, at one price for all."""
    name = fields.pop("name", None) or new_id("up")
    body = {"name": name, "base_url": server.url, "model": "its-own", "capacity": 4096, **fields}
    await ask(client, "POST", "/platform/v1/models/upstreams", **body)
    if price is not None:
        amounts = dict.fromkeys(("input", "cached_input", "output"), price)
        await ask(client, "POST", "/platform/v1/prices", model=name, currency="CNY", **amounts)
    await eventually(lambda: _is_ready(client, name))
    try:
        yield name
    finally:
        with suppress(aiohttp.ClientError):  # the test may have ended the platform
            await client.delete(f"/platform/v1/models/{name}")


async def _is_ready(client: aiohttp.ClientSession, name: str) -> bool:
    listed = await ask(client, "GET", "/platform/v1/models")
    return any(model["name"] == name and model["state"] == "ready" for model in listed["data"])


def chat_body(model: str, **fields: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], **fields}


async def new_key(client: aiohttp.ClientSession, limits: dict[str, int] | None = None, **fields: Any) -> Any:
    """A key (`key`, `secret`), in a new project with these limits."""
    project = await ask(client, "POST", "/platform/v1/projects", name=new_id("p"), **(limits or {}))
    return await ask(client, "POST", "/platform/v1/keys", name="k", project_id=project["id"], **fields)


def bearer(secret: str) -> dict[str, str]:
    """The header of a key."""
    return {"Authorization": f"Bearer {secret}"}


async def rows_of(client: aiohttp.ClientSession, **filters: str) -> list[dict[str, Any]]:
    """Usage rows, newest first; `filters` as of `/platform/v1/requests`."""
    rows: list[dict[str, Any]] = []
    query = {"limit": "200", **filters}
    while True:
        async with client.get("/platform/v1/requests", params=query) as answer:
            page = await answer.json()
            assert answer.status == 200, page
        rows += page["data"]
        if not page.get("next"):
            return rows
        query["cursor"] = page["next"]


async def row_of(client: aiohttp.ClientSession, request_id: str) -> dict[str, Any]:
    """A request's row, once it is there."""

    async def found() -> dict[str, Any] | None:
        async with client.get(f"/platform/v1/requests/{request_id}") as answer:
            return await answer.json() if answer.status == 200 else None

    return await eventually(found)


def events_in(stream: str) -> list[Any]:
    """What a stream's events hold: decoded JSON, or the text `[DONE]`."""
    payloads = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: ")]
    return [payload if payload == "[DONE]" else json.loads(payload) for payload in payloads]
