"""The console's cookies: signed by the home's secret, two weeks long, dead with their key."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longslope.catalog.snapshot import Catalog
from longslope.clock import clock
from longslope.errors import AccessDenied, AuthenticationFailed
from longslope.gateway.auth import SESSION_SECONDS, Identity, Sessions
from tests.integration.store import samples
from tests.unit.gateway.samples import snapshot

HERE = "127.0.0.1"


def scene(**key_fields: Any) -> tuple[Sessions, Identity]:
    """The sessions of a home with one key, and whom it stands for."""
    project = samples.project()
    key = samples.key(project.id, **key_fields)
    catalog = SimpleNamespace(snapshot=snapshot(keys=(key,), projects=(project,)))
    return Sessions(cast(Catalog, catalog), b"secret"), Identity(project, key)


def test_a_cookie_opens_what_its_key_opens() -> None:
    sessions, identity = scene()
    assert sessions.open(sessions.issue(identity.key.id), HERE) == identity


def test_a_cookie_holds_nothing_that_opens_the_api() -> None:
    sessions, identity = scene()
    cookie = sessions.issue(identity.key.id)
    assert identity.key.sha256 not in cookie
    assert identity.key.hint not in cookie


def test_it_dies_after_two_weeks(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions, identity = scene()
    cookie = sessions.issue(identity.key.id)
    now = time.time()
    monkeypatch.setattr("longslope.gateway.auth.time.time", lambda: now + SESSION_SECONDS - 60)
    assert sessions.open(cookie, HERE) == identity
    monkeypatch.setattr("longslope.gateway.auth.time.time", lambda: now + SESSION_SECONDS + 60)
    with pytest.raises(AuthenticationFailed, match="signed out"):
        sessions.open(cookie, HERE)


def test_a_changed_cookie_opens_nothing() -> None:
    sessions, identity = scene()
    key_id, expires, signature = sessions.issue(identity.key.id).split(".")
    other = samples.key("proj-x").id
    for forged in (
        f"{other}.{expires}.{signature}",
        f"{key_id}.{int(expires) + 1}.{signature}",
        f"{key_id}.{expires}.{signature[:-1]}",
        f"{key_id}.{expires}.",
        f"{key_id}.{expires}",
        f"{key_id}.x.{signature}",
        f"{key_id}.{expires}.é{signature}",
        "",
        "..",
    ):
        with pytest.raises(AuthenticationFailed, match="signed out"):
            sessions.open(forged, HERE)


def test_a_cookie_of_another_home_opens_nothing() -> None:
    sessions, identity = scene()
    foreign = Sessions(cast(Catalog, None), b"another secret").issue(identity.key.id)
    with pytest.raises(AuthenticationFailed):
        sessions.open(foreign, HERE)


def test_it_dies_with_its_key_and_obeys_its_addresses() -> None:
    for dead in ({"revoked_ms": clock.now_ms()}, {"expires_ms": 1}):
        sessions, identity = scene(**dead)
        with pytest.raises(AuthenticationFailed):
            sessions.open(sessions.issue(identity.key.id), HERE)
    sessions, identity = scene(allowed_ips=("10.0.0.0/8",))
    with pytest.raises(AccessDenied):
        sessions.open(sessions.issue(identity.key.id), HERE)
