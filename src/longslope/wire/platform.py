"""longslope's own API under `/platform/v1`: what goes in and what comes out.

Times are milliseconds since the epoch (`*_ms`), durations microseconds (`*_us`), money in the currency's
own unit as a decimal text (`"0.30"`), so that no figure loses a digit on its way.
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")
Name = Annotated[str, Meta(min_length=1, max_length=128)]
ModelName = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]
Amount = Annotated[str, Meta(pattern=r"^\d{1,9}(\.\d{1,6})?$")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Trace = Literal["none", "metadata", "content"]
KeyRole = Literal["admin", "developer", "viewer"]


class Forbidding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body in which an unknown field is an error: a typing mistake must not pass in silence."""


class ProjectCreate(Forbidding, frozen=True, kw_only=True):
    """A new project."""

    name: Name
    trace: Trace = "metadata"
    max_concurrency: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    max_queue: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    queue_deadline_ms: Annotated[int, Meta(ge=1, le=3_600_000)] | None = None


class ProjectChange(Forbidding, frozen=True, kw_only=True):
    """What to change in a project; absent fields stay."""

    name: Name | None = None
    trace: Trace | None = None
    max_concurrency: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    max_queue: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    queue_deadline_ms: Annotated[int, Meta(ge=1, le=3_600_000)] | None = None


class ProjectView(msgspec.Struct, frozen=True, kw_only=True):
    """A project."""

    id: str
    name: str
    trace: Trace
    max_concurrency: int
    max_queue: int
    queue_deadline_ms: int
    created_ms: int


class KeyCreate(Forbidding, frozen=True, kw_only=True):
    """A new key. `project_id` defaults to the caller's; empty `allowed_*` means all."""

    name: Name
    project_id: str | None = None
    role: KeyRole = "developer"
    allowed_models: Annotated[list[Name], Meta(max_length=256)] = []
    allowed_ips: Annotated[list[str], Meta(max_length=256)] = []
    expires_ms: Annotated[int, Meta(ge=0, le=2**53)] | None = None


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key, without its secret. `state` is "active", "expired" or "revoked"."""

    id: str
    project_id: str
    name: str
    hint: str
    role: KeyRole
    allowed_models: list[str]
    allowed_ips: list[str]
    expires_ms: int | None
    created_ms: int
    revoked_ms: int | None
    state: Literal["active", "expired", "revoked"]


class KeyCreated(msgspec.Struct, frozen=True, kw_only=True):
    """The one time that a key's secret is shown."""

    key: KeyView
    secret: str


class PriceCreate(Forbidding, frozen=True, kw_only=True):
    """A new price or cost of a model, in force from now on. Amounts per million tokens."""

    model: ModelName
    side: Literal["price", "cost"] = "price"
    input: Amount
    cached_input: Amount
    output: Amount
    currency: Currency


class PriceView(msgspec.Struct, frozen=True, kw_only=True):
    """A price or cost per million tokens. `in_force` marks the newest of its model and side."""

    id: str
    model: str
    side: Literal["price", "cost"]
    input: str
    cached_input: str
    output: str
    currency: str
    created_ms: int
    in_force: bool


class UpstreamCreate(Forbidding, frozen=True, kw_only=True):
    """A model behind an OpenAI-compatible URL. `secret` is kept apart from the store and never shown
    again.
    """

    name: ModelName
    base_url: Annotated[str, Meta(pattern="^https?://", max_length=2048)]
    model: Name
    secret: Annotated[str, Meta(max_length=4096)] | None = None
    kind: Literal["chat", "embedding"] = "chat"
    context_length: Annotated[int, Meta(ge=1, le=100_000_000)] = 131_072
    capacity: Annotated[int, Meta(ge=1, le=100_000)] = 256
    summary: str = ""
    independence: str = "unknown"


class WeightsCreate(Forbidding, frozen=True, kw_only=True):
    """A model from a GGUF file on the platform's machine."""

    name: ModelName
    path: Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]
    kind: Literal["chat", "embedding"] = "chat"
    summary: str = ""
    independence: str = "unknown"
    parent: str | None = None


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """An immutable version: what computes, and where it came from."""

    id: str
    model: str
    number: int
    parent: str | None
    origin: str
    independence: str
    engine: Literal["llama", "upstream"]
    sha256: str | None
    bytes: int | None
    context_length: int
    created_ms: int


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the family. `state` is that of its newest version's engine: "ready", "starting", "down" or
    "not running"."""

    name: str
    kind: Literal["chat", "embedding"]
    summary: str
    newest: str
    versions: list[VersionView]
    price: PriceView | None
    cost: PriceView | None
    state: str
    created_ms: int


class EndpointCreate(Forbidding, frozen=True, kw_only=True):
    """A new way in, bound to a version ("mini@1") or to a model's newest version ("mini")."""

    name: Name
    version: Name


class EndpointBind(Forbidding, frozen=True, kw_only=True):
    """Binds an endpoint anew. Earlier bindings are kept."""

    version: Name


class BindingView(msgspec.Struct, frozen=True, kw_only=True):
    """To what an endpoint was bound, from when on."""

    version: str
    created_ms: int


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint and its history, newest binding first."""

    id: str
    name: str
    version: str
    bindings: list[BindingView]
    created_ms: int


class EngineView(msgspec.Struct, frozen=True, kw_only=True):
    """A running engine."""

    name: str
    kind: str
    version: str
    state: str
    in_flight: int
    capacity: int
    restarts: int
    uptime_s: float
    detail: str
    pid: int | None
    memory_bytes: int | None


class UsageGroupView(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over usage rows. `keys` holds the value of each grouping, such as `{"day": "2026-11-24"}`."""

    keys: dict[str, str]
    currency: str
    requests: int
    errors: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    price: str
    cost: str
    margin: str


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """One request's usage row, whole. Offsets `*_us` count from its arrival; `first_us` 0 means no byte
    came.
    """

    id: str
    client_request_id: str | None
    retry_of: str | None
    project_id: str
    key_id: str
    endpoint_id: str | None
    model: str
    version_id: str
    engine: str
    operation: str
    stream: bool
    status: int
    error_code: str | None
    finish_reason: str | None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    price: str
    cost: str
    currency: str
    created_ms: int
    resolved_us: int
    admitted_us: int
    first_us: int
    total_us: int
    request: str | None = None  # only where the project keeps content
    answer: str | None = None


class SettingView(msgspec.Struct, frozen=True, kw_only=True):
    """An effective setting and where it came from."""

    name: str
    value: str
    origin: str


class Listing(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A page of things. `next` is the cursor of the following page, absent on the last."""

    data: list[T]
    next: str | None = None
