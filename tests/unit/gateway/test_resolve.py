"""From a name to the version that answers."""

from __future__ import annotations

import pytest

from longslope.errors import InvalidRequest, ModelNotFound, ModelNotOpen
from longslope.gateway.resolve import require_kind, resolve
from tests.integration.store import samples
from tests.unit.gateway.samples import identity, snapshot


@pytest.mark.parametrize(
    ("name", "version", "endpoint"),
    [
        ("mini", "mini@2", None),  # the newest
        ("mini@1", "mini@1", None),
        ("mini@2", "mini@2", None),
        ("ep-a", "mini@1", "ep-a"),
        ("embedding", "embedding@1", None),
    ],
)
def test_a_name_leads_to_a_version(name: str, version: str, endpoint: str | None) -> None:
    taken = snapshot()
    route = resolve(taken, identity(), name)
    assert (route.version.id, route.endpoint_id) == (version, endpoint)
    assert route.kind == ("embedding" if name == "embedding" else "chat")
    assert route.price == taken.prices.get(route.version.model)
    assert route.cost is None


def test_price_and_cost_are_those_of_the_model_behind_an_endpoint() -> None:
    cost = samples.price(side="cost")
    route = resolve(snapshot(costs={"mini": cost}), identity(), "ep-a")
    assert (route.price, route.cost) == (snapshot().prices["mini"], cost) or route.cost == cost


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("minni", 'Did you mean "mini"?'),
        ("mini@3", 'Did you mean "mini@'),
        ("ep-b", 'Did you mean "ep-a"?'),
        ("", "Models: mini, embedding."),
        ("\ud800", "Models: mini, embedding."),
        ("x" * 10_000, "Models: mini, embedding."),
    ],
)
def test_an_unknown_name_is_told_the_nearest_and_what_there_is(name: str, hint: str) -> None:
    with pytest.raises(ModelNotFound) as refused:
        resolve(snapshot(), identity(), name)
    assert hint in refused.value.message
    assert refused.value.param == "model"


def test_an_endpoint_that_was_removed_or_leads_to_a_removed_model_is_unknown() -> None:
    for taken in (snapshot(endpoints={}), snapshot(models={})):
        with pytest.raises(ModelNotFound):
            resolve(taken, identity(), "ep-a")


@pytest.mark.parametrize(
    ("allowed", "name", "opens"),
    [
        ((), "mini", True),
        (("mini",), "mini", True),
        (("mini",), "mini@1", True),
        (("mini",), "ep-a", True),
        (("mini@1",), "mini@1", True),
        (("mini@1",), "mini", False),  # which is mini@2
        (("mini@2",), "mini", True),
        (("ep-a",), "ep-a", True),
        (("ep-a",), "mini@1", False),
        (("embedding",), "mini", False),
    ],
)
def test_a_key_uses_only_the_models_of_its_list(allowed: tuple[str, ...], name: str, opens: bool) -> None:
    caller = identity(allowed_models=allowed)
    if opens:
        resolve(snapshot(), caller, name)
        return
    with pytest.raises(ModelNotOpen, match=f"it may use {', '.join(allowed)}"):
        resolve(snapshot(), caller, name)


def test_an_unknown_model_is_not_found_whatever_the_list() -> None:
    with pytest.raises(ModelNotFound):
        resolve(snapshot(), identity(allowed_models=("embedding",)), "nothing")


def test_a_model_of_another_kind_is_told_those_that_fit() -> None:
    taken = snapshot()
    route = resolve(taken, identity(), "embedding")
    require_kind(route, "embedding", "embedding", taken)
    with pytest.raises(InvalidRequest, match=r"for embedding, this call needs one for chat: mini\."):
        require_kind(route, "chat", "embedding", taken)
    alone = snapshot(models={"embedding": taken.models["embedding"]})
    with pytest.raises(InvalidRequest, match="none is served here"):
        require_kind(route, "chat", "embedding", alone)
