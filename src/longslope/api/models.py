"""OpenAI's list of models, and Ark's tokenization."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler

from longslope.api.caller import identify_caller
from longslope.api.operation_ids import operation_id_of
from longslope.api.parts import Parts
from longslope.api.problems import request_id
from longslope.clock import clock
from longslope.engines.protocol import Token
from longslope.errors import InvalidRequest, ModelNotFound, nearest
from longslope.gateway.auth import Identity
from longslope.wire.embeddings import (
    ModelCard,
    ModelCards,
    Tokenization,
    TokenizationAnswer,
    TokenizationRequest,
)

_MOST_CHARACTERS = 1_000_000
_LONG_CHARACTERS = 16_384  # beyond, the event loop is not kept waiting


def model_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """The routes that tell what is served."""

    @get(["/v1/models", "/api/v3/models"], tags=["models"], operation_id=operation_id_of("list_models"))
    async def list_models(request: Request[Any, Any, Any]) -> ModelCards:
        """Every name that may be given as `model`: models, their versions, endpoints."""
        return ModelCards(data=list(_cards(parts, identify_caller(request, parts)).values()))

    @get("/v1/models/{name:str}", tags=["models"], operation_id="get_model")
    async def get_model(request: Request[Any, Any, Any], name: str) -> ModelCard:
        """One name that may be given as `model`."""
        cards = _cards(parts, identify_caller(request, parts))
        if name not in cards:
            raise ModelNotFound(f'There is no model "{name}" here.{nearest(name, cards)}', param="model")
        return cards[name]

    @post("/api/v3/tokenization", status_code=200, tags=["models"], operation_id="tokenize")
    async def tokenize(request: Request[Any, Any, Any], data: TokenizationRequest) -> TokenizationAnswer:
        """The tokens of one or several texts by the model's own tokenizer."""
        identity = identify_caller(request, parts)
        texts = [data.text] if isinstance(data.text, str) else data.text
        if (length := sum(map(len, texts))) > _MOST_CHARACTERS:
            raise InvalidRequest(
                f"text has {length} characters; at most {_MOST_CHARACTERS} are accepted. Send it in parts.",
                param="text",
            )
        items: list[Tokenization] = []
        for index, text in enumerate(texts):
            tokens = await parts.gateway.tokenize(identity, data.model, text)
            long = len(text) > _LONG_CHARACTERS
            items.append(
                await asyncio.to_thread(_tokenization, index, text, tokens)
                if long
                else _tokenization(index, text, tokens)
            )
        return TokenizationAnswer(
            id=request_id(request.scope),
            created=clock.now_ms() // 1000,
            model=parts.gateway.served_version(identity, data.model),
            data=items,
        )

    return [list_models, get_model, tokenize]


def _cards(parts: Parts, identity: Identity) -> dict[str, ModelCard]:
    snapshot = parts.catalog.snapshot
    allowed = set(identity.key.allowed_models)
    cards: dict[str, ModelCard] = {}
    for model in snapshot.models.values():
        if not allowed or model.name in allowed:
            cards[model.name] = ModelCard(id=model.name, created=model.created_ms // 1000)
    for version in snapshot.versions.values():
        if not allowed or {version.model, version.id} & allowed:
            cards[version.id] = ModelCard(id=version.id, created=version.created_ms // 1000)
    for endpoint in snapshot.endpoints.values():
        if not allowed or endpoint.id in allowed:
            cards[endpoint.id] = ModelCard(id=endpoint.id, created=endpoint.created_ms // 1000)
    return cards


def _tokenization(index: int, text: str, tokens: list[Token]) -> Tokenization:
    """Byte offsets become character offsets; a token inside a character covers the whole of it."""
    encoded = text.encode()
    starts: list[int] = []  # for each byte, the character it belongs to
    for place, character in enumerate(text):
        starts.extend([place] * len(character.encode()))
    starts.append(len(text))
    offsets: list[tuple[int, int]] = []
    for token in tokens:
        start, end = min(token.start, len(encoded)), min(token.end, len(encoded))
        offsets.append((starts[start], starts[end - 1] + 1 if end > start else starts[start]))
    return Tokenization(
        index=index,
        total_tokens=len(tokens),
        token_ids=[token.id for token in tokens],
        offset_mapping=offsets,
    )
