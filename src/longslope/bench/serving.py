"""A platform to measure: `longslope up` as users start it, on a home of its own, spoken to over HTTP only."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from longslope.bench.child import Child, Command, running
from longslope.bench.load import Target, wait_until_answered
from longslope.bench.mock_upstream import MODEL
from longslope.bench.ports import wait_until_open
from longslope.bench.workshop import Workshop, plain_environment
from longslope.errors import BenchmarkError
from longslope.wire.platform import PriceCreate, UpstreamCreate

READY = r"longslope is ready: http://127\.0\.0\.1:(\d+)"
CHAT = "/v1/chat/completions"
# No engine of its own: what is measured only relays.
LEAST_MODELS = "none"
_FETCHING_S = 3_600.0
_SERVED_WITHIN_S = 15.0


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """A running platform: its process, its port, and its admin's key."""

    child: Child
    port: int
    key: str

    def chat(self, model: str) -> Target:
        """A short chat request for `model`."""
        return Target(port=self.port, path=CHAT, key=self.key, body=chat_body(model))


def chat_body(model: str) -> bytes:
    """The request that every contestant is asked."""
    return msgspec.json.encode(
        {
            "model": model,
            "messages": [
                {"role": "system", "content": "Answer in one sentence."},
                {"role": "user", "content": "What makes snow squeak underfoot?"},
            ],
            "max_tokens": 64,
            "temperature": 0.7,
        }
    )


def up_command(home: Path, models: str, core: int | None = None, **settings: object) -> Command:
    """`longslope up` on a port that the system chooses."""
    return Command(
        name="longslope up",
        arguments=[
            *(sys.executable, "-m", "longslope", "up"),
            *("--port", "0", "--home", str(home), "--models", models),
        ],
        ready=READY,
        core=core,
        environment=plain_environment(**settings),
        timeout_s=_FETCHING_S,
    )


@asynccontextmanager
async def serving(
    workshop: Workshop, models: str, core: int | None = None, **settings: object
) -> AsyncGenerator[Serving]:
    """A platform on a fresh home. Fetches weights that the user's home lacks."""
    with workshop.fresh_home() as home:
        async with running(up_command(home, models, core, **settings)) as child:
            key = (home / "admin.key").read_text("utf-8").strip()
            port = int(child.ready[1])
            await wait_until_open(port)
            yield Serving(child=child, port=port, key=key)


async def add_mock_model(platform: Serving, name: str, upstream_port: int) -> None:
    """Adds the mock upstream as the model `name`, with a price, and waits until it is served."""
    upstream = UpstreamCreate(name=name, base_url=f"http://127.0.0.1:{upstream_port}/v1", model=MODEL)
    await _post(platform, "/platform/v1/models/upstreams", upstream)
    price = PriceCreate(model=name, input="0.30", cached_input="0.06", output="0.60", currency="CNY")
    await _post(platform, "/platform/v1/prices", price)
    await wait_until_answered(platform.chat(name), _SERVED_WITHIN_S)


async def _post(platform: Serving, path: str, body: Any) -> None:
    headers = {"Authorization": f"Bearer {platform.key}", "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{platform.port}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=msgspec.json.encode(body), headers=headers) as response,
    ):
        if response.status // 100 != 2:
            raise BenchmarkError(f"POST {path} answered {response.status}: {await response.text()}")
