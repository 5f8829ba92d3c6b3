"""Weights that somebody added by path, and that are another file when the platform starts again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import aiohttp

from tests.integration.gateway.calls import ask
from tests.server import Platform
from tests.weights import weights_of


async def test_weights_that_changed_after_they_were_added_are_not_served(
    start_platform: Callable[..., Platform], tmp_path: Path
) -> None:
    path = Path(shutil.copy(weights_of("embedding"), tmp_path / "mine.gguf"))
    first = start_platform((), engine_context=256, engine_slots=1)
    async with aiohttp.ClientSession(first.url, headers=first.headers) as client:
        body = {"name": "mine", "kind": "embedding", "path": str(path)}
        await ask(client, "POST", "/platform/v1/models/weights", 201, **body)
    assert first.stop() == 0

    with path.open("r+b") as file:  # a tensor's byte: the header is as sound as before
        file.seek(-1000, os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    second = start_platform((), home=first.home, engine_context=256, engine_slots=1)
    async with aiohttp.ClientSession(second.url, headers=second.headers) as client:
        health = await ask(client, "GET", "/healthz", 200)
        assert health["status"] == "degraded"
        assert "mine.gguf has the sha256" in health["engines"][0]["detail"]
        await ask(client, "POST", "/v1/embeddings", 503, model="mine", input="hello")
