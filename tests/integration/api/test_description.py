"""The OpenAPI document: whole, in our words, with bodies that the platform would take."""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec
import pytest

from longslope.api.first_bodies import FIRST_BODIES
from longslope.api.platform import session
from longslope.wire import chat, embeddings, errors, platform

Operation = dict[str, Any]


@pytest.fixture
async def document(client: aiohttp.ClientSession) -> dict[str, Any]:
    async with client.get("/docs/openapi.json") as answer:
        assert answer.status == 200
        return msgspec.json.decode(await answer.read())


def operations(document: dict[str, Any]) -> list[Operation]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


async def test_it_also_lies_where_tools_look_first(
    client: aiohttp.ClientSession, document: dict[str, Any]
) -> None:
    async with client.get("/openapi.json") as answer:
        assert answer.content_type == "application/vnd.oai.openapi+json"
        assert msgspec.json.decode(await answer.read()) == document


async def test_each_operation_says_what_it_does(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for operation in operations(document):
        assert set(operation["tags"]) <= tags
        assert " " in operation["summary"], operation["operationId"]  # a sentence, not a function's name
        assert not operation["summary"].endswith(".")


async def test_each_body_to_begin_with_is_one_that_the_operation_takes(document: dict[str, Any]) -> None:
    modules = (chat, embeddings, platform, session)
    types = {name: kind for module in modules for name, kind in vars(module).items()}
    taken = set[str]()
    for operation in operations(document):
        if "requestBody" not in operation:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        msgspec.convert(content["example"], types[content["schema"]["$ref"].rpartition("/")[2]])
        taken.add(operation["operationId"].removeprefix("ark_"))
    assert taken == set(FIRST_BODIES)


async def test_every_error_is_described_in_its_one_shape(
    client: aiohttp.ClientSession, document: dict[str, Any]
) -> None:
    for operation in operations(document):
        assert not [status for status in operation["responses"] if status.startswith(("4", "5"))]
        schema = operation["responses"]["default"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorBody"}
    async with client.post("/v1/chat/completions", json={}) as answer:
        error = msgspec.json.decode(await answer.read(), type=errors.ErrorBody)
    described = document["components"]["schemas"]["ErrorDetail"]["properties"]
    assert set(msgspec.to_builtins(error)["error"]) == set(described)


async def test_types_are_described_with_their_words_and_exact_bounds(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert all(schema["description"] for schema in schemas.values())
    temperature, _ = schemas["ChatRequest"]["properties"]["temperature"]["anyOf"]
    assert (temperature["minimum"], temperature["maximum"]) == (0, 2)
    assert '"examples"' not in msgspec.json.encode(document).decode()  # none that were made up
