"""`longslope up`: fetch what is missing, then serve until told to stop."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from longslope.cli.screen import pull_with_progress
from longslope.logs import configure_logs
from longslope.settings import Effective, Settings, load


def up(
    *,
    host: str | None = None,
    port: int | None = None,
    home: Path | None = None,
    models: Annotated[str | None, Parameter(help="mini, lite, family, or names with commas between")] = None,
    offline: Annotated[bool | None, Parameter(negative="")] = None,
) -> None:
    """Starts the platform: models, API and console, at one address.

    Fetches weights that are missing, prints the address when it is ready, and
    serves until Ctrl-C or SIGTERM; requests that run then are answered first.

        longslope up
        longslope up --models family --port 9000
        longslope up --host 0.0.0.0 --home /srv/longslope
    """
    effective = load({"host": host, "port": port, "home": home, "models": models, "offline": offline})
    settings = effective.settings
    configure_logs(settings)
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)

    from longslope.store.lock import HomeLock
    from longslope.store.restore import finish_restore

    with HomeLock(settings.home):
        finish_restore(settings.home)
        _fetch_missing(settings)
        _run(effective)


def _fetch_missing(settings: Settings) -> None:
    from longslope.catalog.family import FAMILY, expand_models
    from longslope.catalog.weights import is_verified

    models_dir = settings.home / "models"
    for name in expand_models(settings.models):
        weights = FAMILY[name].weights
        if is_verified(models_dir / weights.filename, weights):
            continue
        # Offline, weights that somebody laid here by hand are checked and taken; nothing is fetched.
        pull_with_progress(name, weights, models_dir, sources=("path",) if settings.offline else None)


def _run(effective: Effective) -> None:
    import uvloop

    from longslope.app import serve

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(effective, _announce))


def _announce(address: str) -> None:
    print(f"longslope is ready: {address}", flush=True)
    if sys.stdout.isatty():
        print("Open it in a browser, or point an OpenAI SDK at it. Ctrl-C stops it.", flush=True)
