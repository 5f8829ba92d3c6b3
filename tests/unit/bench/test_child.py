"""Processes that are measured start where they should, are waited for, read, and never left behind."""

from __future__ import annotations

import os
import sys

import psutil
import pytest

from longslope.bench.child import Command, running
from longslope.bench.placement import choose_cores, pinned
from longslope.errors import BenchmarkError

ECHO = "import sys; print('ready:', sys.stdin.readline().strip(), flush=True); sys.stdin.read()"


def python(program: str, **fields: object) -> Command:
    fields = {"name": "a child", "ready": r"ready: (\w+)", "timeout_s": 60.0, **fields}
    return Command(arguments=[sys.executable, "-c", program], **fields)  # type: ignore[arg-type]


async def test_a_child_gets_its_orders_and_its_core_and_ends() -> None:
    before = os.sched_getaffinity(0)
    core = choose_cores().load
    async with running(python(ECHO, orders=b"word\n", core=core)) as child:
        assert child.ready[1] == "word"
        assert child.cores() == [core]
        assert child.resident_bytes() > 1_000_000
        assert child.cpu_s() >= 0
        assert child.ready_s > 0
        assert os.sched_getaffinity(0) == before
        pid = child.pid
    assert not psutil.pid_exists(pid)


async def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(BenchmarkError, match=r"a child ended before it was ready(.|\n)*no snow today"):
        async with running(python("raise SystemExit('no snow today')")):
            pass


async def test_a_child_that_never_gets_ready_is_ended() -> None:
    program = "import os, sys; print('pid', os.getpid(), flush=True); sys.stdin.read()"
    with pytest.raises(BenchmarkError, match=r"not ready after 0\.5 s(.|\n)*pid \d+") as caught:
        async with running(python(program, timeout_s=0.5)):
            pass
    assert not psutil.pid_exists(int(caught.value.message.rpartition("pid ")[2]))


async def test_a_talkative_child_is_read_to_its_end() -> None:
    talk = "import sys; print('x' * 100_000 + '\\n', 'y' * 100_000); print('ready: now', flush=True); "
    async with running(python(talk + "sys.stdin.read()")) as child:
        assert child.ready[1] == "now"


def test_pinning_ends_with_its_block() -> None:
    before = os.sched_getaffinity(0)
    with pinned(min(before)):
        assert os.sched_getaffinity(0) == {min(before)}
    with pinned(None):
        assert os.sched_getaffinity(0) == before
    assert os.sched_getaffinity(0) == before
