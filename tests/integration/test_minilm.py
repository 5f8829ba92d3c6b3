"""The converted embedding model in the real engine, against a BERT in plain numpy and published figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longslope.catalog.family import EMBEDDING
from longslope.catalog.minilm import convert
from longslope.catalog.weights import pull
from tests.bert import SPECIAL, embed, random_bert, write_safetensors

# A process of its own: the engine ends by itself only with its process.
ENGINE = """
import json, sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.embedding = True
params.n_parallel = 1
params.cpuparams.n_threads = 2
server = xllamacpp.Server(params)
print(json.dumps(server.handle_embeddings({"input": json.load(sys.stdin)})), flush=True)
"""


def vectors(model: Path, texts: list[str]) -> np.ndarray[Any, Any]:
    done = subprocess.run(
        [sys.executable, "-c", ENGINE, str(model)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return np.array([item["embedding"] for item in answer["data"]])


def test_the_engine_computes_what_the_paper_says(tmp_path: Path) -> None:
    """A random BERT: a swapped, transposed or missing matrix would give an unrelated vector."""
    words = [*SPECIAL, *"abcdefghijklmnopqrstuvwxyz", "##fall", "##s", "snow", "slope", "long", "a", ",", "!"]
    words = list(dict.fromkeys(words))
    tensors = random_bert(words)
    write_safetensors(tmp_path / "model.safetensors", tensors)
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    convert(tmp_path / "model.safetensors", tmp_path / "vocab.txt", tmp_path / "tiny.gguf", heads=4)

    texts = ["Long slope, snow!", "snowfalls", "a", "slope slope snowfall a b c", "unknownword slope"]
    found = vectors(tmp_path / "tiny.gguf", texts)
    expected = np.array([embed(tensors, words, 4, text) for text in texts])
    agreement = (found * expected).sum(axis=1)
    assert agreement.min() > 0.999
    assert (found @ expected.T - np.eye(len(texts)) * 2).max() < 0.999  # and no vector is another text's


@pytest.fixture(scope="module")
def embedding_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real weights, kept between runs in the folder that LONGSLOPE_TEST_MODELS names."""
    kept = os.environ.get("LONGSLOPE_TEST_MODELS")
    return pull(EMBEDDING.weights, Path(kept) if kept else tmp_path_factory.mktemp("models"))


def test_the_real_model_gives_the_published_similarities(embedding_weights: Path) -> None:
    """The figures are those that Sentence Transformers prints in its quickstart for this model."""
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    found = vectors(embedding_weights, texts)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    published = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    np.testing.assert_allclose(found @ found.T, published, atol=0.002)


def test_the_real_model_ignores_case_and_accents(embedding_weights: Path) -> None:
    found = vectors(embedding_weights, ["A café in Zürich", "a cafe in zurich", "a garage in Zürich"])
    similar = found @ found.T
    assert similar[0, 1] == pytest.approx(1, abs=1e-4)
    assert similar[0, 2] < 0.95
