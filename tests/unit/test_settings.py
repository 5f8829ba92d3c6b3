"""Settings: which value wins, where it came from, and what is said of those that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longslope.errors import SettingsError
from longslope.settings import Settings, load


def in_home(home: Path, text: str = "", **environment: str) -> dict[str, str]:
    """The environment of a home whose file holds `text`."""
    home.mkdir(exist_ok=True)
    if text:
        (home / "longslope.toml").write_text(text, "utf-8")
    return {
        "LONGSLOPE_HOME": str(home),
        **{f"LONGSLOPE_{name}": value for name, value in environment.items()},
    }


def test_nothing_given_is_the_defaults(tmp_path: Path) -> None:
    effective = load({}, in_home(tmp_path))
    assert effective.settings == Settings(home=tmp_path)
    assert effective.origins.pop("home") == "LONGSLOPE_HOME"
    assert set(effective.origins.values()) == {"default"}


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    environment = in_home(
        tmp_path,
        "port = 1001\nmax_messages = 1001\nmax_queue = 0\n".replace("max_queue = 0\n", "heartbeat_s = 1"),
        PORT="1002",
        MAX_MESSAGES="1002",
    )
    effective = load({"port": 1003, "host": None}, environment)
    settings, origins = effective.settings, effective.origins
    assert (settings.port, settings.max_messages, settings.heartbeat_s) == (1003, 1002, 1.0)
    assert origins["port"] == "flag"
    assert origins["max_messages"] == "LONGSLOPE_MAX_MESSAGES"
    assert origins["heartbeat_s"] == str(tmp_path / "longslope.toml")
    assert (settings.host, origins["host"]) == ("127.0.0.1", "default")  # a flag not given is no value


def test_the_home_is_a_flag_before_it_is_a_variable(tmp_path: Path) -> None:
    environment = in_home(tmp_path / "variable", "port = 1001")
    in_home(tmp_path / "flag", "port = 1002")
    effective = load({"home": tmp_path / "flag"}, environment)
    assert (effective.settings.home, effective.settings.port) == (tmp_path / "flag", 1002)
    assert effective.origins["home"] == "flag"


def test_the_home_is_absolute_and_knows_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert load({"home": Path("here")}, {}).settings.home == tmp_path / "here"
    assert load({}, {"LONGSLOPE_HOME": "~/there"}).settings.home == tmp_path / "there"
    assert load({}, {}).settings.home == tmp_path / ".longslope"


def test_a_home_in_the_file_that_lies_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="home"):
        load({}, in_home(tmp_path, 'home = "/elsewhere"'))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"file": "max_mesages = 5"}, ["longslope.toml", '"max_mesages"', '"max_messages"']),
        ({"file": "[server]\nport = 5"}, ["longslope.toml", '"server"']),
        ({"variable": {"MAX_MESAGES": "5"}}, ["LONGSLOPE_MAX_MESAGES", '"max_messages"']),
        ({"variable": {"COLOUR": "red"}}, ["LONGSLOPE_COLOUR"]),
        ({"flag": {"prot": 5}}, ["flag", '"prot"', '"port"']),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    tmp_path: Path, given: dict[str, Any], said: list[str]
) -> None:
    environment = in_home(tmp_path, given.get("file", ""), **given.get("variable", {}))
    with pytest.raises(SettingsError) as refused:
        load(given.get("flag"), environment)
    for part in said:
        assert part in refused.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", ""),
        ("MAX_MESSAGES", "0"),
        ("MAX_MESSAGES", "1.5"),
        ("MAX_BODY_BYTES", "16MB"),
        ("BODY_TIMEOUT_S", "0"),
        ("BODY_TIMEOUT_S", "-3"),
        ("BODY_TIMEOUT_S", "nan"),
        ("BODY_TIMEOUT_S", "inf"),
        ("OFFLINE", "perhaps"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_origin(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({}, in_home(tmp_path, **{name: value}))
    assert f"LONGSLOPE_{name}" in refused.value.message
    assert refused.value.param == name.lower()


@pytest.mark.parametrize(
    "line",
    ['port = "eighty"', "port = -1", "body_timeout_s = nan", "offline = 3", "models = 5", "port = [1]"],
)
def test_the_files_values_are_checked_too(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError, match=r"longslope\.toml"):
        load({}, in_home(tmp_path, line))


@pytest.mark.parametrize("text", ["port =", "= 5", "[", 'models = "lite', "port = 1\nport = 2"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"longslope\.toml is not valid TOML.*Mend or remove"):
        load({}, in_home(tmp_path, text))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    environment = in_home(tmp_path)
    (tmp_path / "longslope.toml").write_bytes(b"models = '\xff'")
    with pytest.raises(SettingsError, match="is not valid TOML"):
        load({}, environment)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("false", False), ("0", False), ("TRUE", True)]
)
def test_a_variable_may_say_yes_in_several_ways(tmp_path: Path, text: str, value: bool) -> None:
    assert load({}, in_home(tmp_path, OFFLINE=text)).settings.offline is value


def test_zero_is_a_value_where_it_means_something(tmp_path: Path) -> None:
    settings = load({}, in_home(tmp_path, PORT="0", ENGINE_THREADS="0", PROJECT_QUEUE="0")).settings
    assert (settings.port, settings.engine_threads, settings.project_queue) == (0, 0, 0)


def test_other_variables_are_none_of_its_business(tmp_path: Path) -> None:
    environment = in_home(tmp_path, SECRET_BIG="x", TEST_MODELS="y", ADDRESS="z", API_KEY="ls-")
    assert load({}, {**environment, "PORT": "5", "longslope_port": "6"}).settings.port == 8080


def test_rows_show_every_setting_and_no_password(tmp_path: Path) -> None:
    url = "postgresql+asyncpg://user:p@ss:w@rd@host/db"
    rows = load({}, in_home(tmp_path, DATABASE_URL=url)).rows()
    assert [name for name, _, _ in rows] == list(Settings.__struct_fields__)
    shown = {name: value for name, value, _ in rows}
    assert "w@rd" not in shown["database_url"]
    assert "p@ss" not in shown["database_url"]
    assert shown["database_url"].startswith("postgresql+asyncpg://user:")
