"""Models, versions, endpoints and prices: added, bound, taken out; and each way in which that is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from longslope.clock import new_id
from tests.integration.engines.server import Server
from tests.integration.gateway.acts import Telling
from tests.integration.gateway.calls import ask, chat_body, row_of, upstream_model

MODELS, ENDPOINTS, PRICES = "/platform/v1/models", "/platform/v1/endpoints", "/platform/v1/prices"
UPSTREAMS, WEIGHTS = f"{MODELS}/upstreams", f"{MODELS}/weights"
AMOUNTS = {"input": "0.30", "cached_input": "0.06", "output": "1"}


@pytest.fixture
async def engine() -> Any:
    """A server of OpenAI's protocol."""
    async with Server() as server:
        server.will(Telling())
        yield server


async def refusal(
    client: aiohttp.ClientSession, method: str, path: str, status: int, body: object = None
) -> dict[str, Any]:
    """The error of a call that must fail with `status`."""
    async with client.request(method, path, json=body) as reply:
        answer = await reply.json()
    assert reply.status == status, answer
    return answer["error"]


async def test_models_tell_their_versions_price_and_state(client: aiohttp.ClientSession) -> None:
    listed = {model["name"]: model for model in (await ask(client, "GET", MODELS, 200))["data"]}
    mini = listed["mini"]
    assert (mini["kind"], mini["newest"], mini["state"]) == ("chat", "mini@1", "ready")
    assert mini["price"]["in_force"]
    [version] = mini["versions"]
    assert (version["engine"], version["number"]) == ("llama", 1)
    assert len(version["sha256"]) == 64
    versions = (await ask(client, "GET", "/platform/v1/versions", 200))["data"]
    assert version in versions


