"""Usage, the log of requests, engines, settings, sessions: what they tell, to whom, what they refuse."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tests.integration.engines.server import Server
from tests.integration.gateway.acts import Telling
from tests.integration.gateway.calls import ask, bearer, chat_body, new_key, row_of, rows_of, upstream_model

USAGE, REQUESTS = "/platform/v1/usage", "/platform/v1/requests"


@pytest.fixture
async def engine() -> AsyncIterator[Server]:
    """A server of OpenAI's protocol."""
    async with Server() as server:
        server.will(Telling(words=3))
        yield server


@pytest.fixture
async def spent(client: aiohttp.ClientSession, engine: Server) -> AsyncIterator[dict[str, Any]]:
    """A key that made two requests, one whole, one streamed, of a model at 2 a million tokens."""
    made = await new_key(client)
    async with upstream_model(client, engine, price="2") as name:
        ids: list[str] = []
        for stream in (False, True):
            body, headers = chat_body(name, stream=stream), bearer(made["secret"])
            async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
                await reply.read()
            ids.append(reply.headers["x-request-id"])
    yield {**made, "model": name, "ids": ids, "project_id": made["key"]["project_id"]}


async def answered(client: aiohttp.ClientSession, path: str, **query: str) -> Any:
    async with client.get(path, params=query) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.json()


async def test_sums_are_those_of_the_rows(client: aiohttp.ClientSession, spent: dict[str, Any]) -> None:
    project = spent["project_id"]
    [total] = (await answered(client, USAGE, group_by="", project_id=project))["data"]
    assert (total["requests"], total["errors"], total["completion_tokens"]) == (2, 0, 6)
    assert Decimal(total["price"]) == Decimal(2 * 2 * 13) / 1_000_000
    assert total["margin"] == total["price"]
    grouped = await answered(client, USAGE, group_by="key, model", model=spent["model"])
    [group] = grouped["data"]
    assert group["keys"] == {"model": spent["model"], "key": spent["key"]["id"]}
    by_day = (await answered(client, USAGE, group_by="day", project_id=project))["data"]
    assert sum(day["requests"] for day in by_day) == 2
    assert (await answered(client, USAGE, project_id=project, to_ms="1"))["data"] == []


async def test_csv_holds_the_rows(client: aiohttp.ClientSession, spent: dict[str, Any]) -> None:
    query = {"project_id": spent["project_id"]}
    async with client.get(f"{USAGE}/export", params=query) as reply:
        rows = list(csv.DictReader(io.StringIO(await reply.text())))
        assert reply.headers["content-type"] == "text/csv; charset=utf-8"
        assert reply.headers["content-disposition"] == 'attachment; filename="usage.csv"'
    assert [row["id"] for row in rows] == spent["ids"]
    async with client.get(f"{USAGE}/export", params={**query, "format": "parquet"}) as reply:
        body = await reply.read()
    assert (body[:4], body[-4:]) == (b"PAR1", b"PAR1")


async def test_below_an_admin_one_sees_ones_own(client: aiohttp.ClientSession, spent: dict[str, Any]) -> None:
    stranger = bearer((await new_key(client, role="developer"))["secret"])
    theirs = {"project_id": spent["project_id"]}
    for path in (USAGE, REQUESTS):
        async with client.get(path, params=theirs, headers=stranger) as reply:
            assert (await reply.json())["data"] == []
    async with client.get(f"{USAGE}/export", params=theirs, headers=stranger) as reply:
        assert len((await reply.text()).splitlines()) == 1
    async with client.get(f"{REQUESTS}/{spent['ids'][0]}", headers=stranger) as reply:
        assert reply.status == 404
    own = bearer(spent["secret"])
    async with client.get(REQUESTS, headers=own) as reply:
        assert {row["id"] for row in (await reply.json())["data"]} == set(spent["ids"])


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        (USAGE, {"group_by": "dya"}, "group_by"),
        (USAGE, {"from_ms": "-1"}, "from_ms"),
        (USAGE, {"from_ms": "yesterday"}, "from_ms"),
        (USAGE, {"tz_offset_min": "900"}, "tz_offset_min"),
        (f"{USAGE}/export", {"format": "xml"}, "format"),
        (f"{USAGE}/export", {"to_ms": "never"}, "to_ms"),
        (REQUESTS, {"limit": "0"}, "limit"),
        (REQUESTS, {"limit": "201"}, "limit"),
        (REQUESTS, {"status": "maybe"}, "status"),
        (REQUESTS, {"cursor": "zzz"}, "cursor"),
        (REQUESTS, {"cursor": "é"}, "cursor"),
        (REQUESTS, {"cursor": "WzEsMl0"}, "cursor"),
    ],
)
async def test_a_question_that_cannot_be_is_refused(
    client: aiohttp.ClientSession, path: str, query: dict[str, str], param: str
) -> None:
    async with client.get(path, params=query) as reply:
        error = (await reply.json())["error"]
    assert (reply.status, error["code"], error["param"]) == (400, "InvalidParameter", param)
    assert next(iter(query.values())) in error["message"]


