"""Embeddings in the dress that the caller asked for: fewer dimensions, base64."""

from __future__ import annotations

import base64
import math
import struct

import msgspec

from longslope.errors import EngineFault, InvalidRequest
from longslope.wire.chat import TokenUsage
from longslope.wire.embeddings import EmbeddingRequest


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]
    usage: TokenUsage | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def shape_embeddings(body: bytes, request: EmbeddingRequest, version: str) -> bytes:
    """The engine's answer as OpenAI's list of embeddings.

    `dimensions` keeps the first ones and scales the rest to length 1. base64 holds little-endian float32.
    Raises InvalidRequest where more dimensions are asked for than the model has, EngineFault for no answer.
    """
    try:
        answer = _decode(body)
    except msgspec.MsgspecError as error:
        raise EngineFault(
            f"The engine of {version} gave no valid embeddings ({error}). Try again."
        ) from error
    data: list[dict[str, object]] = []
    for item in answer.data:
        vector = item.embedding
        if request.dimensions is not None:
            vector = _shorten(vector, request.dimensions, version)
        shaped = _to_base64(vector) if request.encoding_format == "base64" else vector
        data.append({"object": "embedding", "index": item.index, "embedding": shaped})
    return msgspec.json.encode({"object": "list", "data": data, "usage": answer.usage or TokenUsage()})


def _shorten(vector: list[float], dimensions: int, version: str) -> list[float]:
    if dimensions > len(vector):
        raise InvalidRequest(
            f"dimensions is {dimensions}; {version} gives {len(vector)}. Ask for at most that.",
            param="dimensions",
        )
    kept = vector[:dimensions]
    length = math.sqrt(sum(value * value for value in kept)) or 1.0
    return [value / length for value in kept]


def _to_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
