from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from longslope.errors import HomeInUse
from longslope.store.lock import HomeLock

Holder = tuple[subprocess.Popen[str], int]

HOLDER = """
import subprocess, sys
from pathlib import Path
from longslope.store.lock import HomeLock
HomeLock(Path(sys.argv[1])).acquire()
# A program started anew, such as an engine, outlives a killed parent and must not keep the home.
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"])
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    """Another process that holds `tmp_path`, and the id of a program that it has started."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


def test_a_second_process_is_told_who_has_the_home(holder: Holder, tmp_path: Path) -> None:
    with pytest.raises(HomeInUse) as raised:
        HomeLock(tmp_path).acquire()
    for part in (str(holder[0].pid), str(tmp_path), "--home"):
        assert part in raised.value.message


def test_a_killed_process_holds_nothing_and_neither_do_its_engines(holder: Holder, tmp_path: Path) -> None:
    process, engine = holder
    process.kill()
    process.wait()
    os.kill(engine, 0)  # it lives on
    with HomeLock(tmp_path) as lock:
        assert lock.file.read_text() == f"{os.getpid()}\n"


def test_a_home_is_made_and_can_be_taken_again_after_release(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    with HomeLock(home):
        assert home.stat().st_mode & 0o777 == 0o700
        with pytest.raises(HomeInUse, match=str(os.getpid())):
            HomeLock(home).acquire()
    lock = HomeLock(home)
    lock.acquire()
    lock.acquire()  # having it already is no conflict
    lock.release()
    lock.release()


def test_a_forked_child_that_lets_go_does_not_free_its_parents_home(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path)
    lock.acquire()
    child = os.fork()
    if child == 0:
        lock.release()
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(HomeInUse, match=str(os.getpid())):
        HomeLock(tmp_path).acquire()
    lock.release()
