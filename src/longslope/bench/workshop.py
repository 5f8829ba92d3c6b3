"""Where a benchmark works: homes of its own under the user's home, so that disk and weights are the user's
and data are not.

A home for one measurement lies in `HOME/cache/bench/`, on the disk that usage would be written to, and shares
`HOME/models/`; it is removed afterwards. What the rival needs stays in the cache for the next time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from longslope.settings import ENVIRONMENT_PREFIX, Settings


class Workshop(msgspec.Struct, frozen=True):
    """The folders of a benchmark, all under the user's `home`."""

    home: Path

    @property
    def cache(self) -> Path:
        """What may be kept from one benchmark to the next."""
        return self.home / "cache" / "bench"

    @property
    def models(self) -> Path:
        """The user's weights."""
        return self.home / "models"

    @contextmanager
    def fresh_home(self) -> Generator[Path]:
        """An empty home with the user's weights."""
        self.cache.mkdir(parents=True, exist_ok=True)
        self.models.mkdir(parents=True, exist_ok=True)
        home = Path(tempfile.mkdtemp(prefix="home-", dir=self.cache))
        try:
            (home / "models").symlink_to(self.models.absolute())
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)


def plain_environment(**settings: object) -> dict[str, str]:
    """This process' environment with just the given settings: a user's own would change what is measured."""
    known = {ENVIRONMENT_PREFIX + name.upper() for name in Settings.__struct_fields__}
    kept = {name: value for name, value in os.environ.items() if name not in known}
    return {**kept, **{ENVIRONMENT_PREFIX + name.upper(): str(value) for name, value in settings.items()}}
