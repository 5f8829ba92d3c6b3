"""Requests a second of a gateway on one core, against LiteLLM's proxy on the same core in the same run.

All contestants stand ready at once and take turns, round by round, each beginning a round in turn; a
disturbance of the machine so falls on all. The mock and the load generator share another core: their own rate
is measured too, and must be well above what it is to measure.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import msgspec

from longslope.bench.child import Child, running
from longslope.bench.contestants import mock_command, plain_target, relay_command
from longslope.bench.latencies import Latencies, median, summarise
from longslope.bench.load import Load, Target, drive
from longslope.bench.placement import Placement
from longslope.bench.rival import VERSION, rival
from longslope.bench.serving import LEAST_MODELS, add_mock_model, serving
from longslope.bench.workshop import Workshop
from longslope.errors import BenchmarkError

CONNECTIONS = (16, 64)
LONGSLOPE, LITELLM, RELAY, DIRECT = "longslope", "litellm", "relay", "direct"
_MODEL = "bench"


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of one contestant. `server_cpu` and `load_cpu` are the shares used of their cores.

    `cpu_us` is the processor time of one request in microseconds, which holds even where the core was shared.
    """

    requests: int
    seconds: float
    requests_per_second: float
    server_cpu: float
    load_cpu: float
    cpu_us: float
    failures: dict[str, int]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """All turns of one contestant at one number of connections."""

    contestant: str
    connections: int
    median_per_second: float
    best_per_second: float
    latencies: Latencies
    rounds: list[Round]


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """The figures. Ratios are medians over rounds of ours by the other's in the same round."""

    rates: list[Rate]
    placement: Placement
    server_cores: dict[str, list[int]]
    rival_version: str
    rival_missing: str | None  # why there is no rival, where there is none
    ratio_to_rival: dict[int, float]
    ratio_to_relay: dict[int, float]


class _Contestant(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    target: Target
    server: Child


async def measure_throughput(
    workshop: Workshop, placement: Placement, *, rounds: int, seconds: float, with_rival: bool
) -> Throughput:
    """Measures every contestant for `rounds` turns of `seconds` at each number of connections."""
    rival_missing = None if with_rival else "left out"
    async with AsyncExitStack() as stack:
        mock = await stack.enter_async_context(running(mock_command(placement.load, 0)))
        mock_port = int(mock.ready[1])
        platform = await stack.enter_async_context(serving(workshop, LEAST_MODELS, placement.server))
        await add_mock_model(platform, _MODEL, mock_port)
        relay = await stack.enter_async_context(running(relay_command(placement.server, mock_port)))
        contestants = [
            _Contestant(name=LONGSLOPE, target=platform.chat(_MODEL), server=platform.child),
            _Contestant(name=RELAY, target=plain_target(int(relay.ready[1])), server=relay),
            _Contestant(name=DIRECT, target=plain_target(mock_port), server=mock),
        ]
        if with_rival:
            try:
                found = await stack.enter_async_context(rival(workshop, mock_port, placement.server))
                contestants.insert(1, _Contestant(name=LITELLM, target=found.target, server=found.child))
            except (
                BenchmarkError
            ) as error:  # without a network there is none; our own figures stand all the same
                rival_missing = error.message
        rates: list[Rate] = []
        for connections in CONNECTIONS:
            rates += await _compare(contestants, mock, connections, rounds, seconds)
        return Throughput(
            rates=rates,
            placement=placement,
            server_cores={contestant.name: contestant.server.cores() for contestant in contestants},
            rival_version=VERSION,
            rival_missing=rival_missing,
            ratio_to_rival=ratios(rates, LITELLM),
            ratio_to_relay=ratios(rates, RELAY),
        )


async def _compare(
    contestants: Sequence[_Contestant], mock: Child, connections: int, rounds: int, seconds: float
) -> list[Rate]:
    turns: dict[str, list[Round]] = {contestant.name: [] for contestant in contestants}
    samples: dict[str, list[int]] = {contestant.name: [] for contestant in contestants}
    for contestant in contestants:  # warm: connections to the upstream, caches, the disk
        await drive(contestant.target, connections=connections, seconds=max(seconds / 4, 0.5))
    for number in range(rounds):
        first = number % len(contestants)
        for contestant in [*contestants[first:], *contestants[:first]]:
            turn, load = await _turn(contestant, mock, connections, seconds)
            turns[contestant.name].append(turn)
            samples[contestant.name].extend(load.latencies_ns)
    return [_rate(contestant.name, connections, turns, samples) for contestant in contestants]


async def _turn(contestant: _Contestant, mock: Child, connections: int, seconds: float) -> tuple[Round, Load]:
    before, server_before, load_before = time.perf_counter(), contestant.server.cpu_s(), _load_cpu_s(mock)
    load = await drive(contestant.target, connections=connections, seconds=seconds)
    elapsed = time.perf_counter() - before
    server_s = contestant.server.cpu_s() - server_before
    turn = Round(
        requests=len(load.latencies_ns),
        seconds=round(load.seconds, 4),
        requests_per_second=round(load.requests_per_second, 1),
        server_cpu=round(server_s / elapsed, 3),
        load_cpu=round((_load_cpu_s(mock) - load_before) / elapsed, 3),
        cpu_us=round(server_s / max(1, len(load.latencies_ns)) * 1e6, 1),
        failures=load.failures,
    )
    return turn, load


def _load_cpu_s(mock: Child) -> float:
    own = os.times()
    return own.user + own.system + mock.cpu_s()


def _rate(name: str, connections: int, turns: dict[str, list[Round]], samples: dict[str, list[int]]) -> Rate:
    per_second = [turn.requests_per_second for turn in turns[name]]
    return Rate(
        contestant=name,
        connections=connections,
        median_per_second=median(per_second),
        best_per_second=max(per_second),
        latencies=summarise(samples[name]),
        rounds=turns[name],
    )


def ratios(rates: Sequence[Rate], other: str) -> dict[int, float]:
    """For each number of connections, the median over rounds of our rate by the other's in the same round."""
    found: dict[int, float] = {}
    for ours in (rate for rate in rates if rate.contestant == LONGSLOPE):
        theirs = [rate for rate in rates if (rate.contestant, rate.connections) == (other, ours.connections)]
        of_rounds = [
            turn.requests_per_second / its.requests_per_second
            for rate in theirs
            for turn, its in zip(ours.rounds, rate.rounds, strict=True)
            if its.requests
        ]
        if of_rounds:
            found[ours.connections] = round(median(of_rounds), 3)
    return found