async def test_pages_neither_repeat_nor_skip(client: aiohttp.ClientSession, spent: dict[str, Any]) -> None:
    project = spent["project_id"]
    first = await answered(client, REQUESTS, project_id=project, limit="1")
    second = await answered(client, REQUESTS, project_id=project, limit="1", cursor=first["next"])
    assert [page["data"][0]["id"] for page in (first, second)] == spent["ids"][::-1]
    assert second["next"] is None


async def test_the_log_finds_by_outcome_model_and_part_of_an_id(
    client: aiohttp.ClientSession, spent: dict[str, Any]
) -> None:
    one = spent["ids"][0]
    assert [row["id"] for row in await rows_of(client, id=one[6:])] == [one]
    assert await rows_of(client, project_id=spent["project_id"], status="error") == []
    assert len(await rows_of(client, model=spent["model"], status="ok")) == 2


async def test_an_unknown_request_is_not_found(client: aiohttp.ClientSession) -> None:
    error = await ask(client, "GET", f"{REQUESTS}/req-nothing", 404)
    assert "req-nothing" in error["error"]["message"]


async def test_content_is_kept_only_where_the_project_keeps_it(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    keeping, plain = await new_key(client), await new_key(client)
    path = f"/platform/v1/projects/{keeping['key']['project_id']}"
    await ask(client, "PATCH", path, 200, trace="content")
    async with upstream_model(client, engine) as name:
        for made, asked, kept in (
            (keeping, None, True),
            (keeping, "metadata", False),
            (keeping, "none", False),
            (plain, "content", False),
            (plain, None, False),
        ):
            for stream in (True, False):
                headers = bearer(made["secret"]) | ({"X-Longslope-Trace": asked} if asked else {})
                body = chat_body(name, stream=stream)
                async with client.post("/v1/chat/completions", json=body, headers=headers) as reply:
                    await reply.read()
                row = await row_of(client, reply.headers["x-request-id"])
                assert ("hello" in (row["request"] or "")) == kept
                assert ("snow" in (row["answer"] or "")) == kept


async def test_an_engine_is_restarted_by_its_version(client: aiohttp.ClientSession, engine: Server) -> None:
    async with upstream_model(client, engine) as name:
        async with client.post(f"/platform/v1/engines/{name}@1/restart") as reply:
            assert reply.status == 202
        await ask(client, "POST", "/v1/chat/completions", 200, **chat_body(name))
        error = await ask(client, "POST", f"/platform/v1/engines/{name}/restart", 404)
    assert f'Did you mean "{name}@1"?' in error["error"]["message"]


async def test_settings_tell_where_each_value_came_from(client: aiohttp.ClientSession) -> None:
    listed = {each["name"]: each for each in (await answered(client, "/platform/v1/settings"))["data"]}
    assert listed["engine_context"] == {
        "name": "engine_context",
        "value": "4096",
        "origin": "LONGSLOPE_ENGINE_CONTEXT",
    }
    assert listed["max_messages"]["origin"] == "default"
    assert listed["offline"]["origin"] == "flag"


async def test_a_browser_signs_in_with_a_key_and_out_again(client: aiohttp.ClientSession) -> None:
    made = await new_key(client, role="viewer")
    jar = aiohttp.CookieJar(unsafe=True)  # "unsafe" is a cookie of a bare address
    async with aiohttp.ClientSession(client._base_url, cookie_jar=jar) as browser:
        error = await ask(browser, "POST", "/platform/v1/session", 401, key="ls-wrong")
        assert error["error"]["code"] == "AuthenticationError"
        assert (await ask(browser, "POST", "/platform/v1/session", 400))["error"]["message"]
        async with browser.post("/platform/v1/session", json={"key": made["secret"]}) as reply:
            assert reply.status == 204
            assert "httponly" in reply.headers["set-cookie"].lower()
            assert "samesite=strict" in reply.headers["set-cookie"].lower()
        assert (await ask(browser, "GET", "/platform/v1/me", 200))["key_id"] == made["key"]["id"]
        error = await ask(browser, "POST", "/platform/v1/projects", 403, name="x")
        assert "X-Longslope-Console" in error["error"]["message"]
        await ask(client, "DELETE", f"/platform/v1/keys/{made['key']['id']}", 200)
        error = await ask(browser, "GET", "/platform/v1/me", 401)  # the cookie dies with its key
        assert "revoked" in error["error"]["message"]
        async with browser.delete("/platform/v1/session") as reply:
            assert reply.status == 204
        assert "no API key" in (await ask(browser, "GET", "/platform/v1/me", 401))["error"]["message"]


@pytest.mark.parametrize("forged", ["x", "key-1.9999999999.00", "..", "key-1", "é.1.2"])
async def test_a_forged_cookie_opens_nothing(client: aiohttp.ClientSession, forged: str) -> None:
    async with aiohttp.ClientSession(client._base_url) as browser:
        headers = {"Cookie": f"longslope_session={forged}"}
        async with browser.get("/platform/v1/me", headers=headers) as reply:
            error = (await reply.json())["error"]
    assert (reply.status, error["code"]) == (401, "AuthenticationError")
