"""Who calls: keys, roles, and the console's sign-in.

A key's secret is 240 random bits, so its SHA-256 is a safe name for it and finds it in the snapshot at
once. The console's cookie is a key's id and an expiry under an HMAC of this home's own secret; it dies with
its key.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
from typing import Literal

import msgspec

from longslope.catalog.snapshot import Catalog, Snapshot
from longslope.clock import clock
from longslope.errors import AccessDenied, AuthenticationFailed, NotFound, nearest
from longslope.store.keys import Key
from longslope.store.projects import Project

Role = Literal["admin", "developer", "viewer"]
_RANK: dict[str, int] = {"viewer": 0, "developer": 1, "admin": 2}
SESSION_SECONDS = 14 * 24 * 3600


class Identity(msgspec.Struct, frozen=True):
    """The project that a call belongs to, and the key that proves it."""

    project: Project
    key: Key


def authenticate(
    snapshot: Snapshot, authorization: str | None, address: str, project_name: str | None = None
) -> Identity:
    """The identity behind an `Authorization: Bearer …` header.

    `address` is the caller's; `project_name` is the X-Project-Name header, by which an admin's key may act
    for another project. Raises AuthenticationFailed or AccessDenied.
    """
    if not authorization:
        raise AuthenticationFailed(
            "This request has no API key. Send it as the header `Authorization: Bearer ls-…`; the first "
            "key is in "
            "the file admin.key of the platform's home."
        )
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise AuthenticationFailed("The Authorization header must read `Bearer ls-…`.")
    digest = hashlib.sha256(secret.strip().encode("utf-8", "surrogateescape")).hexdigest()
    key = snapshot.keys_by_hash.get(digest)
    if key is None:
        raise AuthenticationFailed(
            f'There is no API key that begins with "{secret.strip()[:6]}…" here. Make one on the page '
            "Keys or with "
            "`longslope keys create NAME`."
        )
    return identify(snapshot, key, address, project_name)


def identify(snapshot: Snapshot, key: Key, address: str, project_name: str | None = None) -> Identity:
    """Checks that `key` is alive and may be used from `address`, and names its project."""
    if key.revoked_ms is not None:
        raise AuthenticationFailed(f'The API key "{key.name}" ({key.hint}…) was revoked. Ask for a new one.')
    if key.expires_ms is not None and key.expires_ms <= clock.now_ms():
        raise AuthenticationFailed(f'The API key "{key.name}" ({key.hint}…) has expired. Ask for a new one.')
    if key.allowed_ips and not _address_allowed(address, key.allowed_ips):
        raise AccessDenied(f'The API key "{key.name}" may not be used from the address {address}.')
    project = snapshot.projects.get(key.project_id)
    if project is None:
        raise AccessDenied(f'The project of the API key "{key.name}" is archived.')
    if project_name and project_name != project.name:
        project = _other_project(snapshot, key, project_name)
    return Identity(project, key)


def require(identity: Identity, role: Role) -> None:
    """Raises AccessDenied where the key's role is below `role`."""
    if _RANK[identity.key.role] < _RANK[role]:
        raise AccessDenied(
            f'The API key "{identity.key.name}" has the role "{identity.key.role}"; this needs "{role}".'
        )


def _other_project(snapshot: Snapshot, key: Key, name: str) -> Project:
    if key.role != "admin":
        raise AccessDenied(
            f'X-Project-Name: the API key "{key.name}" belongs to another project than "{name}"; only an '
            "admin's "
            "key may act for others."
        )
    names = {project.name: project for project in snapshot.projects.values()}
    if name not in names:
        raise NotFound(f'X-Project-Name: there is no project "{name}".{nearest(name, names)}')
    return names[name]


def _address_allowed(address: str, allowed: tuple[str, ...]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in ipaddress.ip_network(network, strict=False) for network in allowed)


class Sessions:
    """The console's cookies."""

    def __init__(self, catalog: Catalog, secret: bytes) -> None:
        self._catalog = catalog
        self._secret = secret

    def issue(self, key_id: str) -> str:
        """A cookie's value for a key, valid for two weeks."""
        expires = int(time.time()) + SESSION_SECONDS
        return f"{key_id}.{expires}.{self._sign(f'{key_id}.{expires}')}"

    def open(self, cookie: str, address: str) -> Identity:
        """The identity behind a cookie. Raises AuthenticationFailed where it is forged, old, or its key
        is dead.
        """
        key_id, _, rest = cookie.partition(".")
        expires, _, signature = rest.partition(".")
        genuine = hmac.compare_digest(self._sign(f"{key_id}.{expires}").encode(), signature.encode())
        key = self._catalog.snapshot.keys_by_id.get(key_id)
        if not genuine or key is None or not expires.isdigit() or int(expires) < time.time():
            raise AuthenticationFailed("You are signed out. Sign in again with an API key.")
        return identify(self._catalog.snapshot, key, address)

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
