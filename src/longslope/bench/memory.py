"""The gateway's memory over many requests: whether it is flat, and how high it gets.

Only the gateway's own process counts; engines are its children. The first requests warm it up (connections,
caches, the allocator) and count for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from longslope.bench.child import Child, running
from longslope.bench.contestants import mock_command
from longslope.bench.latencies import median
from longslope.bench.load import drive
from longslope.bench.placement import Placement
from longslope.bench.serving import LEAST_MODELS, add_mock_model, serving
from longslope.bench.workshop import Workshop

_CONNECTIONS = 64
_MODEL = "bench"
_WARM_REQUESTS = 5_000
_EVERY_S = 0.5
_MOST_S = 3_600.0
_MIB = 1024 * 1024


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Resident memory in MiB: `first` and `last` are medians over the first and last tenth of the samples.

    `growth` is last by first, minus 1.
    """

    requests: int
    requests_per_second: float
    first_mib: float
    last_mib: float
    peak_mib: float
    growth: float
    samples_mib: list[float]
    failures: dict[str, int]


async def measure_memory(workshop: Workshop, placement: Placement, *, requests: int) -> Memory:
    """Samples the gateway's memory while it answers `requests` requests on 64 connections."""
    async with (
        running(mock_command(placement.load, 0)) as mock,
        serving(workshop, LEAST_MODELS, placement.server) as platform,
    ):
        await add_mock_model(platform, _MODEL, int(mock.ready[1]))
        target = platform.chat(_MODEL)
        warm = min(_WARM_REQUESTS, requests)
        await drive(target, connections=_CONNECTIONS, seconds=_MOST_S, requests=warm)
        samples: list[float] = []
        sampler = asyncio.create_task(_sample(platform.child, samples))
        load = await drive(target, connections=_CONNECTIONS, seconds=_MOST_S, requests=requests)
        sampler.cancel()
        samples.append(_resident_mib(platform.child))
    return summarise_memory(samples, len(load.latencies_ns), load.requests_per_second, load.failures)


def summarise_memory(
    samples_mib: Sequence[float], requests: int, per_second: float, failures: dict[str, int]
) -> Memory:
    """The figures from samples of resident memory in MiB, in order of time."""
    tenth = max(1, len(samples_mib) // 10)
    first, last = median(samples_mib[:tenth]), median(samples_mib[-tenth:])
    return Memory(
        requests=requests,
        requests_per_second=round(per_second, 1),
        first_mib=round(first, 2),
        last_mib=round(last, 2),
        peak_mib=round(max(samples_mib), 2),
        growth=round(last / first - 1, 4),
        samples_mib=list(samples_mib),
        failures=failures,
    )


async def _sample(child: Child, samples: list[float]) -> None:
    while True:
        samples.append(_resident_mib(child))
        await asyncio.sleep(_EVERY_S)


def _resident_mib(child: Child) -> float:
    return round(child.resident_bytes() / _MIB, 2)
