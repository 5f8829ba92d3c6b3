"""The family as `longslope models list` shows it: what is pulled, registered, served, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from longslope.catalog.checksum import is_marked
from longslope.catalog.family import FAMILY, FamilyModel, expand_models
from longslope.catalog.snapshot import Snapshot
from longslope.money import from_micro
from longslope.settings import Settings
from longslope.store.prices import Price
from longslope.store.versions import Version

WeightsState = Literal["pulled", "not verified", "partly pulled", "not pulled", "here", "missing", "upstream"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A model. `version` is its newest, None while it is not registered; `served` tells whether `up` does.

    `price` is per million tokens: input, cached input, output, as decimal texts.
    """

    name: str
    kind: str
    version: str | None
    served: bool
    weights: WeightsState
    place: str
    bytes: int | None
    sha256: str | None
    mtime_ns: int | None = None  # of a file added by its path, when it was added
    price: tuple[str, str, str] | None
    currency: str | None
    summary: str


def rows(snapshot: Snapshot | None, settings: Settings) -> list[Row]:
    """Every model of the catalog, and of the family those that are not in it yet."""
    models_dir = settings.home / "models"
    chosen = expand_models(settings.models)
    found = [
        _unregistered(model, models_dir, chosen)
        for model in FAMILY.values()
        if not _has(snapshot, model.name)
    ]
    if snapshot is not None:
        found += [_registered(name, snapshot, models_dir, chosen) for name in snapshot.newest]
    order = list(FAMILY)
    return sorted(
        found, key=lambda row: (order.index(row.name) if row.name in order else len(order), row.name)
    )


def price_text(row: Row) -> str:
    """A price as people read it: `0.3 / 0.06 / 0.6 CNY`; a dash for none."""
    return "—" if row.price is None else f"{' / '.join(row.price)} {row.currency}"


def weights_text(row: Row) -> str:
    """Where the weights are, in a few words."""
    match row.weights:
        case "upstream" | "here":
            return row.place
        case "missing":
            return f"missing: {row.place}"
        case state:
            return state


def _has(snapshot: Snapshot | None, name: str) -> bool:
    return snapshot is not None and name in snapshot.newest


def _unregistered(model: FamilyModel, models_dir: Path, chosen: tuple[str, ...]) -> Row:
    weights, price = model.weights, model.price
    path = models_dir / weights.filename
    return Row(
        name=model.name,
        kind=model.kind,
        version=None,
        served=model.name in chosen,
        weights=_pulled(path, weights.sha256),
        place=str(path),
        bytes=weights.bytes,
        sha256=weights.sha256,
        price=(price.input, price.cached_input, price.output),
        currency=price.currency,
        summary=model.summary,
    )


def _registered(name: str, snapshot: Snapshot, models_dir: Path, chosen: tuple[str, ...]) -> Row:
    model, version = snapshot.models[name], snapshot.newest[name]
    state, place = _weights(version, models_dir)
    price = snapshot.prices.get(name)
    return Row(
        name=name,
        kind=model.kind,
        version=version.id,
        served=name in chosen or name not in FAMILY,
        weights=state,
        place=place,
        bytes=version.bytes,
        sha256=version.sha256,
        mtime_ns=version.settings.get("mtime_ns"),
        price=None if price is None else _amounts(price),
        currency=None if price is None else price.currency,
        summary=model.summary,
    )


def _weights(version: Version, models_dir: Path) -> tuple[WeightsState, str]:
    if version.engine == "upstream":
        return "upstream", f"{version.settings.get('model')} at {version.settings.get('base_url')}"
    path = models_dir / (version.weights or "")
    if not Path(version.weights or "").is_absolute():
        return _pulled(path, version.sha256 or ""), str(path)
    return ("here" if path.is_file() else "missing"), str(path)


def _pulled(path: Path, sha256: str) -> WeightsState:
    if is_marked(path, sha256):
        return "pulled"
    if path.is_file():
        return "not verified"
    return "partly pulled" if (path.parent / ".partial" / path.name).is_dir() else "not pulled"


def _amounts(price: Price) -> tuple[str, str, str]:
    return from_micro(price.input_micro), from_micro(price.cached_input_micro), from_micro(price.output_micro)
