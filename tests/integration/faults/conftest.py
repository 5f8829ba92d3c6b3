"""A stand-in engine for tests of the way through the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.engines.server import Server


@pytest.fixture
async def engine() -> AsyncIterator[Server]:
    """A server of OpenAI's protocol that does what a test tells it."""
    async with Server() as server:
        yield server
