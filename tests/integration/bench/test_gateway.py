"""A tiny run of the gateway's benchmark on real processes: every part comes out whole, at whatever speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from longslope.bench.gateway import Effort, Report, encode, measure_gateway
from longslope.bench.plot import draw
from longslope.bench.readiness import measure_readiness
from longslope.bench.streaming import measure_streaming
from longslope.bench.throughput import CONNECTIONS, DIRECT, LONGSLOPE, RELAY
from longslope.bench.workshop import Workshop
from tests.weights import lay_weights

TINY = Effort(
    throughput_rounds=1,
    throughput_s=0.2,
    latency_blocks=2,
    latency_requests=32,
    import_starts=1,
    memory_requests=200,
)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    lay_weights(tmp_path, ["mini"])
    return Workshop(tmp_path)


def assert_nothing_is_left(workshop: Workshop) -> None:
    assert list(workshop.cache.iterdir()) == []
    assert not (workshop.home / "longslope.db").exists()


@pytest.mark.timeout(300)
async def test_every_part_is_measured(workshop: Workshop) -> None:
    parts = ("imports", "throughput", "latency", "memory")
    affinity = os.sched_getaffinity(0)
    report = await measure_gateway(workshop, TINY, parts, with_rival=False)
    assert report.missing == {}
    assert os.sched_getaffinity(0) == affinity
    assert_nothing_is_left(workshop)
    assert_measured(report)
    assert json.loads(encode(report))["targets"]
    assert draw(report).startswith("<svg")


def assert_measured(report: Report) -> None:
    throughput, latency, memory = report.throughput, report.latency, report.memory
    assert throughput and latency and memory
    who = {(rate.contestant, rate.connections) for rate in throughput.rates}
    assert who == {(name, connections) for name in (LONGSLOPE, RELAY, DIRECT) for connections in CONNECTIONS}
    assert all(turn.requests and not turn.failures for rate in throughput.rates for turn in rate.rounds)
    assert throughput.server_cores[LONGSLOPE] == [throughput.placement.server]
    assert throughput.rival_missing == "left out"
    assert throughput.ratio_to_rival == {}
    assert latency.direct.count == latency.gateway.count == 64
    assert latency.direct.p50_us >= 49_000  # the upstream's fixed time, on a clock of whole milliseconds
    assert latency.failures == memory.failures == {}
    assert memory.requests == 200
    assert 0 < memory.first_mib <= memory.peak_mib
    assert not any(cost.torch for cost in report.imports)


@pytest.mark.timeout(300)
async def test_streams_pass_the_gateway_as_long_as_they_leave_the_engine(workshop: Workshop) -> None:
    streaming = await measure_streaming(workshop, rounds=1, tokens=4, clients=2)
    assert [turn.tokens for turn in (*streaming.direct, *streaming.gateway)] == [8, 8]
    assert streaming.slots == streaming.clients == 2
    assert_nothing_is_left(workshop)


@pytest.mark.timeout(300)
async def test_readiness_is_that_of_port_and_engines(workshop: Workshop) -> None:
    readiness = await measure_readiness(workshop, starts=1, models="mini,")
    assert readiness.ready_at_line
    assert readiness.best_s == readiness.later_s[0] > 0
    assert_nothing_is_left(workshop)


@pytest.mark.timeout(300)
def test_the_command_reports_and_ends_well(tmp_path: Path) -> None:
    result, picture = tmp_path / "result.json", tmp_path / "result.svg"
    command = [sys.executable, "-m", "longslope", "bench", "gateway", "--quick", "--only", "imports"]
    command += ["--home", str(tmp_path / "home")]
    done = subprocess.run([*command, "--json", str(result), "--plot", str(picture)], capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"import longslope" in done.stdout
    targets = json.loads(result.read_bytes())["targets"]
    assert {"name", "value", "wanted", "met"} <= set(targets[0])
    assert picture.read_text().startswith("<svg")
    piped = subprocess.run([*command, "--json"], capture_output=True)
    assert json.loads(piped.stdout)["benchmark"] == "gateway"
