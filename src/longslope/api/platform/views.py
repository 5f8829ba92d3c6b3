"""Rows of the store as the API shows them."""

from __future__ import annotations

from longslope.catalog.snapshot import Snapshot
from longslope.clock import clock
from longslope.money import from_micro, from_nano
from longslope.store.contents import Content
from longslope.store.endpoints import Binding, Endpoint
from longslope.store.keys import Key
from longslope.store.models import Model
from longslope.store.prices import Price
from longslope.store.projects import Project
from longslope.store.usage import UsageRow
from longslope.store.versions import Version
from longslope.wire.platform import (
    BindingView,
    EndpointView,
    KeyView,
    ModelView,
    PriceView,
    ProjectView,
    RequestView,
    VersionView,
)


def view_project(project: Project) -> ProjectView:
    """A project."""
    return ProjectView(
        id=project.id,
        name=project.name,
        trace=project.trace,
        max_concurrency=project.max_concurrency,
        max_queue=project.max_queue,
        queue_deadline_ms=project.queue_deadline_ms,
        created_ms=project.created_ms,
    )


def view_key(key: Key) -> KeyView:
    """A key, without anything it could be found by."""
    expired = key.expires_ms is not None and key.expires_ms <= clock.now_ms()
    return KeyView(
        id=key.id,
        project_id=key.project_id,
        name=key.name,
        hint=key.hint,
        role=key.role,
        allowed_models=list(key.allowed_models),
        allowed_ips=list(key.allowed_ips),
        expires_ms=key.expires_ms,
        created_ms=key.created_ms,
        revoked_ms=key.revoked_ms,
        state="revoked" if key.revoked_ms is not None else "expired" if expired else "active",
    )


def view_version(version: Version) -> VersionView:
    """A version."""
    return VersionView(
        id=version.id,
        model=version.model,
        number=version.number,
        parent=version.parent,
        origin=version.origin,
        independence=version.independence,
        engine=version.engine,
        sha256=version.sha256,
        bytes=version.bytes,
        context_length=version.context_length,
        created_ms=version.created_ms,
    )


def view_price(price: Price, snapshot: Snapshot) -> PriceView:
    """A price or cost."""
    current = (snapshot.prices if price.side == "price" else snapshot.costs).get(price.model)
    return PriceView(
        id=price.id,
        model=price.model,
        side=price.side,
        input=from_micro(price.input_micro),
        cached_input=from_micro(price.cached_input_micro),
        output=from_micro(price.output_micro),
        currency=price.currency,
        created_ms=price.created_ms,
        in_force=current is not None and current.id == price.id,
    )


def view_model(model: Model, snapshot: Snapshot, states: dict[str, str]) -> ModelView:
    """A model with its versions, newest first."""
    own = sorted((v for v in snapshot.versions.values() if v.model == model.name), key=lambda v: -v.number)
    price, cost = snapshot.prices.get(model.name), snapshot.costs.get(model.name)
    newest = snapshot.newest[model.name].id if model.name in snapshot.newest else ""
    return ModelView(
        name=model.name,
        kind=model.kind,
        summary=model.summary,
        newest=newest,
        versions=[view_version(version) for version in own],
        price=view_price(price, snapshot) if price else None,
        cost=view_price(cost, snapshot) if cost else None,
        state=states.get(newest, "not running"),
        created_ms=model.created_ms,
    )


def view_endpoint(endpoint: Endpoint, bindings: list[Binding]) -> EndpointView:
    """An endpoint with its bindings, newest first."""
    return EndpointView(
        id=endpoint.id,
        name=endpoint.name,
        version=bindings[0].version_id if bindings else "",
        bindings=[
            BindingView(version=binding.version_id, created_ms=binding.created_ms) for binding in bindings
        ],
        created_ms=endpoint.created_ms,
    )


def view_request(row: UsageRow, content: Content | None = None) -> RequestView:
    """A request, with its content where it was kept."""
    return RequestView(
        id=row.id,
        client_request_id=row.client_request_id,
        retry_of=row.retry_of,
        project_id=row.project_id,
        key_id=row.key_id,
        endpoint_id=row.endpoint_id,
        model=row.model,
        version_id=row.version_id,
        engine=row.engine,
        operation=row.operation,
        stream=row.stream,
        status=row.status,
        error_code=row.error_code,
        finish_reason=row.finish_reason,
        prompt_tokens=row.prompt_tokens,
        cached_tokens=row.cached_tokens,
        completion_tokens=row.completion_tokens,
        price=from_nano(row.price_nano),
        cost=from_nano(row.cost_nano),
        currency=row.currency,
        created_ms=row.created_ms,
        resolved_us=row.resolved_us,
        admitted_us=row.admitted_us,
        first_us=row.first_us,
        total_us=row.total_us,
        request=content.request if content else None,
        answer=content.answer if content else None,
    )
