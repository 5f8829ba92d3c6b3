"""A benchmark works on a home of its own and leaves the user's as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from longslope.bench.workshop import Workshop, plain_environment


def test_a_fresh_home_shares_the_weights_and_goes(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    with workshop.fresh_home() as home, workshop.fresh_home() as other:
        assert home != other
        assert home.is_relative_to(tmp_path)
        (home / "models" / "mini.gguf").write_bytes(b"weights")
        (home / "longslope.db").write_bytes(b"rows")
    assert not home.exists()
    assert (tmp_path / "models" / "mini.gguf").read_bytes() == b"weights"


def test_the_users_settings_do_not_reach_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGSLOPE_ENGINE_SLOTS", "1")
    monkeypatch.setenv("LONGSLOPE_MODELS", "family")
    monkeypatch.setenv("LONGSLOPE_HUB_URL", "http://127.0.0.1:1")  # where weights come from is no setting
    environment = plain_environment(engine_slots=8)
    assert environment["LONGSLOPE_ENGINE_SLOTS"] == "8"
    assert environment["LONGSLOPE_HUB_URL"] == "http://127.0.0.1:1"
    assert "LONGSLOPE_MODELS" not in environment
    assert environment["PATH"]
