"""`longslope restore`: a home out of a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from longslope.cli.home import Home, settings_of
from longslope.cli.moments import shown
from longslope.errors import BackupError


def restore(
    file: Path,
    /,
    *,
    force: Annotated[bool, Parameter(negative="", help="Move aside what the home holds now.")] = False,
    home: Home = None,
) -> None:
    """Puts a backup into a home that no longslope runs on.

    The file is checked whole before anything in the home is touched. What
    --force moves aside lies in the home's folder replaced-…; nothing is deleted.

        longslope restore longslope-monday.tar.gz --home /srv/longslope
        longslope restore longslope-monday.tar.gz --force
    """
    settings = settings_of(home)
    if not file.is_file():
        raise BackupError(f"There is no file {file}. Name a file that `longslope backup` wrote.")
    if settings.database_url:
        raise BackupError(
            "The setting database_url names a database of its own, and a backup holds a SQLite file. Restore "
            "that database with its own tools, or take the setting away."
        )

    from longslope.store import restore as archive

    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    manifest = archive.restore(file, settings.home, force)
    made = shown(manifest.created_ms)
    print(
        f"{settings.home}: {len(manifest.files)} files, as longslope {manifest.program} had them at {made}."
    )
    print("Weights are not in a backup; `longslope up` fetches what is missing.")
