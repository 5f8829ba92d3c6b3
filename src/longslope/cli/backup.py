"""`longslope backup`: a home in one file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from longslope.cli.home import Home, as_it_is, has_store, settings_of
from longslope.cli.screen import size
from longslope.errors import BackupError
from longslope.settings import Settings


def backup(
    file: Path,
    /,
    *,
    force: Annotated[bool, Parameter(negative="", help="Overwrite FILE if it is there.")] = False,
    home: Home = None,
) -> None:
    """Writes everything durable but the weights into one file, while longslope runs.

    The file holds admin.key and upstreams' secrets: keep it as you keep those.
    `longslope restore` reads it back.

        longslope backup longslope-monday.tar.gz
        longslope backup /mnt/backups/longslope.tar.gz --force --home /srv/longslope
    """
    settings = settings_of(home)
    _check(file, settings, force=force)
    files = asyncio.run(_backup(file, settings))
    print(f"{file}: {files} files, {size(file.stat().st_size)}. Weights are not in it.")


def _check(file: Path, settings: Settings, *, force: bool) -> None:
    if file.is_dir():
        raise BackupError(f"{file} is a folder. Name a file, such as {file / 'longslope.tar.gz'}.")
    if file.exists() and not force:
        raise BackupError(f"{file} is there already. Choose another name, or overwrite it with --force.")
    if not has_store(settings):
        raise BackupError(
            f"There is nothing to back up: no longslope has run on the home {settings.home}. "
            "Name another with --home."
        )


async def _backup(file: Path, settings: Settings) -> int:
    from longslope.store import backup as archive

    # Not migrated before: a backup is what one wants in hand when a new version is about to do that.
    async with as_it_is(settings) as store:
        manifest = await archive.backup(store, settings.home, file)
    return len(manifest.files)
