"""A BERT in plain numpy: the oracle of the embedding engine, and the maker of tiny random ones.

Written from the paper (Devlin et al. 2018) and from WordPiece's greedy longest match, independently of what
longslope and llama.cpp do.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

Tensors = dict[str, np.ndarray[Any, Any]]

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def embed(tensors: Tensors, vocabulary: list[str], heads: int, text: str) -> np.ndarray[Any, Any]:
    """The sentence vector of an uncased text of words and punctuation: its tokens' mean, of length one."""
    ids = [vocabulary.index(token) for token in ["[CLS]", *wordpiece(vocabulary, text), "[SEP]"]]
    x = tensors["embeddings.word_embeddings.weight"][ids]
    x = x + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    x = _norm(x + tensors["embeddings.token_type_embeddings.weight"][0], tensors, "embeddings.LayerNorm")
    layer = 0
    while f"encoder.layer.{layer}.output.dense.weight" in tensors:
        x = _layer(x, tensors, f"encoder.layer.{layer}", heads)
        layer += 1
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def wordpiece(vocabulary: list[str], text: str) -> list[str]:
    known, tokens = set(vocabulary), list[str]()
    for word in re.findall(r"\w+|[^\w\s]", text.lower()):
        start, pieces = 0, list[str]()
        while start < len(word):
            mark = "##" if start else ""
            end = next((end for end in range(len(word), start, -1) if mark + word[start:end] in known), start)
            if end == start:
                pieces = ["[UNK]"]
                break
            pieces.append(mark + word[start:end])
            start = end
        tokens += pieces
    return tokens


def _layer(x: np.ndarray[Any, Any], tensors: Tensors, name: str, heads: int) -> np.ndarray[Any, Any]:
    count, width = x.shape
    query, key, value = (
        _dense(x, tensors, f"{name}.attention.self.{part}")
        .reshape(count, heads, width // heads)
        .swapaxes(0, 1)
        for part in ("query", "key", "value")
    )
    scores = query @ key.swapaxes(1, 2) / math.sqrt(width // heads)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    mixed = (weights @ value).swapaxes(0, 1).reshape(count, width)
    x = _norm(
        x + _dense(mixed, tensors, f"{name}.attention.output.dense"),
        tensors,
        f"{name}.attention.output.LayerNorm",
    )
    inner = _gelu(_dense(x, tensors, f"{name}.intermediate.dense"))
    return _norm(x + _dense(inner, tensors, f"{name}.output.dense"), tensors, f"{name}.output.LayerNorm")


def _dense(x: np.ndarray[Any, Any], tensors: Tensors, name: str) -> np.ndarray[Any, Any]:
    return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]


def _norm(x: np.ndarray[Any, Any], tensors: Tensors, name: str) -> np.ndarray[Any, Any]:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    return scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]


def _gelu(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def random_bert(
    words: list[str], *, layers: int = 2, width: int = 32, inner: int = 64, positions: int = 64
) -> Tensors:
    """A BERT of random weights under the names that transformers saves, pooler and position ids included."""
    random = np.random.default_rng(7)

    def normal(*shape: int) -> np.ndarray[Any, Any]:
        return (random.standard_normal(shape) * 0.3).astype(np.float32)

    tensors: Tensors = {
        "embeddings.word_embeddings.weight": normal(len(words), width),
        "embeddings.position_embeddings.weight": normal(positions, width),
        "embeddings.token_type_embeddings.weight": normal(2, width),
        "embeddings.position_ids": np.arange(positions, dtype=np.int64)[None],
    }
    dense = {"pooler.dense": (width, width)}
    norms = ["embeddings.LayerNorm"]
    for layer in range(layers):
        name = f"encoder.layer.{layer}"
        for part in (
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
        ):
            dense[f"{name}.{part}"] = (width, width)
        dense |= {f"{name}.intermediate.dense": (inner, width), f"{name}.output.dense": (width, inner)}
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
    for name, shape in dense.items():
        tensors |= {f"{name}.weight": normal(*shape), f"{name}.bias": normal(shape[0])}
    for name in norms:
        tensors |= {f"{name}.weight": 1 + normal(width), f"{name}.bias": normal(width)}
    return tensors


def write_safetensors(path: Path, tensors: Tensors) -> None:
    """Writes tensors as safetensors does."""
    dtypes = {"float32": "F32", "float16": "F16", "int64": "I64"}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, tensor in tensors.items():
        end = start + tensor.nbytes
        header[name] = {
            "dtype": dtypes[str(tensor.dtype)],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
        start = end
    encoded = json.dumps(header).encode()
    body = b"".join(np.ascontiguousarray(tensor).tobytes() for tensor in tensors.values())
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + body)
