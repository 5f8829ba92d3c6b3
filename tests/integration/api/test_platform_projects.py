"""Projects and keys: made, changed, revoked; and each way in which that is refused."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from longslope.clock import clock, new_id
from tests.integration.gateway.calls import ask, bearer, chat_body, eventually, new_key

PROJECTS, KEYS = "/platform/v1/projects", "/platform/v1/keys"


async def refusal(
    client: aiohttp.ClientSession, method: str, path: str, status: int, body: object
) -> dict[str, Any]:
    """The error of a call that must fail with `status`."""
    async with client.request(method, path, json=body) as reply:
        answer = await reply.json()
    assert reply.status == status, answer
    return answer["error"]


async def test_a_project_takes_the_platforms_limits_or_its_own(client: aiohttp.ClientSession) -> None:
    plain = await ask(client, "POST", PROJECTS, 201, name=new_id("p"))
    assert (plain["trace"], plain["max_concurrency"], plain["max_queue"]) == ("metadata", 64, 1024)
    own = {"trace": "none", "max_concurrency": 3, "max_queue": 0, "queue_deadline_ms": 7}
    made = await ask(client, "POST", PROJECTS, 201, name=new_id("p"), **own)
    assert {name: made[name] for name in own} == own
    listed = (await ask(client, "GET", PROJECTS, 200))["data"]
    assert made in listed


async def test_a_change_leaves_what_is_not_named(client: aiohttp.ClientSession) -> None:
    made = await ask(client, "POST", PROJECTS, 201, name=new_id("p"), max_queue=5)
    changed = await ask(client, "PATCH", f"{PROJECTS}/{made['id']}", 200, max_queue=0, trace="content")
    assert changed == {**made, "max_queue": 0, "trace": "content"}
    renamed = await ask(client, "PATCH", f"{PROJECTS}/{made['id']}", 200, name=new_id("p"))
    assert renamed["name"] != made["name"]
    assert renamed["max_queue"] == 0


async def test_a_changed_limit_holds_at_once(client: aiohttp.ClientSession) -> None:
    made = await new_key(client, {"max_concurrency": 1})
    project = made["key"]["project_id"]
    await ask(client, "PATCH", f"{PROJECTS}/{project}", 200, trace="none")
    async with client.get(PROJECTS, headers=bearer(made["secret"])) as reply:
        [seen] = (await reply.json())["data"]  # below an admin one sees one's own
    assert (seen["id"], seen["trace"]) == (project, "none")


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({}, "name", "missing"),
        ({"name": ""}, "name", 'name is ""'),
        ({"name": 5}, "name", "name is 5"),
        ({"name": "x" * 129}, "name", "128"),
        ({"name": " x"}, "name", "blank"),
        ({"name": "a\x00b"}, "name", "cannot be shown"),
        ({"name": "x", "trace": "all"}, "trace", "content, metadata, none"),
        ({"name": "x", "max_concurrency": 0}, "max_concurrency", "is 0"),
        ({"name": "x", "max_queue": -1}, "max_queue", "is -1"),
        ({"name": "x", "queue_deadline_ms": 0}, "queue_deadline_ms", "is 0"),
        ({"name": "x", "max_queu": 5}, "max_queu", 'Did you mean "max_queue"?'),
    ],
)
async def test_a_project_that_cannot_be_is_refused(
    client: aiohttp.ClientSession, body: dict[str, Any], param: str, said: str
) -> None:
    made = await ask(client, "POST", PROJECTS, 201, name=new_id("p"))
    error = await refusal(client, "POST", PROJECTS, 400, body)
    assert error["param"] == param
    assert said in error["message"]
    if body:
        error = await refusal(client, "PATCH", f"{PROJECTS}/{made['id']}", 400, body)
        assert error["param"] == param


async def test_a_taken_name_and_an_unknown_project(client: aiohttp.ClientSession) -> None:
    first, second = [await ask(client, "POST", PROJECTS, 201, name=new_id("p")) for _ in range(2)]
    error = await refusal(client, "POST", PROJECTS, 409, {"name": first["name"]})
    assert (error["code"], error["param"]) == ("Conflict", "name")
    await refusal(client, "PATCH", f"{PROJECTS}/{second['id']}", 409, {"name": first["name"]})
    error = await refusal(client, "PATCH", f"{PROJECTS}/nothing", 404, {"max_queue": 1})
    assert '"nothing"' in error["message"]


async def test_a_key_is_shown_once_and_never_again(client: aiohttp.ClientSession) -> None:
    made = await new_key(client, role="viewer", allowed_models=["mini"], allowed_ips=["::1/128"])
    assert made["secret"].startswith("ls-")
    async with client.get(KEYS) as reply:
        text = await reply.text()
        listed = (await reply.json())["data"]
    assert made["secret"] not in text
    assert made["key"] in listed
    assert made["key"]["state"] == "active"
    assert made["secret"].startswith(made["key"]["hint"])


async def test_a_revoked_key_opens_nothing_and_may_be_revoked_again(client: aiohttp.ClientSession) -> None:
    made = await new_key(client)
    for _ in range(2):
        gone = await ask(client, "DELETE", f"{KEYS}/{made['key']['id']}", 200)
        assert gone["state"] == "revoked"
    async with client.get("/v1/models", headers=bearer(made["secret"])) as reply:
        assert reply.status == 401
    listed = (await ask(client, "GET", KEYS, 200))["data"]
    assert gone in listed


async def test_a_key_expires(client: aiohttp.ClientSession) -> None:
    made = await new_key(client, expires_ms=clock.now_ms() + 1_500)
    headers = bearer(made["secret"])

    async def has_expired() -> bool:
        async with client.post("/v1/chat/completions", json=chat_body("nothing"), headers=headers) as reply:
            return reply.status == 401 and "expired" in await reply.text()

    await eventually(has_expired)
    listed = (await ask(client, "GET", KEYS, 200))["data"]
    assert next(key["state"] for key in listed if key["id"] == made["key"]["id"]) == "expired"


@pytest.mark.parametrize(
    ("body", "status", "param", "said"),
    [
        ({}, 400, "name", "missing"),
        ({"name": "x", "role": "boss"}, 400, "role", "admin, developer, viewer"),
        ({"name": "x", "project_id": "nothing"}, 404, "project_id", '"nothing"'),
        ({"name": "x", "allowed_models": ["minni"]}, 404, "allowed_models", 'Did you mean "mini"?'),
        ({"name": "x", "allowed_models": "mini"}, 400, "allowed_models", "expected array"),
        ({"name": "x", "allowed_ips": ["10.0.0.0/33"]}, 400, "allowed_ips", "10.0.0.0/33"),
        ({"name": "x", "allowed_ips": ["here"]}, 400, "allowed_ips", "10.0.0.0/8"),
        ({"name": "x", "expires_ms": 1}, 400, "expires_ms", "has passed"),
        ({"name": "x", "expires_ms": -1}, 400, "expires_ms", "is -1"),
        ({"name": "x", "expires_ms": 2**60}, 400, "expires_ms", "expected integer"),
        ({"name": "x", "expires": 1}, 400, "expires", 'Did you mean "expires_ms"?'),
    ],
)
async def test_a_key_that_cannot_be_is_refused(
    client: aiohttp.ClientSession, body: dict[str, Any], status: int, param: str, said: str
) -> None:
    error = await refusal(client, "POST", KEYS, status, body)
    assert error["param"] == param
    assert said in error["message"]


async def test_an_unknown_key_cannot_be_revoked(client: aiohttp.ClientSession) -> None:
    error = await refusal(client, "DELETE", f"{KEYS}/nothing", 404, None)
    assert '"nothing"' in error["message"]
