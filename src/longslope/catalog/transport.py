"""How downloads reach the network: the certificates and the proxy the user has already told pip about."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import urllib.request
from functools import cache
from pathlib import Path

import structlog

# The order of pip and of the libraries under it. Python itself honours SSL_CERT_DIR too.
CERTIFICATE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")

_log = structlog.get_logger(__name__)


@cache
def opener() -> urllib.request.OpenerDirector:
    """An opener for http, https and file addresses that honours the environment and pip's configuration."""
    built = urllib.request.build_opener(
        urllib.request.ProxyHandler(_proxies()), urllib.request.HTTPSHandler(context=_certificates())
    )
    built.addheaders = [("User-Agent", "longslope")]
    return built


def forget() -> None:
    """Reads the environment and pip's configuration anew at the next download."""
    opener.cache_clear()
    _pip_settings.cache_clear()


def _proxies() -> dict[str, str]:
    found = urllib.request.getproxies()
    if not found and (proxy := _pip_settings().get("global.proxy")):
        return {"http": proxy, "https": proxy}
    return found


def _certificates() -> ssl.SSLContext:
    context = ssl.create_default_context()
    place = next((value for name in CERTIFICATE_VARIABLES if (value := os.environ.get(name))), None)
    place = place or _pip_settings().get("global.cert")
    if place is None:
        return context
    try:
        if Path(place).is_dir():
            context.load_verify_locations(capath=place)
        else:
            context.load_verify_locations(cafile=place)
    except (OSError, ssl.SSLError) as error:
        _log.warning("certificates_not_read", file=place, reason=str(error))
    return context


@cache
def _pip_settings() -> dict[str, str]:
    """What `pip config list` says, by dotted name; empty where there is no pip."""
    command = [sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", "config", "list"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    lines = [line.partition("=") for line in answer.stdout.decode("utf-8", "replace").splitlines()]
    return {name.strip(): value.strip().strip("'\"") for name, _, value in lines if value}
