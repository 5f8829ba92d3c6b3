"""How models enter the catalog: from the family, from a GGUF file, or from an upstream's URL.

A change of weights or of an upstream's address is a new version; nothing that was served is ever rewritten.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.catalog.family import FamilyModel
from longslope.catalog.gguf import GgufFacts
from longslope.clock import clock, new_id
from longslope.errors import Conflict
from longslope.money import to_micro
from longslope.store import models, prices, versions
from longslope.store.models import Model
from longslope.store.prices import Price
from longslope.store.versions import Version, version_id

Kind = Literal["chat", "embedding"]


async def register_family_model(connection: AsyncConnection, model: FamilyModel) -> Version:
    """Adds a family model with its default price, or its next version where the pinned weights have
    changed.
    """
    await _ensure_model(connection, model.name, model.kind, model.summary)
    known = await versions.list_versions(connection, model.name)
    for version in known:
        if version.sha256 == model.weights.sha256:
            return version
    version = await _add_version(
        connection,
        model=model.name,
        parent=known[-1].id if known else None,
        origin=f"the family's {model.name}: {model.summary} Licence {model.licence}.",
        independence=model.independence,
        engine="llama",
        weights=model.weights.filename,
        sha256=model.weights.sha256,
        bytes=model.weights.bytes,
        context_length=model.context_length,
        settings={},
    )
    if not any(price.model == model.name for price in await prices.list_prices(connection, model.name)):
        await prices.insert_price(connection, _default_price(model))
    return version


async def register_weights(
    connection: AsyncConnection,
    *,
    name: str,
    kind: Kind,
    path: Path,
    facts: GgufFacts,
    sha256: str,
    size: int,
    summary: str,
    independence: str,
    parent: str | None,
) -> Version:
    """Adds a GGUF file as a new model, or as the next version of a model of that name."""
    await _ensure_model(connection, name, kind, summary or facts.name or f"Weights from {path.name}.")
    return await _add_version(
        connection,
        model=name,
        parent=parent,
        origin=f"a GGUF file added by path: {path.name} ({facts.architecture})",
        independence=independence,
        engine="llama",
        weights=str(path),
        sha256=sha256,
        bytes=size,
        context_length=facts.context_length,
        settings={"mtime_ns": _changed_ns(path)},
    )


async def register_upstream(
    connection: AsyncConnection,
    *,
    name: str,
    kind: Kind,
    base_url: str,
    upstream_model: str,
    secret_name: str | None,
    context_length: int,
    capacity: int,
    summary: str,
    independence: str,
) -> Version:
    """Adds a model behind an OpenAI-compatible URL, or the next version of a model of that name."""
    await _ensure_model(connection, name, kind, summary or f"{upstream_model} at {base_url}")
    known = await versions.list_versions(connection, name)
    return await _add_version(
        connection,
        model=name,
        parent=known[-1].id if known else None,
        origin=f"an upstream: {upstream_model} at {base_url}",
        independence=independence,
        engine="upstream",
        weights=None,
        sha256=None,
        bytes=None,
        context_length=context_length,
        settings={
            "base_url": base_url.rstrip("/"),
            "model": upstream_model,
            "secret_name": secret_name,
            "capacity": capacity,
        },
    )


def secret_name_of(name: str, base_url: str) -> str:
    """The name under which an upstream's secret is kept."""
    return f"{name}-{hashlib.sha256(base_url.encode()).hexdigest()[:8]}"


async def _ensure_model(connection: AsyncConnection, name: str, kind: Kind, summary: str) -> None:
    known = await models.find_model(connection, name)
    if known is None or known.removed_ms is not None:
        await models.insert_model(
            connection, Model(name=name, kind=kind, summary=summary, created_ms=clock.now_ms())
        )
    elif known.kind != kind:
        raise Conflict(
            f'There is a model "{name}" already, for {known.kind}. Choose another name for one for {kind}.',
            param="name",
        )


async def _add_version(connection: AsyncConnection, *, model: str, **fields: Any) -> Version:
    number = await versions.next_number(connection, model)
    version = Version(
        id=version_id(model, number), model=model, number=number, created_ms=clock.now_ms(), **fields
    )
    await versions.insert_version(connection, version)
    return version


def _changed_ns(path: Path) -> int:
    """When the file was last changed, which spares hashing it again at each start."""
    return path.stat().st_mtime_ns


def _default_price(model: FamilyModel) -> Price:
    price = model.price
    return Price(
        id=new_id("price"),
        model=model.name,
        side="price",
        input_micro=to_micro(price.input),
        cached_input_micro=to_micro(price.cached_input),
        output_micro=to_micro(price.output),
        currency=price.currency,
        created_ms=clock.now_ms(),
    )
