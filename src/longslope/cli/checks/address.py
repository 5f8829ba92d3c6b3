"""The address to listen on: free, or taken by a longslope, or by somebody else."""

from __future__ import annotations

import http.client
import socket

import msgspec

from longslope.cli.checks.check import Check, fail, ok, warn
from longslope.settings import Settings

_TIMEOUT_S = 3.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not bound


class _Engine(msgspec.Struct):
    version: str
    state: str
    detail: str


class _Health(msgspec.Struct):
    status: str
    engines: list[_Engine]
    usage_failure: str | None = None


def address(settings: Settings) -> tuple[Check, bool]:
    """The check, and whether a longslope runs there."""
    host, port = settings.host, settings.port
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    problem = _refusal(host, port)
    if problem is None:
        return ok("address", f"{shown} is free"), False
    health = _health(_EVERYWHERE.get(host, host), port)
    if health is None:
        cure = "Choose another with --port or LONGSLOPE_PORT, or stop what listens there."
        return fail("address", f"{shown} cannot be had: {problem}", cure), False
    if health.status != "ok":
        reasons = [f"{each.version}: {each.detail}" for each in health.engines if each.state == "down"]
        reasons += [f"usage cannot be written: {health.usage_failure}"] if health.usage_failure else []
        found = f"longslope runs at {shown} and is degraded: {'; '.join(reasons) or health.status}"
        return warn("address", found, "See its page Engines, and the log of `longslope up`."), True
    return ok("address", f"longslope runs at {shown} and is well"), True


def _refusal(host: str, port: int) -> str | None:
    """Why nobody can listen there now; None when one can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.strerror or str(error)
    return None


def _health(host: str, port: int) -> _Health | None:
    """What a longslope there says of itself; None where something else listens, or nothing answers."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        return msgspec.json.decode(connection.getresponse().read(1 << 20), type=_Health)
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        connection.close()
