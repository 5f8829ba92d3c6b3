"""The home that a command works on: its settings, its logs and its store.

Commands that manage open the store themselves, whether or not a longslope runs on this home: a running one
looks for changes once a second.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from longslope.settings import Effective, Settings, load

if TYPE_CHECKING:
    from longslope.store.database import Store

Home = Annotated[Path | None, Parameter(help="The home, if not LONGSLOPE_HOME or ~/.longslope.")]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="JSON, for programs.")]


def settings_of(home: Path | None) -> Settings:
    """The settings in force on this home. Sends logs to stderr, and only warnings where no level is set."""
    from longslope.logs import configure_logs

    effective = load({"home": home})
    configure_logs(_quiet(effective))
    return effective.settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Store]:
    """The store, made where there is none and brought up to date. Raises what `migrate` raises."""
    from longslope.store.migrate import migrate
    from longslope.store.opening import unusable

    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with as_it_is(settings) as store:
        try:
            await migrate(store)
        except OSError as error:
            if settings.database_url:
                raise unusable(f"reached: {error}. See that it runs.") from error
            raise
        yield store


@asynccontextmanager
async def opened_if_any(settings: Settings) -> AsyncGenerator[Store | None]:
    """As `opened`, or None where there is no database yet: to look at a mistyped home must not make one."""
    if not has_store(settings):
        yield None
        return
    async with opened(settings) as store:
        yield store


@asynccontextmanager
async def as_it_is(settings: Settings) -> AsyncGenerator[Store]:
    """The store, of whatever age. Raises SettingsError for a database_url that names none."""
    from longslope.store.opening import open_store

    store = open_store(settings)
    try:
        yield store
    finally:
        await store.close()


def has_store(settings: Settings) -> bool:
    """Whether there is a database, so far as can be told without opening it."""
    from longslope.store.backup import DATABASE

    return bool(settings.database_url) or (settings.home / DATABASE).exists()


def _quiet(effective: Effective) -> Settings:
    if effective.origins["log_level"] != "default":
        return effective.settings
    return msgspec.structs.replace(effective.settings, log_level="warning")
