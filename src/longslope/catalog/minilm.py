"""Makes the GGUF of all-MiniLM-L6-v2 from its safetensors and its WordPiece vocabulary.

The model (Wang et al. 2020, "MiniLM"; sentence-transformers' fine-tune) is a six-layer BERT whose sentence
vector is the mean over its tokens, of length one. The GGUF is laid out as llama.cpp's converter does for
`BertModel`: its names, its "phantom space" vocabulary, matrices in F16 and the rest in F32. The same
ingredients always give the same bytes, so that the result's sha256 can be pinned.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longslope.catalog.gathering import Piece
from longslope.catalog.safetensors import read_tensors
from longslope.errors import WeightsError

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter

INGREDIENTS = (
    Piece(
        "model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376
    ),
    Piece("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231_508),
)
HEADS = 12
LAYER_NORM_EPSILON = 1e-12

# These are control tokens for llama.cpp: it never finds one in a text.
_SPECIAL = {"unknown": "[UNK]", "separator": "[SEP]", "padding": "[PAD]", "class": "[CLS]", "mask": "[MASK]"}

_EMBEDDING_NAMES = {
    "embeddings.word_embeddings.": "token_embd.",
    "embeddings.position_embeddings.": "position_embd.",
    "embeddings.token_type_embeddings.": "token_types.",
    "embeddings.LayerNorm.": "token_embd_norm.",
}
_LAYER_NAMES = {
    "attention.self.query.": "attn_q.",
    "attention.self.key.": "attn_k.",
    "attention.self.value.": "attn_v.",
    "attention.output.dense.": "attn_output.",
    "attention.output.LayerNorm.": "attn_output_norm.",
    "intermediate.dense.": "ffn_up.",
    "output.dense.": "ffn_down.",
    "output.LayerNorm.": "layer_output_norm.",
}
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+\.)(weight|bias)")
_FLOAT32_MATRICES = ("position_embd.weight", "token_types.weight")  # as llama.cpp's converter keeps them


def convert(model: Path, vocabulary: Path, to: Path, *, heads: int = HEADS) -> None:
    """Writes the GGUF `to` from a BERT's safetensors and its vocab.txt (one token a line).

    Raises WeightsError when the tensors are not those of a BERT or do not fit the vocabulary.
    """
    from gguf import GGUFWriter

    tokens = vocabulary.read_text("utf-8").splitlines()
    tensors = {
        renamed: _stored(renamed, tensor) for name, tensor in read_tensors(model) if (renamed := _name(name))
    }
    _check(tensors, tokens)
    writer = GGUFWriter(to, "bert")
    _add_architecture(writer, tensors, heads)
    _add_vocabulary(writer, tokens, len(tensors["token_types.weight"]))
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _name(name: str) -> str | None:
    """The GGUF's name of a BERT tensor; None for what a vector does not need: pooler, position ids."""
    for prefix, renamed in _EMBEDDING_NAMES.items():
        if name.startswith(prefix):
            return renamed + name.removeprefix(prefix)
    found = _LAYER.fullmatch(name)
    if found is None or found.group(2) not in _LAYER_NAMES:
        return None
    return f"blk.{found.group(1)}.{_LAYER_NAMES[found.group(2)]}{found.group(3)}"


def _stored(name: str, tensor: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    matrix = tensor.ndim == 2 and name not in _FLOAT32_MATRICES
    return tensor.astype("<f2" if matrix else "<f4")


def _layers(tensors: dict[str, np.ndarray[Any, Any]]) -> int:
    return len({name.split(".")[1] for name in tensors if name.startswith("blk.")})


def _check(tensors: dict[str, np.ndarray[Any, Any]], tokens: list[str]) -> None:
    embeddings = ["token_embd.weight", "position_embd.weight", "token_types.weight"]
    needed = embeddings + [f"token_embd_norm.{end}" for end in ("weight", "bias")]
    for layer in range(max(1, _layers(tensors))):
        needed += [f"blk.{layer}.{part}{end}" for part in _LAYER_NAMES.values() for end in ("weight", "bias")]
    if missing := [name for name in needed if name not in tensors]:
        raise WeightsError(f"These are not the weights of a BERT: {missing[0]} is missing.")
    if len(tensors["token_embd.weight"]) != len(tokens):
        raise WeightsError(
            f"The vocabulary has {len(tokens):,} tokens and the model {len(tensors['token_embd.weight']):,}."
        )
    if missing := [token for token in _SPECIAL.values() if token not in tokens]:
        raise WeightsError(f"The vocabulary lacks the token {missing[0]}.")


def _add_architecture(writer: GGUFWriter, tensors: dict[str, np.ndarray[Any, Any]], heads: int) -> None:
    from gguf import GGUFType, LlamaFileType, PoolingType

    positions, width = tensors["position_embd.weight"].shape
    writer.add_type(GGUFType.MODEL)
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_license("apache-2.0")
    writer.add_block_count(_layers(tensors))
    writer.add_context_length(positions)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(len(tensors["blk.0.ffn_up.weight"]))
    writer.add_head_count(heads)
    writer.add_layer_norm_eps(LAYER_NORM_EPSILON)
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.MEAN)
    writer.add_file_type(LlamaFileType.MOSTLY_F16)


def _add_vocabulary(writer: GGUFWriter, tokens: list[str], token_types: int) -> None:
    from gguf import TokenType

    special = set(_SPECIAL.values())
    ids = {use: tokens.index(token) for use, token in _SPECIAL.items()}
    writer.add_token_type_count(token_types)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("bert-bge")  # the uncased English BERT vocabulary, by llama.cpp's name for it
    writer.add_token_list([token if token in special else phantom_space(token) for token in tokens])
    writer.add_token_types([TokenType.CONTROL if token in special else TokenType.NORMAL for token in tokens])
    writer.add_bos_token_id(ids["class"])
    writer.add_eos_token_id(ids["separator"])
    writer.add_unk_token_id(ids["unknown"])
    writer.add_sep_token_id(ids["separator"])
    writer.add_pad_token_id(ids["padding"])
    writer.add_mask_token_id(ids["mask"])


def phantom_space(token: str) -> str:
    """WordPiece marks what continues a word (`##ing`); llama.cpp marks what begins one (`▁sing`)."""
    return token.removeprefix("##") if token.startswith("##") else f"\u2581{token}"
