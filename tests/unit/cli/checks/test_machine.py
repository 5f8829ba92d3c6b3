"""What the doctor says of a machine, this one and others."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from longslope.cli.checks import machine
from longslope.cli.checks.check import State
from longslope.settings import Settings

GB = 10**9


def test_this_machine_runs_longslope() -> None:
    assert machine.python().state is State.OK
    assert machine.engine_build().state is State.OK


@pytest.mark.skipif(platform.machine() != "x86_64", reason="AVX is x86's")
def test_a_processor_without_avx2_is_a_failure_with_a_cure() -> None:
    check = machine.processor(frozenset({"sse4_2", "avx"}))
    assert check.state is State.FAIL
    assert "make engine-native" in check.cure
    assert machine.processor(frozenset({"avx2"})).state is not State.FAIL


@pytest.mark.parametrize(
    ("total", "free", "running", "state"),
    [
        (8 * GB, 8 * GB, False, State.OK),
        (8 * GB, 1 * GB, False, State.WARN),
        (8 * GB, 1 * GB, True, State.OK),
        (1 * GB, 1 * GB, True, State.FAIL),
    ],
)
def test_memory_is_measured_against_the_chosen_models(
    total: int, free: int, running: bool, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "memory_bytes", lambda: (total, free))
    check = machine.memory(Settings(models="family"), running=running)
    assert check.state is state
    assert (check.cure != "") == (state is not State.OK)


def test_a_control_group_can_allow_less_than_the_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meminfo, limit = tmp_path / "meminfo", tmp_path / "memory.max"
    meminfo.write_text("MemTotal:  8000000 kB\nMemAvailable:  6000000 kB\nHugePages_Total: 0\n")
    monkeypatch.setattr(machine, "_MEMORY", meminfo)
    monkeypatch.setattr(machine, "_GROUP_LIMIT", limit)
    assert machine.memory_bytes() == (8_192_000_000, 6_144_000_000)
    limit.write_text("max\n")
    assert machine.memory_bytes() == (8_192_000_000, 6_144_000_000)
    limit.write_text("1000000000\n")
    assert machine.memory_bytes() == (1_000_000_000, 1_000_000_000)
