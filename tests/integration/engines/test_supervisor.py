"""Children that hang, fail or fall ill are ended and started again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import psutil
import pytest

from longslope.engines.protocol import EngineState
from longslope.engines.supervisor import ChildSpec, Supervisor
from tests.integration.engines.works import until

WELL = "import sys; sys.stdin.readline(); print('{}', flush=True); sys.stdin.read()"


class Ward:
    """A supervised child and how it is."""

    def __init__(self, folder: Path, program: str, start_timeout_s: float) -> None:
        self.reports: list[bytes] = []
        self.ill = False
        self.supervisor = Supervisor(
            ChildSpec(
                name="ward",
                command=(sys.executable, "-c", program),
                orders=b"{}",
                log=folder / "logs/ward.log",
                start_timeout_s=start_timeout_s,
                poll_s=0.02,
                grace_s=0.3,
            ),
            on_ready=self.reports.append,
            probe=self.probe,
        )

    async def probe(self) -> None:
        if self.ill:
            raise ConnectionError("no answer")


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncGenerator[Callable[..., Ward]]:
    wards: list[Ward] = []

    def make(program: str = WELL, start_timeout_s: float = 60.0) -> Ward:
        wards.append(Ward(tmp_path, program, start_timeout_s))
        return wards[-1]

    yield make
    for each in wards:
        await each.supervisor.stop()


async def test_it_is_ready_with_the_childs_report(ward: Callable[..., Ward]) -> None:
    well = ward()
    await well.supervisor.start()
    assert well.supervisor.state is EngineState.READY
    assert well.reports == [b"{}\n"]
    pid = well.supervisor.pid
    assert pid and psutil.pid_exists(pid)
    await well.supervisor.stop()
    assert well.supervisor.state is EngineState.STOPPED
    assert not psutil.pid_exists(pid)


async def test_one_that_never_gets_ready_is_ended(ward: Callable[..., Ward]) -> None:
    hanging = ward("import time; time.sleep(600)", start_timeout_s=0.3)
    starting = asyncio.create_task(hanging.supervisor.start())
    await until(lambda: hanging.supervisor.pid is not None)
    pid = hanging.supervisor.pid
    await starting
    assert hanging.supervisor.state is EngineState.DOWN
    assert hanging.supervisor.detail == "it was not ready within 0.3 s"
    assert pid and not psutil.pid_exists(pid)


async def test_one_that_ignores_sigterm_is_killed(ward: Callable[..., Ward]) -> None:
    stubborn = ward(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        + WELL
        + "\nwhile True: signal.pause()"
    )
    await stubborn.supervisor.start()
    pid = stubborn.supervisor.pid
    await stubborn.supervisor.stop()
    assert pid and not psutil.pid_exists(pid)


async def test_one_that_falls_ill_is_started_again(ward: Callable[..., Ward]) -> None:
    patient = ward()
    await patient.supervisor.start()
    patient.ill = True
    await until(lambda: patient.supervisor.state is EngineState.DOWN)
    assert patient.supervisor.detail == "it did not answer 3 health checks in a row"
    patient.ill = False
    await until(lambda: patient.supervisor.state is EngineState.READY)
    assert len(patient.reports) == 2


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; sys.exit('no such weights')", "it exited with status 1: no such weights"),
        ("import os; os.kill(os.getpid(), 6)", "killed by signal 6 (SIGABRT)"),
        ("print('x' * 200_000)", "it exited with status 0"),
    ],
)
async def test_a_death_is_explained(ward: Callable[..., Ward], program: str, reason: str) -> None:
    dying = ward(program)
    await dying.supervisor.start()
    assert dying.supervisor.state is EngineState.DOWN
    assert dying.supervisor.detail == reason
    await until(lambda: dying.supervisor.restarts >= 2)


async def test_a_program_that_is_not_there_is_explained(tmp_path: Path) -> None:
    async def probe() -> None: ...

    spec = ChildSpec(
        name="ward",
        command=(str(tmp_path / "none"),),
        orders=b"",
        log=tmp_path / "ward.log",
        start_timeout_s=5.0,
    )
    supervisor = Supervisor(spec, on_ready=lambda _: None, probe=probe)
    await supervisor.start()
    assert "cannot be started" in supervisor.detail
    await supervisor.stop()