async def test_an_upstreams_secret_is_sent_to_it_and_to_nobody_else(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    async with upstream_model(client, engine, secret="open-sesame") as name:
        await ask(client, "POST", "/v1/chat/completions", 200, **chat_body(name))
        for path in (MODELS, "/platform/v1/versions", "/platform/v1/settings"):
            async with client.get(path) as reply:
                assert "open-sesame" not in await reply.text()
    assert engine.headers[-1]["Authorization"] == "Bearer open-sesame"


async def test_a_model_taken_out_answers_no_more_and_comes_back_as_the_next_version(
    client: aiohttp.ClientSession, engine: Server
) -> None:
    async with upstream_model(client, engine) as name:
        pass
    error = await refusal(client, "POST", "/v1/chat/completions", 404, chat_body(name))
    assert error["code"] == "InvalidEndpointOrModel.NotFound"
    async with client.delete(f"{MODELS}/{name}") as again:
        assert again.status == 204  # it is gone, which is what was asked for
    async with upstream_model(client, engine, name=name):
        answer = await ask(client, "POST", "/v1/chat/completions", 200, **chat_body(name))
    assert answer["model"] == f"{name}@2"


@pytest.mark.parametrize(
    ("body", "status", "param", "said"),
    [
        ({}, 400, "name", "missing"),
        ({"name": "Big Model"}, 400, "name", 'name is "Big Model"'),
        ({"base_url": "ftp://x"}, 400, "base_url", "^https?://"),
        ({"model": ""}, 400, "model", 'model is ""'),
        ({"kind": "voice"}, 400, "kind", "chat, embedding"),
        ({"capacity": 0}, 400, "capacity", "is 0"),
        ({"context_length": 0}, 400, "context_length", "is 0"),
        ({"secret": 5}, 400, "secret", "secret is wrong"),
        ({"name": "embedding"}, 409, "name", "for embedding"),
        ({"colour": "red"}, 400, "colour", "no field colour"),
    ],
)
async def test_an_upstream_that_cannot_be_is_refused(
    client: aiohttp.ClientSession, body: dict[str, Any], status: int, param: str, said: str
) -> None:
    whole = {"name": "other", "base_url": "http://127.0.0.1:1/v1", "model": "x"} if body else {}
    error = await refusal(client, "POST", UPSTREAMS, status, {**whole, **body})
    assert error["param"] == param
    assert said in error["message"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "nothing.gguf"),
        (b"", "empty file"),
        (b"\x80\x04pickled", "GGUF"),
        (b"GGUF" + b"\xff" * 64, "GGUF"),
    ],
)
async def test_a_file_that_is_no_gguf_is_the_callers_mistake(
    client: aiohttp.ClientSession, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "nothing.gguf"
    if content is not None:
        path.write_bytes(content)
    error = await refusal(client, "POST", WEIGHTS, 400, {"name": "mine", "path": str(path)})
    assert error["code"] == "InvalidParameter"
    assert said in error["message"]


async def test_an_unknown_model_cannot_be_taken_out(client: aiohttp.ClientSession) -> None:
    error = await refusal(client, "DELETE", f"{MODELS}/minni", 404)
    assert 'Did you mean "mini"?' in error["message"]


async def test_an_endpoint_leads_where_it_is_bound(client: aiohttp.ClientSession, engine: Server) -> None:
    made = await ask(client, "POST", ENDPOINTS, 201, name=new_id("shop"), version="mini")
    assert made["version"] == "mini@1"
    async with upstream_model(client, engine) as name:
        bound = await ask(client, "POST", f"{ENDPOINTS}/{made['id']}/bindings", 201, version=name)
        assert [binding["version"] for binding in bound["bindings"]] == [f"{name}@1", "mini@1"]
        async with client.post("/v1/chat/completions", json=chat_body(made["id"])) as reply:
            answer = await reply.json()
        assert answer["model"] == f"{name}@1"
        assert (await row_of(client, answer["id"]))["endpoint_id"] == made["id"]
        listed = (await ask(client, "GET", ENDPOINTS, 200))["data"]
        assert bound in listed
        for _ in range(2):
            async with client.delete(f"{ENDPOINTS}/{made['id']}") as gone:
                assert gone.status == 204
    await refusal(client, "POST", "/v1/chat/completions", 404, chat_body(made["id"]))
    await refusal(client, "POST", f"{ENDPOINTS}/{made['id']}/bindings", 409, {"version": "mini"})


async def test_an_endpoint_that_cannot_be_is_refused(client: aiohttp.ClientSession) -> None:
    made = await ask(client, "POST", ENDPOINTS, 201, name=new_id("shop"), version="mini@1")
    path = f"{ENDPOINTS}/{made['id']}"
    error = await refusal(client, "POST", ENDPOINTS, 409, {"name": made["name"], "version": "mini"})
    assert error["param"] == "name"
    error = await refusal(client, "POST", ENDPOINTS, 404, {"name": "x", "version": "minni"})
    assert (error["param"], 'Did you mean "mini"?' in error["message"]) == ("version", True)
    error = await refusal(client, "POST", f"{path}/bindings", 404, {"version": "mini@9"})
    assert 'Did you mean "mini@1"?' in error["message"]
    assert (await refusal(client, "POST", ENDPOINTS, 400, {"name": "x"}))["param"] == "version"
    assert (await refusal(client, "POST", ENDPOINTS, 400, {"version": "mini"}))["param"] == "name"
    assert (await refusal(client, "POST", f"{path}/bindings", 400, {}))["param"] == "version"
    for method, wrong in (("DELETE", f"{ENDPOINTS}/ep-x"), ("POST", f"{ENDPOINTS}/ep-x/bindings")):
        body = {"version": "mini"} if method == "POST" else None
        assert "ep-x" in (await refusal(client, method, wrong, 404, body))["message"]
    async with client.delete(path) as gone:
        assert gone.status == 204


async def test_a_price_is_in_force_until_the_next(client: aiohttp.ClientSession, engine: Server) -> None:
    async with upstream_model(client, engine) as name:
        first = await ask(client, "POST", PRICES, 201, model=name, currency="CNY", **AMOUNTS)
        assert {part: first[part] for part in AMOUNTS} == {
            "input": "0.3",
            "cached_input": "0.06",
            "output": "1",
        }
        assert first["in_force"]
        cost = await ask(client, "POST", PRICES, 201, model=name, side="cost", currency="CNY", **AMOUNTS)
        second = await ask(client, "POST", PRICES, 201, model=name, currency="USD", **AMOUNTS)
        async with client.get(PRICES, params={"model": name}) as reply:
            listed = (await reply.json())["data"]
    assert [price["id"] for price in listed] == [second["id"], cost["id"], first["id"]]
    assert [price["in_force"] for price in listed] == [True, True, False]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": "minni"}, 404, "model"),
        ({"input": "free"}, 400, "input"),
        ({"input": "-1"}, 400, "input"),
        ({"input": "1e3"}, 400, "input"),
        ({"input": 1.5}, 400, "input"),
        ({"output": "0.0000001"}, 400, "output"),
        ({"output": "1000001"}, 400, "output_micro"),
        ({"currency": "cny"}, 400, "currency"),
        ({"side": "margin"}, 400, "side"),
        ({"cached_input": None}, 400, "cached_input"),
    ],
)
async def test_a_price_that_cannot_be_is_refused(
    client: aiohttp.ClientSession, body: dict[str, Any], status: int, param: str
) -> None:
    error = await refusal(
        client, "POST", PRICES, status, {"model": "mini", "currency": "CNY", **AMOUNTS, **body}
    )
    assert error["param"] == param
