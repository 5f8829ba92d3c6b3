"""From the name that a caller used to the version that answers: endpoint, family name, or version."""

from __future__ import annotations

import msgspec

from longslope.catalog.snapshot import Snapshot
from longslope.errors import InvalidRequest, ModelNotFound, ModelNotOpen, nearest
from longslope.gateway.auth import Identity
from longslope.store.prices import Price
from longslope.store.versions import Version


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a call goes, and at which price and cost."""

    version: Version
    kind: str
    endpoint_id: str | None
    price: Price | None
    cost: Price | None


def resolve(snapshot: Snapshot, identity: Identity, name: str) -> Route:
    """The route of `name`: an endpoint (`ep-…`), a model (`pro`) or a version (`pro@3`).

    Raises ModelNotFound naming the nearest, and ModelNotOpen where the key's list does not hold it.
    """
    endpoint_id = name if name in snapshot.endpoints else None
    version = (
        snapshot.bound.get(name) if endpoint_id else snapshot.newest.get(name) or snapshot.versions.get(name)
    )
    if version is None or version.model not in snapshot.models:
        known = [*snapshot.models, *snapshot.versions, *snapshot.endpoints]
        raise ModelNotFound(
            f'There is no model, version or endpoint "{name}" here.{nearest(name, known)} '
            f"Models: {', '.join(snapshot.models) or 'none yet'}.",
            param="model",
        )
    allowed = identity.key.allowed_models
    if allowed and not {name, version.model, version.id} & set(allowed):
        raise ModelNotOpen(
            f'The API key "{identity.key.name}" may not use "{name}"; it may use {", ".join(allowed)}.',
            param="model",
        )
    return Route(
        version=version,
        kind=snapshot.models[version.model].kind,
        endpoint_id=endpoint_id,
        price=snapshot.prices.get(version.model),
        cost=snapshot.costs.get(version.model),
    )


def require_kind(route: Route, kind: str, name: str, snapshot: Snapshot) -> None:
    """Raises InvalidRequest where the model does another kind of work than the call asks for."""
    if route.kind == kind:
        return
    fitting = [model.name for model in snapshot.models.values() if model.kind == kind]
    raise InvalidRequest(
        f'"{name}" is a model for {route.kind}, this call needs one for {kind}: '
        f"{', '.join(fitting) or 'none is served here'}.",
        param="model",
    )
