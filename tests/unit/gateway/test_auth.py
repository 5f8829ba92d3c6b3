"""Who calls: keys that live, from where they may, for whom they may act."""

from __future__ import annotations

from typing import Any

import pytest

from longslope.catalog.snapshot import Snapshot
from longslope.clock import clock
from longslope.errors import AccessDenied, AuthenticationFailed, NotFound
from longslope.gateway.auth import Identity, authenticate, identify, require
from longslope.store import keys
from longslope.store.keys import Key
from longslope.store.projects import Project
from tests.integration.store import samples
from tests.unit.gateway.samples import snapshot

HERE = "127.0.0.1"


def scene(**key_fields: Any) -> tuple[Snapshot, Project, Key, str]:
    """A catalog with one project and key, and the key's secret."""
    secret = keys.new_secret()
    project = samples.project(name="shop")
    key = samples.key(project.id, sha256=keys.hash_secret(secret), hint=keys.hint(secret), **key_fields)
    return snapshot(keys=(key,), projects=(project,)), project, key, secret


def test_a_secret_opens_its_project() -> None:
    taken, project, key, secret = scene()
    for header in (f"Bearer {secret}", f"bearer {secret}", f"BEARER  {secret} "):
        assert authenticate(taken, header, HERE) == Identity(project, key)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic x", "ls-secret", "Bearer\tls-x"])
def test_a_header_that_is_none_says_what_it_must_be(header: str | None) -> None:
    taken, *_ = scene()
    with pytest.raises(AuthenticationFailed, match="Bearer ls-…"):
        authenticate(taken, header, HERE)


def test_an_unknown_secret_is_shown_by_its_first_letters_only() -> None:
    taken, *_ = scene()
    unknown = keys.new_secret()
    with pytest.raises(AuthenticationFailed) as refused:
        authenticate(taken, f"Bearer {unknown}", HERE)
    assert unknown[:6] in refused.value.message
    assert unknown[:12] not in refused.value.message


@pytest.mark.parametrize("secret", ["\xff\xfe", "\x00", "ключ", "x" * 100_000])
def test_no_secret_breaks_it(secret: str) -> None:
    taken, *_ = scene()
    with pytest.raises(AuthenticationFailed):
        authenticate(taken, f"Bearer {secret}", HERE)


def test_a_revoked_key_opens_nothing() -> None:
    taken, _, key, secret = scene(revoked_ms=clock.now_ms())
    with pytest.raises(AuthenticationFailed, match="revoked"):
        authenticate(taken, f"Bearer {secret}", HERE)
    with pytest.raises(AuthenticationFailed, match="revoked"):
        identify(taken, key, HERE)


def test_a_key_lives_until_the_moment_it_expires() -> None:
    for expires_ms in (clock.now_ms(), 0):
        taken, _, _, secret = scene(expires_ms=expires_ms)
        with pytest.raises(AuthenticationFailed, match="expired"):
            authenticate(taken, f"Bearer {secret}", HERE)
    taken, _, key, secret = scene(expires_ms=clock.now_ms() + 60_000)
    assert authenticate(taken, f"Bearer {secret}", HERE).key == key


@pytest.mark.parametrize(
    ("address", "allowed", "opens"),
    [
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("11.1.2.3", ("10.0.0.0/8",), False),
        ("10.1.2.3", ("192.168.0.0/16", "10.1.2.3"), True),
        ("10.1.2.4", ("10.1.2.3",), False),
        ("10.1.2.77", ("10.1.2.3/24",), True),  # a network given by one of its addresses
        ("::ffff:10.1.2.3", ("10.0.0.0/8",), True),  # IPv4 as a socket for both families sees it
        ("::ffff:11.1.2.3", ("10.0.0.0/8",), False),
        ("10.1.2.3", ("::ffff:0:0/96",), False),
        ("2001:db8::7", ("2001:db8::/32",), True),
        ("2001:db9::7", ("2001:db8::/32",), False),
        ("::1", ("127.0.0.1",), False),
        ("::1", ("::1",), True),
        ("", ("0.0.0.0/0",), False),
        ("unix:", ("0.0.0.0/0",), False),
        ("anything", (), True),
    ],
)
def test_a_key_opens_only_from_its_addresses(address: str, allowed: tuple[str, ...], opens: bool) -> None:
    taken, _, key, secret = scene(allowed_ips=allowed)
    if opens:
        assert authenticate(taken, f"Bearer {secret}", address).key == key
        return
    with pytest.raises(AccessDenied, match="may not be used from"):
        authenticate(taken, f"Bearer {secret}", address)


def test_the_keys_of_an_archived_project_open_nothing() -> None:
    taken, _, key, secret = scene()
    with pytest.raises(AccessDenied, match="archived"):
        authenticate(snapshot(keys=(key,)), f"Bearer {secret}", HERE)
    assert authenticate(taken, f"Bearer {secret}", HERE)


def test_an_admin_may_act_for_another_project_by_its_name() -> None:
    _, project, key, secret = scene(role="admin")
    other = samples.project(name="warehouse")
    both = snapshot(keys=(key,), projects=(project, other))
    assert authenticate(both, f"Bearer {secret}", HERE, "warehouse").project == other
    for own in (None, "", "shop"):
        assert authenticate(both, f"Bearer {secret}", HERE, own).project == project
    with pytest.raises(NotFound, match='Did you mean "warehouse"'):
        authenticate(both, f"Bearer {secret}", HERE, "warehose")


@pytest.mark.parametrize("role", ["developer", "viewer"])
def test_others_may_not(role: str) -> None:
    _, project, key, secret = scene(role=role)
    both = snapshot(keys=(key,), projects=(project, samples.project(name="warehouse")))
    assert authenticate(both, f"Bearer {secret}", HERE, "shop").project == project
    for name in ("warehouse", "nothing"):  # whether it exists is not for them to know
        with pytest.raises(AccessDenied, match="only an admin's key"):
            authenticate(both, f"Bearer {secret}", HERE, name)


@pytest.mark.parametrize(
    ("role", "opens"),
    [
        ("viewer", {"viewer"}),
        ("developer", {"viewer", "developer"}),
        ("admin", {"viewer", "developer", "admin"}),
    ],
)
def test_a_role_holds_those_below(role: str, opens: set[str]) -> None:
    _, project, key, _ = scene(role=role)
    for needed in ("viewer", "developer", "admin"):
        if needed in opens:
            require(Identity(project, key), needed)
            continue
        with pytest.raises(AccessDenied, match=f'"{role}"; this needs "{needed}"'):
            require(Identity(project, key), needed)
