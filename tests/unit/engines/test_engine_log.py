"""A child's words are kept, its users' are not, and no disk is filled."""

from __future__ import annotations

import os
from pathlib import Path

from longslope.engines.engine_log import EngineLog, log_path


def written(log: EngineLog, *lines: str) -> None:
    for line in lines:
        os.write(log.fd, line.encode() + b"\n")


def ended(log: EngineLog) -> None:
    log.close_write_end()
    log.join(30.0)


def test_what_it_says_while_loading_is_kept_and_explains_its_death(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "engine.log")
    written(log, "0.1 E llama_model_load: error loading model: file is corrupted", "llama.cpp did not start")
    ended(log)
    assert log.telling_line() == "error loading model: file is corrupted"
    assert (tmp_path / "engine.log").read_text().count("\n") == 2


def test_the_last_line_explains_when_none_is_better(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "engine.log")
    written(log, "first", "last")
    ended(log)
    assert log.telling_line() == "last"


def test_once_it_serves_only_traces_of_a_crash_are_kept(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "engine.log")
    log.serving()
    written(
        log,
        '0.2 W srv operator(): got exception: {"error":{"message":"unrecognized type my secret"}}',
        "  what():  my secret",
        "ggml.c:7: GGML_ASSERT(n > 0) failed",
        "Fatal Python error: Segmentation fault",
    )
    ended(log)
    kept = (tmp_path / "engine.log").read_text()
    assert "my secret" not in kept
    assert "GGML_ASSERT" in kept
    assert log.telling_line() == "GGML_ASSERT(n > 0) failed"


def test_the_file_rotates(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "engine.log", max_bytes=1_000)
    written(log, *(f"line {number} " + "x" * 90 for number in range(100)))
    ended(log)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["engine.log", "engine.log.1", "engine.log.2"]
    assert all(file.stat().st_size <= 1_000 for file in files)
    assert "line 99" in files[0].read_text()


def test_a_folder_that_is_gone_blocks_nobody(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "gone/engine.log")
    written(log, *("x" * 900 for _ in range(200)))  # more than a pipe holds
    ended(log)
    assert log.telling_line() == "x" * 900


def test_names_of_engines_become_names_of_files(tmp_path: Path) -> None:
    assert log_path(tmp_path, "mini@1#0").name == "engine-mini@1-0.log"
    assert log_path(tmp_path, "../x/y").parent == tmp_path
