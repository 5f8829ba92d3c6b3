"""The API's description: the OpenAPI document that clients are made from and that the page at /docs shows.

Litestar derives it from the handlers and the wire types. What it cannot know is added here: summaries and
texts from the docstrings, the one shape of every error, and a body to begin with for each operation.
Source: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.serialization import encode_json

from longslope.api import health
from longslope.api.first_bodies import FIRST_BODIES
from longslope.api.platform import session
from longslope.wire import answers, chat, embeddings, errors, platform
from longslope.wire.errors import ErrorBody
from longslope.wire.platform import Listing

PATH = "/docs/openapi.json"
_WELL_KNOWN = "/openapi.json"  # where tools look when they are told only a host
_REFERENCE = "#/components/schemas/{name}"
_TYPES = (answers, chat, embeddings, errors, health, platform, session)


class Document(JsonRenderPlugin):
    """The finished document, made when it is first asked for and kept."""

    def __init__(self) -> None:
        super().__init__(
            path=("/", _WELL_KNOWN)
        )  # below PATH; without the second Litestar adds one of its own
        self._encoded = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document as JSON."""
        return self.encoded(request.app)

    def encoded(self, app: Litestar) -> bytes:
        """The document of `app` as JSON."""
        if not self._encoded:
            self._encoded = encode_json(complete(app.openapi_schema.to_schema()))
        return self._encoded


def openapi_config(version: str, document: Document) -> OpenAPIConfig:
    """What Litestar is told; it serves `document` at PATH."""
    return OpenAPIConfig(
        title="longslope",
        version=version,
        path=PATH,
        description="Models (as OpenAI's and Ark's SDKs call them) and the platform around them.",
        render_plugins=[document],
        use_handler_docstrings=True,
        security=[{"key": []}],
        components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
        tags=[
            Tag(name="models", description="Ask a model."),
            Tag(name="catalog", description="What is served, under which name, at which price."),
            Tag(name="projects", description="Who shares limits and a bill."),
            Tag(name="keys", description="Who may call."),
            Tag(name="usage", description="What was used and what it cost."),
            Tag(name="operation", description="How the platform is doing."),
        ],
    )


def well_known_route(document: Document) -> HTTPRouteHandler:
    """The same document at `/openapi.json`."""

    @get(_WELL_KNOWN, include_in_schema=False, sync_to_thread=False)
    def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
        return Response(document.encoded(request.app), media_type=document.media_type)

    return openapi_json


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Adds to Litestar's document, in place, what only the platform knows."""
    schemas = document["components"]["schemas"]
    schemas.update(_schemas(set(schemas) | {ErrorBody.__name__}))
    for schema in schemas.values():
        if schema.get("title", "").startswith(Listing.__name__):
            schema["description"] = Listing.__doc__
    for methods in document["paths"].values():
        for operation in methods.values():
            _complete_operation(operation, schemas)
    return document


def _schemas(names: set[str]) -> dict[str, Any]:
    """The types by those names as msgspec describes them: with their docstrings, and with bounds of 0 and
    defaults, which Litestar leaves out.
    """
    found = (vars(module).get(name) for name in sorted(names) for module in _TYPES)
    types = [each for each in found if isinstance(each, type) and issubclass(each, msgspec.Struct)]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    return schemas


def _complete_operation(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    first, _, rest = " ".join(operation.pop("description", "").split()).partition(". ")
    if first:
        operation["summary"] = first.removesuffix(".")
    if rest:
        operation["description"] = rest
    responses = operation["responses"]
    responses.pop("400", None)  # it speaks of the framework's own shape, which never leaves the platform
    for status, response in responses.items():
        if response["description"] == HTTPStatus(int(status)).description:
            response["description"] = _type_says(response, schemas) or HTTPStatus(int(status)).phrase
    responses["default"] = {
        "description": "An error, with its status, and what to do",
        "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(name=ErrorBody.__name__)}}},
    }
    first_body = FIRST_BODIES.get(operation["operationId"].removeprefix("ark_"))
    if first_body is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = first_body


def _type_says(response: dict[str, Any], schemas: dict[str, Any]) -> str | None:
    """The docstring of the type that a response holds."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return schemas.get(schema.get("$ref", "").rpartition("/")[2], {}).get("description")
