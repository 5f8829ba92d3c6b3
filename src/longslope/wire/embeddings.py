"""Embeddings, tokenization and the list of models."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1)]


class EmbeddingRequest(msgspec.Struct, kw_only=True):
    """`POST /embeddings`: a text, several texts, token ids, or several lists of them."""

    model: Annotated[str, Meta(min_length=1, max_length=128)]
    input: Text | Annotated[list[Text | int | list[int]], Meta(min_length=1, max_length=8192)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=65_536)] | None = None
    user: str | None = None


class TokenizationRequest(msgspec.Struct, kw_only=True):
    """Ark's `POST /tokenization`."""

    model: Annotated[str, Meta(min_length=1, max_length=128)]
    text: str | Annotated[list[str], Meta(min_length=1, max_length=2048)]


class Tokenization(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of one text: ids, and for each the [start, end) characters it covers."""

    index: int
    object: str = "tokenization"
    total_tokens: int
    token_ids: list[int]
    offset_mapping: list[tuple[int, int]]


class TokenizationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a TokenizationRequest."""

    id: str
    object: str = "list"
    created: int
    model: str
    data: list[Tokenization]


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `GET /v1/models`."""

    id: str
    object: str = "model"
    created: int
    owned_by: str = "longslope"


class ModelCards(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `GET /v1/models`."""

    object: str = "list"
    data: list[ModelCard]
