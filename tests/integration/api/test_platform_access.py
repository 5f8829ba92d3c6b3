"""Who may call what: every operation of the OpenAPI document, with no key, a wrong one, and each role."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.integration.gateway.calls import ask, bearer, chat_body, new_key

OPEN = {"get_health", "get_metrics", "sign_in", "sign_out"}
PRICE = {"input": "1", "cached_input": "1", "output": "1", "currency": "CNY"}

# The least role of each operation, and a body that is right in form and names nothing that exists.
LEAST: dict[str, tuple[str, dict[str, Any] | None]] = {
    "list_models": ("viewer", None),
    "ark_list_models": ("viewer", None),
    "get_model": ("viewer", None),
    "tokenize": ("viewer", {"model": "nothing", "text": "x"}),
    "create_chat_completion": ("developer", chat_body("nothing")),
    "ark_create_chat_completion": ("developer", chat_body("nothing")),
    "create_completion": ("developer", {"model": "nothing", "prompt": "x"}),
    "create_embeddings": ("developer", {"model": "nothing", "input": "x"}),
    "ark_create_embeddings": ("developer", {"model": "nothing", "input": "x"}),
    "list_projects": ("viewer", None),
    "create_project": ("admin", {"name": "default"}),
    "change_project": ("admin", {"name": "x"}),
    "list_keys": ("admin", None),
    "create_key": ("admin", {"name": "x", "project_id": "nothing"}),
    "revoke_key": ("admin", None),
    "list_catalog_models": ("viewer", None),
    "remove_model": ("admin", None),
    "add_upstream": ("admin", {"name": "embedding", "base_url": "http://127.0.0.1:1", "model": "x"}),
    "add_weights": ("admin", {"name": "x", "path": "/nothing/here.gguf"}),
    "list_versions": ("viewer", None),
    "list_endpoints": ("viewer", None),
    "create_endpoint": ("admin", {"name": "x", "version": "nothing"}),
    "bind_endpoint": ("admin", {"version": "mini"}),
    "remove_endpoint": ("admin", None),
    "list_prices": ("viewer", None),
    "create_price": ("admin", {"model": "nothing", **PRICE}),
    "sum_usage": ("viewer", None),
    "export_usage": ("viewer", None),
    "list_requests": ("viewer", None),
    "get_request": ("viewer", None),
    "list_engines": ("viewer", None),
    "restart_engine": ("admin", None),
    "list_settings": ("admin", None),
    "get_me": ("viewer", None),
}
ORDER = ("viewer", "developer", "admin")
METHODS = ("get", "post", "patch", "delete", "put")


@pytest.fixture
async def stranger(client: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientSession]:
    """A client without a key."""
    async with aiohttp.ClientSession(client._base_url) as session:
        yield session


async def operations(client: aiohttp.ClientSession) -> dict[str, tuple[str, str]]:
    """Method and path of each operation that is documented, its parameters named `nothing`."""
    async with client.get("/docs/openapi.json") as answer:
        paths = (await answer.json(content_type=None))["paths"]
    return {
        operation["operationId"]: (
            method,
            "/".join("nothing" if "{" in step else step for step in path.split("/")),
        )
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


async def test_every_operation_is_held_to_a_role_here(client: aiohttp.ClientSession) -> None:
    assert set(await operations(client)) == set(LEAST) | OPEN


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (None, "has no API key"),
        ("Bearer ", "must read `Bearer ls-…`"),
        ("Basic dXNlcjpwYXNz", "must read `Bearer ls-…`"),
        ("Bearer ls-nobody-has-this-one", 'begins with "ls-nob…"'),
        ("Bearer \xff\xfe", "There is no API key"),
    ],
)
async def test_nothing_but_the_open_answers_without_a_key(
    client: aiohttp.ClientSession, stranger: aiohttp.ClientSession, authorization: str | None, said: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for name, (method, path) in (await operations(client)).items():
        if name in OPEN:
            continue
        async with stranger.request(method, path, json=LEAST[name][1], headers=headers) as reply:
            error = (await reply.json())["error"]
        assert (reply.status, error["code"]) == (401, "AuthenticationError"), (name, error)
        assert said in error["message"]


async def test_a_strangers_body_is_not_even_looked_at(
    client: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    for name, (method, path) in (await operations(client)).items():
        if name in OPEN or LEAST[name][1] is None:
            continue
        async with stranger.request(method, path, data=b"no JSON at all") as reply:
            assert (reply.status, (await reply.json())["error"]["code"]) == (401, "AuthenticationError"), name


async def test_a_sign_in_is_short(stranger: aiohttp.ClientSession) -> None:
    async with stranger.post("/platform/v1/session", json={"key": "x" * 5_000}) as reply:
        error = (await reply.json())["error"]
    assert (reply.status, error["code"]) == (413, "RequestTooLarge")
    assert "4096" in error["message"]


@pytest.mark.parametrize("role", ORDER)
async def test_a_role_opens_what_it_should_and_no_more(client: aiohttp.ClientSession, role: str) -> None:
    made = await new_key(client, role=role)
    for name, (method, path) in (await operations(client)).items():
        if name in OPEN:
            continue
        least, body = LEAST[name]
        headers = bearer(made["secret"])
        async with client.request(method, path, json=body, headers=headers) as reply:
            text = await reply.text()
        if ORDER.index(role) < ORDER.index(least):
            assert reply.status == 403, (name, text)
            assert f'has the role "{role}"; this needs "{least}"' in json.loads(text)["error"]["message"]
        else:
            assert reply.status in (200, 400, 404, 409), (name, reply.status, text)


async def test_a_path_answers_only_its_methods(client: aiohttp.ClientSession) -> None:
    answering: dict[str, set[str]] = {}
    for method, path in (await operations(client)).values():
        answering.setdefault(path, set()).add(method)
    for path, methods in answering.items():
        for method in set(METHODS) - methods:
            async with client.request(method, path) as reply:
                error = (await reply.json())["error"]
            assert (reply.status, error["code"]) == (405, "MethodNotAllowed"), (method, path)
            assert method.upper() in error["message"]
            assert {allowed.strip().lower() for allowed in reply.headers["allow"].split(",")} >= methods


async def test_a_path_that_is_none_says_where_the_paths_are(client: aiohttp.ClientSession) -> None:
    for path in ("/v1/nothing", "/platform/v1", "/api/v3/chat", "/v1/chat/completions/x"):
        async with client.get(path) as reply:
            error = (await reply.json())["error"]
        assert (reply.status, error["code"]) == (404, "NotFound")
        assert "/docs" in error["message"]


async def test_a_key_lists_only_the_models_it_may_use(client: aiohttp.ClientSession) -> None:
    made = await new_key(client, allowed_models=["mini"])
    async with client.get("/v1/models", headers=bearer(made["secret"])) as reply:
        listed = {card["id"] for card in (await reply.json())["data"]}
    assert listed == {"mini", "mini@1"}
    headers = bearer(made["secret"])
    async with client.post("/v1/chat/completions", json=chat_body("lite"), headers=headers) as reply:
        error = (await reply.json())["error"]
    assert (reply.status, error["code"]) == (403, "ModelNotOpen")
    assert "it may use mini" in error["message"]


async def test_a_key_opens_only_from_its_addresses(client: aiohttp.ClientSession) -> None:
    here = await new_key(client, allowed_ips=["10.0.0.0/8", "127.0.0.1"])
    elsewhere = await new_key(client, allowed_ips=["10.0.0.0/8"])
    async with client.get("/platform/v1/me", headers=bearer(here["secret"])) as reply:
        assert reply.status == 200
    async with client.get("/platform/v1/me", headers=bearer(elsewhere["secret"])) as reply:
        assert reply.status == 403
        assert "127.0.0.1" in (await reply.json())["error"]["message"]


async def test_only_an_admin_acts_for_another_project(client: aiohttp.ClientSession) -> None:
    made = await new_key(client)
    project = (await ask(client, "GET", "/platform/v1/projects"))["data"][-1]
    named = {"X-Project-Name": project["name"]}
    async with client.get("/platform/v1/me", headers=named) as reply:
        assert (await reply.json())["project_id"] == project["id"]
    async with client.get("/platform/v1/me", headers={"X-Project-Name": project["name"][:-1]}) as reply:
        assert reply.status == 404
        assert f'Did you mean "{project["name"]}"?' in (await reply.json())["error"]["message"]
    async with client.get(
        "/platform/v1/me", headers={**bearer(made["secret"]), "X-Project-Name": "default"}
    ) as reply:
        assert reply.status == 403
