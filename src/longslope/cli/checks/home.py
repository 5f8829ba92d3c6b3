"""The home: whether it can be written, whether there is room, and whether its weights are there and whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from longslope.catalog.checksum import require_unchanged, verify
from longslope.catalog.family import FAMILY, expand_models
from longslope.cli.checks.check import Check, fail, ok, warn
from longslope.cli.family import Row
from longslope.cli.screen import size
from longslope.errors import WeightsError
from longslope.settings import Settings

_LITTLE_BYTES = 200_000_000  # below, usage and logs may soon find the disk full
_ROOM_BYTES = 1_000_000_000
_ELSEWHERE = "Choose another home with --home or LONGSLOPE_HOME"


def writable(settings: Settings) -> Check:
    """Whether the home, or the folder it would be made in, takes files."""
    home = settings.home
    place = _existing(home)
    if not place.is_dir():
        return fail("home", f"{place} is no folder", f"{_ELSEWHERE}.")
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".longslope-doctor-"):
            pass
    except OSError as error:
        return fail(
            "home", f"{place} cannot be written: {error.strerror}", f"{_ELSEWHERE}, or mend its rights."
        )
    if place != home:
        return ok("home", f"{home} is not there yet; `longslope up` makes it")
    mode = home.stat().st_mode & 0o077
    if mode and home.stat().st_uid == os.getuid():
        return warn(
            "home", f"{home} can be read by others", f"Keep its keys to yourself: `chmod 700 {home}`."
        )
    return ok("home", f"{home} can be written")


def room(settings: Settings) -> Check:
    """Free space, against the weights that are still to be pulled."""
    free = shutil.disk_usage(_existing(settings.home)).free
    models_dir = settings.home / "models"
    chosen = [FAMILY[name].weights for name in expand_models(settings.models)]
    missing = sum(spec.bytes for spec in chosen if not (models_dir / spec.filename).is_file())
    found = f"{size(free)} free" + (f"; {size(missing)} of weights are to be pulled" if missing else "")
    cure = f"Free some room. {_ELSEWHERE}."
    figures = {"free_bytes": free, "missing_bytes": missing}
    if free < _LITTLE_BYTES or free < missing:
        return fail("disk", found, cure, **figures)
    if free < missing + _ROOM_BYTES:
        return warn("disk", found, cure, **figures)
    return ok("disk", found, **figures)


def weights(row: Row, settings: Settings) -> Check:
    """One model's weights: there, and of the right sum. Reads those that have not been verified yet."""
    name = f"weights of {row.name}"
    match row.weights:
        case "pulled":
            return ok(name, f"pulled, {size(row.bytes or 0)}")
        case "here":
            return _unchanged(name, row)
        case "missing":
            cure = f"Put the file back, or take the model out: `longslope models remove {row.name}`."
            return fail(name, f"{row.place} is missing", cure)
        case "not verified":
            return _verified(name, row)
        case _:
            cure = f"Run `longslope models pull {row.name}`"
            if settings.offline:
                return fail(name, f"{row.weights}, and offline is set", f"{cure} where there is a network.")
            return warn(name, row.weights, f"{cure}, or let `longslope up` do it.")


def _unchanged(name: str, row: Row) -> Check:
    try:
        require_unchanged(Path(row.place), row.sha256 or "", row.mtime_ns)
    except WeightsError as error:
        cure = (
            f"Put the file back, or add this one as a version: `longslope models add {row.name} {row.place}`."
        )
        return fail(name, error.message, cure)
    return ok(name, f"{row.place}, {size(row.bytes or 0)}")


def _verified(name: str, row: Row) -> Check:
    path = Path(row.place)
    sha256 = row.sha256 or ""
    try:
        verify(path, sha256)
    except WeightsError as error:
        return fail(name, error.message, f"Run `longslope models pull {row.name}`.")
    return ok(name, f"pulled and verified now, {size(path.stat().st_size)}")


def _existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
