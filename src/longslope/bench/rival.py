"""LiteLLM's proxy, the rival: installed once into an environment of its own, started as its guide advises.

One worker, a master key, no database, its telemetry and price download off, and its quiet production mode. It
lives in `HOME/cache/bench/` and never in longslope's own environment.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import structlog

from longslope.bench.child import Child, Command, running
from longslope.bench.load import Target, wait_until_answered
from longslope.bench.mock_upstream import MODEL
from longslope.bench.ports import free_port
from longslope.bench.serving import CHAT, chat_body
from longslope.bench.workshop import Workshop, plain_environment
from longslope.errors import BenchmarkError

log = structlog.get_logger(__name__)

# Later ones (to 1.110) need a companion package that the public index did not have.
VERSION = "1.108.0"
_INSTALL_S = 1_800.0
_START_S = 120.0
_QUIET = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "DO_NOT_TRACK": "1",
}


class Rival(msgspec.Struct, frozen=True, kw_only=True):
    """A running proxy and what to ask it."""

    child: Child
    target: Target


async def install(workshop: Workshop) -> Path:
    """The environment's folder; makes and fills it, which takes minutes, once. Raises BenchmarkError."""
    folder = workshop.cache / f"litellm-{VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"
    complete = folder / ".complete"
    if complete.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    log.info("rival_installing", version=VERSION)
    await _run(sys.executable, "-m", "venv", str(folder))
    await _run(str(folder / "bin" / "python"), "-m", "pip", "install", "-q", f"litellm[proxy]=={VERSION}")
    complete.touch()
    return folder


@asynccontextmanager
async def rival(workshop: Workshop, upstream_port: int, core: int | None) -> AsyncGenerator[Rival]:
    """The proxy, ready, in front of the upstream on `upstream_port`. Raises BenchmarkError where it cannot be
    had.
    """
    folder = await install(workshop)
    key = f"sk-{secrets.token_urlsafe(16)}"
    port = free_port()
    with workshop.fresh_home() as home:
        config = home / "litellm.yaml"
        config.write_text(_config(upstream_port, key))
        command = Command(
            name="LiteLLM's proxy",
            arguments=[
                str(folder / "bin" / "litellm"),
                *("--config", str(config), "--host", "127.0.0.1", "--port", str(port)),
                *("--num_workers", "1", "--telemetry", "False"),
            ],
            ready="Proxy initialized|Uvicorn running on",
            core=core,
            environment={**plain_environment(), **_QUIET},
        )
        async with running(command) as child:
            target = Target(port=port, path=CHAT, key=key, body=chat_body(MODEL))
            await wait_until_answered(target, _START_S)
            yield Rival(child=child, target=target)


def _config(upstream_port: int, key: str) -> str:
    """JSON, which is YAML too."""
    model = {
        "model_name": MODEL,
        "litellm_params": {
            "model": f"openai/{MODEL}",
            "api_base": f"http://127.0.0.1:{upstream_port}/v1",
            "api_key": "none",
        },
    }
    config = {"model_list": [model], "general_settings": {"master_key": key}}
    return msgspec.json.encode(config).decode()


async def _run(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(_INSTALL_S):
            said, _ = await process.communicate()
    except TimeoutError as error:
        raise BenchmarkError(f"`{' '.join(arguments)}` did not end within {_INSTALL_S:g} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise BenchmarkError(f"`{' '.join(arguments)}` failed: {last}")
