"""The family's table is whole, and presets and names expand to models."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from longslope.catalog.family import FAMILY, PRESETS, FamilyModel, expand_models
from longslope.catalog.minilm import INGREDIENTS
from longslope.catalog.sources import Hub, Package, kind_of
from longslope.errors import SettingsError

MODELS = list(FAMILY.values())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_model_has_all_that_a_user_needs(model: FamilyModel) -> None:
    assert FAMILY[model.name] is model
    assert model.summary.endswith(".")
    assert model.languages
    assert model.licence == "Apache-2.0"
    assert model.independence == "not independent (base)"
    assert model.price.currency == "CNY"
    fresh, cached, output = (
        Decimal(text) for text in (model.price.input, model.price.cached_input, model.price.output)
    )
    assert 0 < cached <= fresh
    assert output >= 0


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_weights_are_pinned_and_their_sources_in_order(model: FamilyModel) -> None:
    assert re.fullmatch("[0-9a-f]{64}", model.weights.sha256)
    assert re.fullmatch(r"[a-z0-9._-]+\.gguf", model.weights.filename)
    assert [kind_of(source) for source in model.weights.sources] == ["hub", "package", "path"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_parts_add_up_to_the_pieces(model: FamilyModel) -> None:
    sizes = {"": model.weights.bytes}
    if model.weights.conversion == "minilm":
        sizes = {piece.name: piece.bytes for piece in INGREDIENTS}
    for source in model.weights.sources:
        if isinstance(source, Package):
            gathered = dict.fromkeys(sizes, 0)
            for part in source.parts:
                gathered[part.into] += part.bytes
            assert gathered == sizes
        if isinstance(source, Hub):
            assert len(source.files) == len(sizes)


def test_file_names_are_each_models_own() -> None:
    assert len({model.weights.filename for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("mini", ("mini", "embedding")),
        ("lite", ("mini", "lite", "embedding")),
        ("family", ("mini", "lite", "pro", "embedding")),
        (" lite ", ("mini", "lite", "embedding")),
        ("pro", ("pro",)),
        ("lite,", ("lite",)),
        ("pro, mini ,pro", ("pro", "mini")),
        ("pro,family", ("pro", "mini", "lite", "embedding")),
    ],
)
def test_presets_and_names_expand(text: str, expanded: tuple[str, ...]) -> None:
    assert expand_models(text) == expanded


def test_every_preset_names_models_of_the_family() -> None:
    assert {name for names in PRESETS.values() for name in names} == set(FAMILY)


def test_an_unknown_name_is_an_error_with_the_nearest() -> None:
    with pytest.raises(
        SettingsError, match=r'no model "embeding"\. Did you mean "embedding"\? Choose from mini'
    ):
        expand_models("mini,embeding")


@pytest.mark.parametrize("text", ["", " ", ","])
def test_no_name_is_an_error(text: str) -> None:
    with pytest.raises(SettingsError, match="No model is named"):
        expand_models(text)


def test_what_else_is_served_can_be_named() -> None:
    assert expand_models("mine,lite", known=["mine", *FAMILY]) == ("mine", "lite")
