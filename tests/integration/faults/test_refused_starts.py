"""Starts that must not be: the port taken, the home in use, weights that are not what they should be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from longslope.catalog.family import FAMILY
from tests.server import READY, Platform
from tests.weights import weights_of

TIMEOUT_S = 90
SPEC = FAMILY["embedding"].weights


def refused(home: Path, *flags: str, **settings: object) -> str:
    """What `longslope up` says before it gives up."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LONGSLOPE_")}
    environment.update({f"LONGSLOPE_{name.upper()}": str(value) for name, value in settings.items()})
    command = [sys.executable, "-m", "longslope", "up", "--home", str(home), "--offline", *flags]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert READY not in done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The folder of weights of an empty home."""
    folder = tmp_path / "home" / "models"
    folder.mkdir(parents=True)
    return folder


def copied(models: Path) -> Path:
    """A copy of the right weights with the proof that they were verified, free to be spoilt."""
    source = weights_of("embedding")
    shutil.copy2(source.with_name(f"{source.name}.sha256"), models)
    return Path(shutil.copy2(source, models))


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path, taken_port: int) -> None:
    said = refused(tmp_path / "home", "--port", str(taken_port), "--models", "none")
    assert f"127.0.0.1:{taken_port}" in said
    assert "--port" in said


def test_the_port_of_another_platform_is_not_shared(server: Platform, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    said = refused(tmp_path / "home", "--port", port, "--models", "none")
    assert f"127.0.0.1:{port}" in said


def test_a_home_in_use_names_the_process_that_has_it(server: Platform) -> None:
    said = refused(server.home, "--port", "0", "--models", "none")
    assert str(server.process.pid) in said
    assert "--home" in said


def test_weights_half_downloaded_are_not_served(models: Path) -> None:
    partial = models / ".partial" / SPEC.filename
    partial.mkdir(parents=True)
    with weights_of("embedding").open("rb") as whole:
        (partial / f"{SPEC.filename}.part").write_bytes(whole.read(1_000_000))
    said = refused(models.parent, "--port", "0", "--models", "embedding")
    assert SPEC.filename in said
    assert (partial / f"{SPEC.filename}.part").stat().st_size == 1_000_000, "what had come was thrown away"


def test_weights_cut_short_under_their_own_name_are_not_served(models: Path) -> None:
    with copied(models).open("r+b") as file:
        file.truncate(SPEC.bytes // 2)
    said = refused(models.parent, "--port", "0", "--models", "embedding")
    assert SPEC.filename in said


def test_weights_with_another_checksum_are_not_served(models: Path) -> None:
    with copied(models).open("r+b") as file:
        file.seek(SPEC.bytes // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    said = refused(models.parent, "--port", "0", "--models", "embedding")
    assert SPEC.filename in said
    assert SPEC.sha256 in said


def test_a_setting_that_is_none_names_the_nearest(tmp_path: Path) -> None:
    said = refused(tmp_path / "home", "--models", "none", max_conections=5)
    assert "LONGSLOPE_MAX_CONECTIONS" in said
    assert "max_connections" in said


def test_a_home_that_cannot_be_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    said = refused(tmp_path / "file" / "home", "--models", "none")
    assert str(tmp_path / "file") in said
