"""A call and what it needs, whole and plausible, but for what a test says otherwise."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from longslope.catalog.snapshot import Snapshot
from longslope.clock import clock, new_id
from longslope.gateway.auth import Identity
from longslope.gateway.call import Call
from longslope.store.keys import Key
from longslope.store.projects import Project
from longslope.wire.chat import ChatRequest
from tests.integration.store import samples


def identity(**changes: Any) -> Identity:
    project = samples.project()
    return Identity(project, samples.key(project.id, **changes))


def call(**changes: Any) -> Call:
    body = {"model": "mini", "messages": [{"role": "user", "content": "hello"}], **changes.pop("fields", {})}
    raw = msgspec.json.encode(body)
    whole: dict[str, Any] = {
        "id": new_id("req"),
        "identity": identity(),
        "operation": "chat",
        "model": body["model"],
        "body": msgspec.json.decode(raw, type=dict[str, msgspec.Raw]),
        "request": msgspec.json.decode(raw, type=ChatRequest),
        "arrived_ms": clock.now_ms(),
        "arrived_ns": time.monotonic_ns(),
    }
    return Call(**(whole | changes))


def snapshot(*, keys: tuple[Key, ...] = (), projects: tuple[Project, ...] = (), **changes: Any) -> Snapshot:
    """A catalog with mini and embedding, and an endpoint `ep-a` on `mini@1`."""
    models = {"mini": samples.model(), "embedding": samples.model("embedding", kind="embedding")}
    versions = {each.id: each for each in (samples.version(), samples.version(number=2))}
    embedding = samples.version("embedding")
    whole: dict[str, Any] = {
        "revision": 1,
        "projects": {project.id: project for project in projects},
        "keys_by_hash": {key.sha256: key for key in keys},
        "keys_by_id": {key.id: key for key in keys},
        "models": models,
        "versions": {**versions, embedding.id: embedding},
        "newest": {"mini": versions["mini@2"], "embedding": embedding},
        "endpoints": {"ep-a": samples.endpoint(id="ep-a")},
        "bound": {"ep-a": versions["mini@1"]},
        "prices": {"mini": samples.price()},
        "costs": {},
    }
    return Snapshot(**(whole | changes))
