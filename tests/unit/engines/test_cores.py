"""Only cores that are there, ours and paid for count."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from longslope.engines.cores import share_of_cores, usable_cores


def topology(folder: Path, siblings: str | None) -> Path:
    for cpu in os.sched_getaffinity(0):
        place = folder / f"cpu{cpu}/topology"
        place.mkdir(parents=True)
        (place / "thread_siblings_list").write_text(siblings or str(cpu))
    return folder


def test_threads_of_one_core_count_once(tmp_path: Path) -> None:
    assert usable_cores(topology(tmp_path, "0-63\n"), tmp_path / "none") == 1


def test_every_core_counts_without_a_control_group(tmp_path: Path) -> None:
    assert usable_cores(topology(tmp_path, None), tmp_path / "none") == len(os.sched_getaffinity(0))


def test_a_control_group_limits(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    assert usable_cores(topology(tmp_path, None), quota) == 1
    quota.write_text("20000 100000\n")
    assert usable_cores(tmp_path, quota) == 1
    quota.write_text("max 100000\n")
    assert usable_cores(tmp_path, quota) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("cores", "engines", "threads"),
    [(1, 1, 1), (2, 1, 1), (2, 2, 1), (4, 1, 3), (4, 2, 1), (16, 3, 5), (8, 0, 7)],
)
def test_engines_share_the_cores_and_leave_one(cores: int, engines: int, threads: int) -> None:
    assert share_of_cores(engines, cores) == threads
