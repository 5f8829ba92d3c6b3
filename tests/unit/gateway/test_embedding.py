"""Embeddings in the dress that was asked for."""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longslope.errors import EngineFault, InvalidRequest
from longslope.gateway.embedding import shape_embeddings
from longslope.wire.embeddings import EmbeddingRequest

USAGE = {"prompt_tokens": 3, "total_tokens": 3}
vectors = st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4)


def engines(*embeddings: list[float]) -> bytes:
    data = [{"index": index, "embedding": embedding} for index, embedding in enumerate(embeddings)]
    return json.dumps({"object": "list", "data": data, "model": "x", "usage": USAGE}).encode()


def shaped(answer: bytes, **fields: Any) -> dict[str, Any]:
    request = EmbeddingRequest(model="embedding", input="x", **fields)
    return json.loads(shape_embeddings(answer, request, "embedding@1"))


@given(vectors, vectors)
def test_numbers_pass_as_they_are_and_in_order(first: list[float], second: list[float]) -> None:
    answer = shaped(engines(first, second))
    assert [item["embedding"] for item in answer["data"]] == [first, second]
    assert [item["index"] for item in answer["data"]] == [0, 1]
    assert answer["object"] == "list"
    assert answer["usage"]["prompt_tokens"] == 3


@given(vectors)
def test_base64_holds_the_same_numbers(vector: list[float]) -> None:
    [item] = shaped(engines(vector), encoding_format="base64")["data"]
    assert list(struct.unpack("<4f", base64.b64decode(item["embedding"]))) == vector


@given(vectors, st.integers(1, 4))
def test_fewer_dimensions_are_the_first_ones_at_length_one(vector: list[float], dimensions: int) -> None:
    [item] = shaped(engines(vector), dimensions=dimensions)["data"]
    kept = item["embedding"]
    assert len(kept) == dimensions
    length = math.hypot(*vector[:dimensions])
    if length < 1e-30:
        return
    assert math.isclose(math.hypot(*kept), 1, rel_tol=1e-6)
    for ours, theirs in zip(kept, vector, strict=False):
        assert math.isclose(ours * length, theirs, rel_tol=1e-6, abs_tol=1e-12)


def test_more_dimensions_than_there_are_say_both_numbers() -> None:
    with pytest.raises(InvalidRequest, match="dimensions is 5; embedding@1 gives 4"):
        shaped(engines([0.5, 0.5, 0.5, 0.5]), dimensions=5)


@pytest.mark.parametrize(
    "answer",
    [b"", b"{}", b"[]", b'{"data":[{"index":0,"embedding":"x"}]}', b'{"data":[{"index":0}]}', b"\xff"],
)
def test_an_answer_that_is_none_is_the_engines_fault(answer: bytes) -> None:
    with pytest.raises(EngineFault, match="embedding@1"):
        shaped(answer)
