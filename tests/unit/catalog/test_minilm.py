"""Converts a BERT to GGUF and reads it back with the gguf package; an integration test uses the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from longslope.catalog.gguf import inspect_gguf
from longslope.catalog.minilm import convert
from longslope.catalog.safetensors import read_tensors
from longslope.errors import WeightsError
from tests.bert import SPECIAL, Tensors, random_bert, write_safetensors

WORDS = [*SPECIAL, "snow", "##fall", "##s", "slope", "[unused0]", "!"]


def made(folder: Path, tensors: Tensors | None = None, words: list[str] | None = None) -> Path:
    write_safetensors(folder / "model.safetensors", tensors or random_bert(WORDS))
    (folder / "vocab.txt").write_text("\n".join(words or WORDS) + "\n")
    convert(folder / "model.safetensors", folder / "vocab.txt", folder / "made.gguf", heads=4)
    return folder / "made.gguf"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> gguf.GGUFReader:
    return gguf.GGUFReader(made(tmp_path_factory.mktemp("minilm")))


def field(reader: gguf.GGUFReader, name: str) -> Any:
    found = reader.get_field(name)
    assert found is not None, name
    return found.contents()


def test_the_engine_is_told_what_the_model_is(reader: gguf.GGUFReader) -> None:
    told = {
        "general.architecture": "bert",
        "bert.block_count": 2,
        "bert.context_length": 64,
        "bert.embedding_length": 32,
        "bert.feed_forward_length": 64,
        "bert.attention.head_count": 4,
        "bert.attention.causal": False,
        "bert.pooling_type": 1,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.seperator_token_id": 3,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.mask_token_id": 4,
    }
    assert {name: field(reader, name) for name in told} == told
    assert field(reader, "bert.attention.layer_norm_epsilon") == pytest.approx(1e-12)


def test_what_begins_a_word_is_marked_instead_of_what_continues_one(reader: gguf.GGUFReader) -> None:
    expected = [*SPECIAL, "▁snow", "fall", "s", "▁slope", "▁[unused0]", "▁!"]
    assert field(reader, "tokenizer.ggml.tokens") == expected
    assert field(reader, "tokenizer.ggml.token_type") == [3] * 5 + [1] * 6


def test_every_weight_is_there_once_under_the_engines_name(reader: gguf.GGUFReader) -> None:
    tensors = random_bert(WORDS)
    stored = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    assert len(stored) == len(tensors) - 3  # the pooler's two and the position ids
    names = {
        "token_embd.weight": "embeddings.word_embeddings.weight",
        "token_embd_norm.bias": "embeddings.LayerNorm.bias",
        "blk.1.attn_q.weight": "encoder.layer.1.attention.self.query.weight",
        "blk.0.attn_k.bias": "encoder.layer.0.attention.self.key.bias",
        "blk.0.ffn_up.weight": "encoder.layer.0.intermediate.dense.weight",
        "blk.1.ffn_down.weight": "encoder.layer.1.output.dense.weight",
        "blk.1.layer_output_norm.weight": "encoder.layer.1.output.LayerNorm.weight",
    }
    for name, original in names.items():
        np.testing.assert_allclose(stored[name], tensors[original], rtol=1e-3, atol=1e-4)


def test_the_same_ingredients_give_the_same_bytes(tmp_path: Path) -> None:
    first = made(tmp_path).read_bytes()
    shuffled = dict(reversed(random_bert(WORDS).items()))
    assert made(tmp_path, shuffled).read_bytes() == first


def test_our_own_reader_takes_the_file(tmp_path: Path) -> None:
    facts = inspect_gguf(made(tmp_path))
    assert (facts.architecture, facts.context_length, facts.quantisation) == ("bert", 64, "F16")


def test_other_weights_are_refused(tmp_path: Path) -> None:
    lacking = random_bert(WORDS)
    del lacking["encoder.layer.1.attention.self.value.bias"]
    with pytest.raises(WeightsError, match=r"not the weights of a BERT: blk\.1\.attn_v\.bias is missing"):
        made(tmp_path, lacking)
    with pytest.raises(WeightsError, match="is missing"):
        made(tmp_path, {"lm_head.weight": np.zeros((2, 2), dtype=np.float32)})


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="The vocabulary has 12 tokens and the model 11"):
        made(tmp_path, words=[*WORDS, "more"])
    with pytest.raises(WeightsError, match=r"lacks the token \[MASK\]"):
        made(tmp_path, words=[word.replace("[MASK]", "mask") for word in WORDS])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        (5).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (12).to_bytes(8, "little") + b'{"a": "text"',
        (4).to_bytes(8, "little") + b"\x80\x81\x82\x83",
        *(
            len(header).to_bytes(8, "little") + header + bytes(16)
            for header in (
                b'{"a": {"dtype": "F32", "shape": [4], "data_offsets": [8, 24]}}',
                b'{"a": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}}',
                b'{"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}}',
                b'{"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 16]}}',
                b'{"a": {"dtype": "F32", "shape": [99999999999999999999], "data_offsets": [0, 16]}}',
                b'{"a": {"dtype": "F8", "shape": [16], "data_offsets": [0, 16]}}',
            )
        ),
    ],
)
def test_an_unsound_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match="no sound safetensors file"):
        list(read_tensors(tmp_path / "model.safetensors"))
