"""The platform's settings: defaults, `longslope.toml` over them, `LONGSLOPE_*` over that, flags over all.

`load` gives the effective settings and where each value came from, so that `longslope settings` can say it.
A key that does not exist is an error that names the nearest one that does.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from longslope.errors import SettingsError, nearest

ENVIRONMENT_PREFIX = "LONGSLOPE_"
FILE_NAME = "longslope.toml"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, with its default. Suffixes say the unit: `_s` seconds, `_ms` milliseconds, `_bytes`."""

    home: Path = msgspec.field(default_factory=lambda: Path.home() / ".longslope")
    host: str = "127.0.0.1"
    port: int = 8080
    models: str = "lite"
    database_url: str = ""  # empty: SQLite in the home
    currency: str = "CNY"
    offline: bool = False  # true: never fetch weights

    max_body_bytes: int = 16 * 1024 * 1024
    body_timeout_s: float = 30.0
    max_messages: int = 2048
    max_connections: int = 4096
    heartbeat_s: float = 15.0
    drain_s: float = 30.0
    send_timeout_s: float = 60.0  # a client that takes no byte for so long has left

    project_concurrency: int = 64  # of a new project
    project_queue: int = 1024
    queue_deadline_ms: int = 60_000

    engine_slots: int = 4  # places of an embedded engine
    engine_context: int = 8192  # tokens of each place, at most the model's own
    engine_threads: int = 0  # of each embedded engine; 0: a fair share of the cores
    engine_replicas: int = 1
    engine_start_timeout_s: float = 120.0
    upstream_connect_timeout_s: float = 5.0
    upstream_first_byte_timeout_s: float = 120.0
    upstream_idle_timeout_s: float = 60.0

    usage_group: int = 256  # most rows written in one transaction

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
    otlp_endpoint: str = ""  # empty: no traces


class Effective(msgspec.Struct, frozen=True):
    """Settings, and for each field where its value came from: "default", a file, a variable or a flag."""

    settings: Settings
    origins: dict[str, str]

    def rows(self) -> list[tuple[str, str, str]]:
        """(name, value, origin) of every setting, for people to read. A database's password is left out."""
        return [(name, self._shown(name), self.origins[name]) for name in Settings.__struct_fields__]

    def _shown(self, name: str) -> str:
        value = str(getattr(self.settings, name))
        return re.sub(r"://([^:/@]*):.*@", r"://\1:…@", value)  # up to the last @, as URLs are read


def load(flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> Effective:
    """The effective settings.

    `flags` holds only what was given on the command line. Raises SettingsError for an unknown key, naming the
    nearest known one, and for a value of the wrong type or out of range.
    """
    environment = os.environ if environment is None else environment
    given_flags = {name: value for name, value in (flags or {}).items() if value is not None}
    from_environment = _read_environment(environment)
    home = Path(str(given_flags.get("home") or from_environment.get("home") or Settings().home)).expanduser()
    file = home / FILE_NAME
    from_file = _read_file(file)
    if "home" in from_file:
        raise SettingsError(
            f"{file}: home cannot be set in a file that lies in it. Use --home or {ENVIRONMENT_PREFIX}HOME.",
            param="home",
        )

    values: dict[str, Any] = {}
    origins = {name: "default" for name in Settings.__struct_fields__}
    layers: list[tuple[Mapping[str, Any], str]] = [
        (from_file, str(file)),
        (from_environment, "environment"),
        (given_flags, "flag"),
    ]
    for layer, origin in layers:
        for name, value in layer.items():
            if name not in origins:
                raise _unknown(name, origin)
            values[name] = value
            origins[name] = f"{ENVIRONMENT_PREFIX}{name.upper()}" if origin == "environment" else origin
    values["home"] = str(home.absolute())
    settings = _convert(values, origins)
    _check(settings, origins)
    return Effective(settings, origins)


def _unknown(name: str, origin: str) -> SettingsError:
    hint = nearest(name, Settings.__struct_fields__)
    if origin == "environment":
        return SettingsError(f"{ENVIRONMENT_PREFIX}{name.upper()} names no setting.{hint}", param=name)
    return SettingsError(f'{origin}: there is no setting "{name}".{hint}', param=name)


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not valid TOML: {error}. Mend or remove the file.") from error


# Variables of this prefix that mean something else than a setting.
_RESERVED = ("secret_", "test_", "hub_url", "weights_dir", "address", "api_key")


def _read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for variable, value in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if not name.startswith(_RESERVED):
            found[name] = value
    return found


def _convert(values: dict[str, Any], origins: Mapping[str, str]) -> Settings:
    types = Settings.__annotations__
    for name, value in values.items():
        try:  # one at a time, so that the message can name the setting and where it stands
            msgspec.convert({name: value}, Settings, strict=False, dec_hook=_as_path)
        except msgspec.ValidationError as error:
            raise SettingsError(
                f"{origins[name]}: {name} = {value!r} is not a {types[name]}: {error}", param=name
            ) from error
    return msgspec.convert(values, Settings, strict=False, dec_hook=_as_path)


def _as_path(_type: type, value: Any) -> Path:
    return Path(value)


def _check(settings: Settings, origins: Mapping[str, str]) -> None:
    for name in Settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        allowed_zero = name in ("engine_threads", "port", "project_queue")
        if not math.isfinite(value) or value < 0 or (value == 0 and not allowed_zero):
            raise SettingsError(f"{origins[name]}: {name} = {value} must be a number above 0.", param=name)
    if settings.port > 65_535:
        raise SettingsError(f"{origins['port']}: port = {settings.port} must be at most 65535.", param="port")
