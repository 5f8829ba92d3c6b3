"""The latency that the gateway adds: through it minus straight to the same upstream, which takes a fixed
time.

Connections wait for the upstream most of the time, so that no loop is saturated and queueing does not hide
what the gateway itself takes. Both ways take turns in blocks; the connections of a block start spread over
the upstream's time, as 16 clients in step with each other are a burst of 16, not a load.
"""

from __future__ import annotations

import msgspec

from longslope.bench.child import running
from longslope.bench.contestants import mock_command, plain_target
from longslope.bench.latencies import Latencies, summarise
from longslope.bench.load import Load, Target, drive
from longslope.bench.placement import Placement
from longslope.bench.serving import LEAST_MODELS, add_mock_model, serving
from longslope.bench.workshop import Workshop

CONNECTIONS = 16
UPSTREAM_MS = 50.0
_MODEL = "bench-slow"
_BLOCK_S = 600.0


class AddedLatency(msgspec.Struct, frozen=True, kw_only=True):
    """Both ways' latencies, and their quantiles' differences in milliseconds."""

    connections: int
    upstream_ms: float
    direct: Latencies
    gateway: Latencies
    added_p50_ms: float
    added_p99_ms: float
    failures: dict[str, int]


async def measure_latency(
    workshop: Workshop, placement: Placement, *, blocks: int, requests: int
) -> AddedLatency:
    """Measures `blocks` blocks of `requests` requests each way."""
    async with (
        running(mock_command(placement.load, UPSTREAM_MS)) as mock,
        serving(workshop, LEAST_MODELS, placement.server) as platform,
    ):
        port = int(mock.ready[1])
        await add_mock_model(platform, _MODEL, port)
        direct = plain_target(port)
        gateway = platform.chat(_MODEL)
        samples: dict[Target, list[int]] = {direct: [], gateway: []}
        failures: dict[str, int] = {}
        await _block(gateway, CONNECTIONS * 10)
        for number in range(blocks):
            for target in (direct, gateway) if number % 2 == 0 else (gateway, direct):
                load = await _block(target, requests)
                samples[target].extend(load.latencies_ns)
                for kind, count in load.failures.items():
                    failures[kind] = failures.get(kind, 0) + count
    return compare_ways(samples[direct], samples[gateway], failures)


def compare_ways(direct_ns: list[int], gateway_ns: list[int], failures: dict[str, int]) -> AddedLatency:
    """The figures from both ways' latencies in nanoseconds."""
    direct, gateway = summarise(direct_ns), summarise(gateway_ns)
    return AddedLatency(
        connections=CONNECTIONS,
        upstream_ms=UPSTREAM_MS,
        direct=direct,
        gateway=gateway,
        added_p50_ms=round((gateway.p50_us - direct.p50_us) / 1000, 3),
        added_p99_ms=round((gateway.p99_us - direct.p99_us) / 1000, 3),
        failures=failures,
    )


async def _block(target: Target, requests: int) -> Load:
    return await drive(
        target,
        connections=CONNECTIONS,
        seconds=_BLOCK_S,
        requests=requests,
        spread_s=UPSTREAM_MS / 1000,
    )
