"""What the doctor says of a home and of an address."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from longslope.catalog.checksum import is_marked
from longslope.catalog.weights import sha256_of
from longslope.cli import family
from longslope.cli.checks import home as homes
from longslope.cli.checks.address import address
from longslope.cli.checks.check import State
from longslope.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Settings(home=home, models="mini")


def test_a_home_that_is_not_there_yet_is_no_problem_and_is_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "a" / "b"
    assert homes.writable(Settings(home=missing)).state is State.OK
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_written_fails(settings: Settings) -> None:
    settings.home.chmod(0o500)
    assert homes.writable(settings).state is State.FAIL


def test_a_home_in_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = homes.writable(Settings(home=tmp_path / "file" / "home"))
    assert check.state is State.FAIL
    assert "--home" in check.cure


def test_a_home_that_others_can_read_is_told(settings: Settings) -> None:
    assert homes.writable(settings).state is State.OK
    settings.home.chmod(0o755)
    check = homes.writable(settings)
    assert check.state is State.WARN
    assert f"chmod 700 {settings.home}" in check.cure


def test_room_is_wanted_for_what_is_still_to_be_pulled(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = homes.room(settings)
    assert check.figures["missing_bytes"] == 98_362_432 + 46_223_360
    usage = type("Usage", (), {"free": 100_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _place: usage)
    assert homes.room(settings).state is State.FAIL


def row_of(settings: Settings, **changes: object) -> family.Row:
    import msgspec

    mini = next(row for row in family.rows(None, settings) if row.name == "mini")
    return msgspec.structs.replace(mini, **changes)


def test_weights_that_nobody_verified_are_verified_now(settings: Settings) -> None:
    file = settings.home / "weights.gguf"
    file.write_bytes(b"GGUF and more")
    sha256 = sha256_of(file)
    row = row_of(settings, weights="not verified", place=str(file), sha256=sha256)
    assert homes.weights(row, settings).state is State.OK
    assert is_marked(file, sha256)


def test_damaged_and_missing_weights_fail_with_their_cure(settings: Settings) -> None:
    file = settings.home / "weights.gguf"
    file.write_bytes(b"GGUF and less")
    damaged = homes.weights(row_of(settings, weights="not verified", place=str(file)), settings)
    assert (damaged.state, "models pull mini" in damaged.cure) == (State.FAIL, True)
    missing = homes.weights(row_of(settings, weights="missing", place="/nowhere.gguf"), settings)
    assert (missing.state, "models remove mini" in missing.cure) == (State.FAIL, True)


def test_a_file_that_changed_after_it_was_added_fails(settings: Settings) -> None:
    file = settings.home / "weights.gguf"
    file.write_bytes(b"GGUF one")
    row = row_of(settings, weights="here", place=str(file), sha256=sha256_of(file), mtime_ns=1)
    assert homes.weights(row, settings).state is State.OK
    file.write_bytes(b"GGUF two")
    check = homes.weights(row, settings)
    assert (check.state, f"models add mini {file}" in check.cure) == (State.FAIL, True)


def test_weights_to_be_pulled_are_worth_a_look_and_offline_a_failure(settings: Settings) -> None:
    row = row_of(settings)
    assert homes.weights(row, settings).state is State.WARN
    assert homes.weights(row, Settings(home=settings.home, offline=True)).state is State.FAIL


def test_an_address_that_a_stranger_has_fails(settings: Settings) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as stranger:
        threading.Thread(target=stranger.handle_request, daemon=True).start()
        port = stranger.server_port
        check, running = address(Settings(home=settings.home, port=port))
    assert (check.state, running) == (State.FAIL, False)
    assert "--port" in check.cure
    assert address(Settings(home=settings.home, port=port))[0].state is State.OK
