"""Real engines for tests, ended with them."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from longslope.engines.llama import LlamaConfig, LlamaEngine
from longslope.engines.llama_server import Orders, Ready
from tests.integration.engines.server import Server

StartLlama = Callable[..., Awaitable[LlamaEngine]]


@pytest.fixture
async def start_llama(mini_gguf: Path, tmp_path: Path) -> AsyncGenerator[StartLlama]:
    """Starts an engine on `mini`, or as the keywords say."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> LlamaEngine:
            engine = LlamaEngine(
                LlamaConfig(
                    **{
                        "version": "mini@1",
                        "weights": mini_gguf,
                        "log_dir": tmp_path / "logs",
                        "context": 1024,
                        "threads": 1,  # tests share the machine
                        **settings,
                    }
                )
            )
            stack.push_async_callback(engine.stop)
            await engine.start()
            return engine

        yield start


@pytest.fixture
async def llama_child(mini_gguf: Path) -> AsyncGenerator[tuple[Process, str]]:
    """The engine's process alone, with its address; its key is `k`."""
    orders = Orders(
        weights=str(mini_gguf),
        alias="mini@1",
        key="k",
        context=512,
        slots=1,
        threads=1,
        embedding=False,
        parent=os.getpid(),
    )
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "longslope.engines.llama_server"), stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    assert child.stdin and child.stdout
    child.stdin.write(msgspec.json.encode(orders) + b"\n")
    yield child, msgspec.json.decode(await child.stdout.readline(), type=Ready).address
    if child.returncode is None:
        child.kill()
        await child.wait()


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    """A server of OpenAI's protocol that does what a test tells it."""
    async with Server() as started:
        yield started
