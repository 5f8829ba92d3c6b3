"""Fixtures for the tests of weights: a misbehaving file server, and a network of loopback only."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from longslope.catalog import transport
from tests.unit.catalog.file_server import FileServer, serving


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as state:
        yield state


@pytest.fixture(autouse=True)
def own_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loopback only: no hub, no proxy, and a pip that knows no index."""
    for name in ("LONGSLOPE_HUB_URL", "HF_ENDPOINT", "LONGSLOPE_WEIGHTS_DIR", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    transport.forget()
    yield
    transport.forget()
