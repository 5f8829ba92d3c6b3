"""From the settings to the store: SQLite in the home, or what `database_url` names."""

from __future__ import annotations

from sqlalchemy.exc import ArgumentError

from longslope.errors import SettingsError
from longslope.settings import Settings
from longslope.store.database import Store, sqlite_url

FILE_NAME = "longslope.db"


def open_store(settings: Settings) -> Store:
    """The store that the settings name; not connected yet. Raises SettingsError."""
    try:
        return Store(settings.database_url or sqlite_url(settings.home / FILE_NAME))
    except (ArgumentError, ModuleNotFoundError) as error:
        raise unusable(f"used: {error}.") from error


def unusable(reason: str) -> SettingsError:
    """What is wrong with the setting `database_url`."""
    return SettingsError(
        f"The database that database_url names cannot be {reason} Write it like "
        "postgresql+asyncpg://USER:PASSWORD@HOST/NAME, or leave it out.",
        param="database_url",
    )
