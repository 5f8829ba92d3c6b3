"""Rows for tests: whole and plausible, but for what a test says otherwise."""

from __future__ import annotations

from typing import Any

from longslope.clock import clock, new_id
from longslope.store import keys
from longslope.store.endpoints import Endpoint
from longslope.store.keys import Key
from longslope.store.models import Model
from longslope.store.prices import Price
from longslope.store.projects import Project
from longslope.store.usage import UsageRow
from longslope.store.versions import Version


def project(**changes: Any) -> Project:
    whole: dict[str, Any] = {
        "id": new_id("proj"),
        "name": new_id("name"),
        "max_concurrency": 4,
        "max_queue": 16,
        "queue_deadline_ms": 1_000,
        "created_ms": clock.now_ms(),
    }
    return Project(**(whole | changes))


def key(project_id: str, **changes: Any) -> Key:
    secret = keys.new_secret()
    whole: dict[str, Any] = {
        "id": new_id("key"),
        "project_id": project_id,
        "name": "laptop",
        "sha256": keys.hash_secret(secret),
        "hint": keys.hint(secret),
        "role": "developer",
        "created_ms": clock.now_ms(),
    }
    return Key(**(whole | changes))


def model(name: str = "mini", **changes: Any) -> Model:
    whole: dict[str, Any] = {"name": name, "kind": "chat", "created_ms": clock.now_ms()}
    return Model(**(whole | changes))


def version(model_name: str = "mini", number: int = 1, **changes: Any) -> Version:
    whole: dict[str, Any] = {
        "id": f"{model_name}@{number}",
        "model": model_name,
        "number": number,
        "origin": "trained here",
        "independence": "independent",
        "engine": "llama",
        "context_length": 2048,
        "created_ms": clock.now_ms(),
    }
    return Version(**(whole | changes))


def endpoint(**changes: Any) -> Endpoint:
    return Endpoint(**({"id": new_id("ep"), "name": new_id("name"), "created_ms": clock.now_ms()} | changes))


def price(model_name: str = "mini", **changes: Any) -> Price:
    whole: dict[str, Any] = {
        "id": new_id("price"),
        "model": model_name,
        "side": "price",
        "input_micro": 300_000,
        "cached_input_micro": 60_000,
        "output_micro": 600_000,
        "currency": "CNY",
        "created_ms": clock.now_ms(),
    }
    return Price(**(whole | changes))


def usage_row(**changes: Any) -> UsageRow:
    whole: dict[str, Any] = {
        "id": new_id("req"),
        "project_id": "proj-a",
        "key_id": "key-a",
        "model": "mini",
        "version_id": "mini@1",
        "engine": "mini@1#0",
        "operation": "chat",
        "stream": False,
        "status": 200,
        "finish_reason": "stop",
        "prompt_tokens": 100,
        "cached_tokens": 40,
        "completion_tokens": 20,
        "price_id": "price-a",
        "price_nano": 7_000,
        "cost_id": "cost-a",
        "cost_nano": 2_000,
        "currency": "CNY",
        "created_ms": clock.now_ms(),
        "resolved_us": 90,
        "admitted_us": 120,
        "first_us": 30_000,
        "total_us": 500_000,
    }
    return UsageRow(**(whole | changes))
