"""How long `longslope up` takes from its start to its ready line, with the weights there already.

The first start on a home makes the store; the later ones find it. Ready means that the engines are, too:
after the line, /healthz is asked whether each of them is.
"""

from __future__ import annotations

import aiohttp
import msgspec

from longslope.bench.child import running
from longslope.bench.serving import up_command
from longslope.bench.workshop import Workshop

MODELS = "mini,lite,embedding"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to the ready line: of the first start, which makes the store, and of each later one."""

    models: str
    first_s: float
    later_s: list[float]
    best_s: float
    ready_at_line: bool  # the port was open and all engines ready at every ready line


async def measure_readiness(workshop: Workshop, *, starts: int, models: str = MODELS) -> Readiness:
    """Starts once to fetch what is missing, then once on a fresh home and `starts` times more on the same
    one.
    """
    with workshop.fresh_home() as home:
        async with running(up_command(home, models)):
            pass
    times: list[float] = []
    ready_at_line = True
    with workshop.fresh_home() as home:
        for _ in range(starts + 1):
            async with running(up_command(home, models)) as child:
                times.append(round(child.ready_s, 3))
                ready_at_line = ready_at_line and await _all_ready(int(child.ready[1]))
    return Readiness(
        models=models,
        first_s=times[0],
        later_s=times[1:],
        best_s=min(times[1:]),
        ready_at_line=ready_at_line,
    )


async def _all_ready(port: int) -> bool:
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/healthz") as answer,
        ):
            health = msgspec.json.decode(await answer.read())
    except aiohttp.ClientConnectionError:
        return False
    states = [engine["state"] for engine in health["engines"]]
    return bool(states) and set(states) == {"ready"}
