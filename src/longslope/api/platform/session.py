"""The console's sign-in, and who one is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from longslope.api.body import BEFORE_BODY
from longslope.api.caller import SESSION_COOKIE, client_address, is_loopback, require_caller
from longslope.api.parts import Parts
from longslope.gateway.auth import SESSION_SECONDS, authenticate

_MOST_SIGN_IN_BYTES = 4096


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """A key to sign in with."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and in which currency the platform counts."""

    project_id: str
    project_name: str
    key_id: str
    key_name: str
    role: str
    currency: str


def session_cookie(parts: Parts, key_id: str) -> Cookie:
    """The cookie that signs the console in with a key."""
    return Cookie(
        key=SESSION_COOKIE,
        value=parts.sessions.issue(key_id),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        path="/",
    )


def local_session(parts: Parts) -> Callable[[Request[Any, Any, Any]], Cookie | None]:
    """What signs in a browser on the platform's own machine: a cookie of the first admin's key, for
    others None.
    """
    return lambda request: session_cookie(parts, parts.admin_key_id) if is_loopback(request) else None


def session_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/platform/v1/session` and `/platform/v1/me`."""

    @post(
        "/platform/v1/session",
        status_code=204,
        opt={BEFORE_BODY: None},  # who signs in is a stranger still
        request_max_body_size=_MOST_SIGN_IN_BYTES,
        tags=["operation"],
        operation_id="sign_in",
    )
    async def sign_in(request: Request[Any, Any, Any], data: SignIn) -> Response[None]:
        """Signs a browser in."""
        identity = authenticate(parts.catalog.snapshot, f"Bearer {data.key}", client_address(request))
        return Response(None, status_code=204, cookies=[session_cookie(parts, identity.key.id)])

    @delete("/platform/v1/session", status_code=204, tags=["operation"], operation_id="sign_out")
    async def sign_out() -> Response[None]:
        """Signs a browser out."""
        response: Response[None] = Response(None, status_code=204)
        response.delete_cookie(SESSION_COOKIE)
        return response

    @get("/platform/v1/me", tags=["operation"], operation_id="get_me")
    async def get_me(request: Request[Any, Any, Any]) -> Me:
        """The caller's project, key and role."""
        identity = require_caller(request, parts, "viewer")
        return Me(
            project_id=identity.project.id,
            project_name=identity.project.name,
            key_id=identity.key.id,
            key_name=identity.key.name,
            role=identity.key.role,
            currency=parts.effective.settings.currency,
        )

    return [sign_in, sign_out, get_me]
