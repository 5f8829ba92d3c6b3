"""Who sent an HTTP request: a bearer key, or the console's cookie."""

from __future__ import annotations

import ipaddress
from typing import Any

from litestar import Request

from longslope.api.parts import Parts
from longslope.errors import AccessDenied
from longslope.gateway.auth import Identity, Role, authenticate, require

SESSION_COOKIE = "longslope_session"
CONSOLE_HEADER = "x-longslope-console"
AnyRequest = Request[Any, Any, Any]
_IDENTITY = "longslope_identity"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def client_address(request: AnyRequest) -> str:
    """The address at the other end of the connection."""
    return request.client.host if request.client else ""


def is_loopback(request: AnyRequest) -> bool:
    """True for a browser on this machine that also addressed this machine by a loopback name.

    The Host header is checked too, or a foreign page could reach the console through a name of its own that
    resolves to 127.0.0.1 (DNS rebinding).
    """
    host = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]").lower()
    return _is_loopback(client_address(request)) and (host == "localhost" or _is_loopback(host))


def identify_caller(request: AnyRequest, parts: Parts) -> Identity:
    """The caller, looked up once a request. Raises AuthenticationFailed, AccessDenied."""
    scope: Any = request.scope
    state: dict[str, Any] = scope.setdefault("state", {})
    known: Identity | None = state.get(_IDENTITY)
    if known is None:
        known = state[_IDENTITY] = _identify(request, parts)
    return known


def _identify(request: AnyRequest, parts: Parts) -> Identity:
    authorization = request.headers.get("authorization")
    cookie = None if authorization else request.cookies.get(SESSION_COOKIE)
    if cookie is None:
        return authenticate(
            parts.catalog.snapshot,
            authorization,
            client_address(request),
            request.headers.get("x-project-name"),
        )
    if request.method not in _SAFE_METHODS and request.headers.get(CONSOLE_HEADER) != "1":
        raise AccessDenied(
            "A change by the console's cookie needs the header X-Longslope-Console: 1; without it the "
            "request may "
            "come from a foreign page."
        )
    return parts.sessions.open(cookie, client_address(request))


def require_caller(request: AnyRequest, parts: Parts, role: Role) -> Identity:
    """The caller, whose key has at least `role`."""
    identity = identify_caller(request, parts)
    require(identity, role)
    return identity


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
