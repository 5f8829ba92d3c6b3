"""The store: whether it opens, whether this program and it are of one age, and whether it is whole."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from longslope.catalog.snapshot import Snapshot, take
from longslope.cli.checks.check import Check, fail, ok, warn
from longslope.cli.home import as_it_is, has_store
from longslope.errors import SettingsError
from longslope.settings import Settings
from longslope.store.integrity import problems_of, revision_of
from longslope.store.migrate import HEAD, REVISIONS

_RESTORE = "Restore a backup: `longslope restore FILE --force`."


async def database(settings: Settings) -> tuple[Check, Snapshot | None]:
    """The check, and the catalog where it can be read."""
    if not has_store(settings):
        return ok("store", "none yet; the first `longslope up` makes it"), None
    try:
        return await _examine(settings)
    except SettingsError as error:
        return fail(
            "store", error.message, "Mend database_url; `longslope settings` says where it stands."
        ), None
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error)
        if settings.database_url:
            return fail(
                "store", f"cannot be reached: {reason}", "Start the database, or mend database_url."
            ), None
        return fail("store", f"cannot be read: {reason}", _RESTORE), None


async def _examine(settings: Settings) -> tuple[Check, Snapshot | None]:
    async with as_it_is(settings) as store:
        kind = "SQLite" if store.is_sqlite else "Postgres"
        revision = await revision_of(store)
        if revision is None:
            return ok("store", f"an empty {kind} database; the first `longslope up` fills it"), None
        if revision not in REVISIONS:
            found = f"it is of revision {revision}, and this longslope knows only up to {HEAD}"
            return fail("store", found, "Upgrade longslope."), None
        problems = await problems_of(store)
        if problems:
            return fail("store", f"it is damaged: {'; '.join(problems)}", _RESTORE), None
        if revision != HEAD:
            found = f"{kind} of revision {revision}, sound; this longslope wants {HEAD}"
            return warn("store", found, "Take a backup; the next `longslope up` migrates it."), None
        async with store.read() as connection:
            snapshot = await take(connection)
    return ok("store", f"{kind} of revision {revision}, sound"), snapshot
