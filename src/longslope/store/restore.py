"""Puts a backup into a home: checked whole in a folder beside, then exchanged piece by piece.

An archive is foreign matter until its manifest has vouched for it: only plain files with names that a backup
can have are taken. The exchange begins with one rename; whatever interrupts it, `finish_restore` completes
it. What the home held before is moved to `replaced-…`, never deleted.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tarfile
import zlib
from contextlib import closing
from pathlib import Path, PurePosixPath

import msgspec
import structlog

from longslope.errors import BackupError
from longslope.store.backup import DATABASE, DURABLE, FORMAT, MANIFEST, Manifest
from longslope.store.lock import HomeLock

_STAGING = "restore.staging"
_PENDING = "restore.pending"
_MOST_NAME = 1024
_BLOCK = 1 << 20
# A write-ahead log of the old database would be played into the new one.
_REPLACED = (f"{DATABASE}-wal", f"{DATABASE}-shm", *DURABLE)

log = structlog.get_logger(__name__)


def restore(archive: Path, home: Path, force: bool = False) -> Manifest:
    """Puts the backup `archive` into `home`, and returns what it held.

    Raises HomeInUse while longslope runs there; BackupError when the home has a database or files already and
    `force` is false, and when the archive is damaged, incomplete, or no backup. The home is then as it was.
    """
    with HomeLock(home):
        finish_restore(home)
        held = [name for name in DURABLE if (home / name).exists()]
        if held and not force:
            raise BackupError(
                f"The home {home} is not empty: it has {', '.join(held)}. Choose another with `--home DIR`, "
                "or give `--force` to move them aside."
            )
        staging = home / _STAGING
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        try:
            manifest = _unpack(archive, staging)
            _check_database(archive, staging / DATABASE)
            os.sync()  # the archive's files are on the disk before anything makes way for them
            staging.rename(home / _PENDING)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        finish_restore(home)
    return manifest


def finish_restore(home: Path) -> bool:
    """Completes a restore that was interrupted, and tells whether there was one. The home must be locked."""
    pending = home / _PENDING
    if not pending.is_dir():
        return False
    manifest = msgspec.json.decode((pending / MANIFEST).read_bytes(), type=Manifest)
    given = {PurePosixPath(name).parts[0] for name in manifest.files}
    # Named by the manifest's age, so that it is the same folder when this is interrupted and begins anew.
    aside = home / f"replaced-{(pending / MANIFEST).stat().st_mtime_ns}"
    for name in _REPLACED:
        old, new = home / name, pending / name
        if os.path.lexists(old) and (name not in given or new.exists()):
            aside.mkdir(mode=0o700, exist_ok=True)
            old.rename(aside / name)
        if new.exists():
            new.rename(old)
    os.sync()
    pending.rename(home / _STAGING)  # from here on nothing is pending, whatever is left to be swept up
    shutil.rmtree(home / _STAGING)
    log.info("restored", home=str(home), replaced=str(aside) if aside.exists() else None)
    return True


def _unpack(archive: Path, staging: Path) -> Manifest:
    sums: dict[str, str] = {}
    encoded: bytes | None = None
    try:
        with tarfile.open(archive, "r|gz") as members:
            for member in members:
                name = _checked_name(archive, member)
                file = staging / name
                _make_folders(staging, file.parent)
                sums[name] = _extract(members, member, file)
                if name == MANIFEST:
                    encoded = file.read_bytes()
    except FileNotFoundError as error:
        raise BackupError(f"There is no file {archive}.") from error
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise BackupError(
            f"{archive} is damaged or no backup of longslope: {error}. Take another one."
        ) from error
    except OSError as error:
        raise BackupError(f"{archive} could not be unpacked: {error}. Mend that and try again.") from error
    if encoded is None:
        raise BackupError(f"{archive} has no {MANIFEST}: it was cut off, or is no backup. Take another one.")
    return _vouched(archive, encoded, sums)


def _vouched(archive: Path, encoded: bytes, sums: dict[str, str]) -> Manifest:
    try:
        manifest = msgspec.json.decode(encoded, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError(
            f"The {MANIFEST} of {archive} cannot be read: {error}. Take another backup."
        ) from error
    if manifest.format > FORMAT:
        raise BackupError(
            f"{archive} has format {manifest.format}, made by longslope {manifest.program}; this longslope "
            f"reads up to {FORMAT}. Upgrade longslope."
        )
    del sums[MANIFEST]
    for name in sorted({*sums, *manifest.files}):
        if sums.get(name) != manifest.files.get(name):
            raise BackupError(
                f'In {archive} the file "{name}" is not the one that its {MANIFEST} names: it was changed or '
                "damaged. Take another backup."
            )
    if DATABASE not in sums:
        raise BackupError(f"{archive} holds no {DATABASE}, so it is no backup of longslope.")
    return manifest


def _checked_name(archive: Path, member: tarfile.TarInfo) -> str:
    """The member's path, if a backup of ours can have it: a plain file at a durable place, by no detour."""
    path = PurePosixPath(member.name)
    if (
        not member.isreg()
        or member.issparse()
        or len(member.name) > _MOST_NAME
        or path.is_absolute()
        or ".." in path.parts
        or "\x00" in member.name
        or str(path) != member.name
        or path.parts[0] not in (*DURABLE, MANIFEST)
    ):
        raise BackupError(
            f"{archive} holds {member.name[:200]!r}, which no backup of longslope has (a link, a device, or "
            "a place outside the home). It was not unpacked."
        )
    return member.name


def _make_folders(staging: Path, folder: Path) -> None:
    """Makes the folders from `staging` down to `folder`, each for the owner alone."""
    for each in (*reversed(folder.parents), folder):
        if staging in each.parents:
            each.mkdir(mode=0o700, exist_ok=True)


def _extract(members: tarfile.TarFile, member: tarfile.TarInfo, file: Path) -> str:
    """Writes the member to `file`, which must not exist, and returns its SHA-256."""
    source = members.extractfile(member)
    assert source is not None, "plain files have contents"  # noqa: S101 - for the type checker
    total = hashlib.sha256()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        while block := source.read(_BLOCK):
            total.update(block)
            out.write(block)
    return total.hexdigest()


def _check_database(archive: Path, database: Path) -> None:
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            found = connection.execute("PRAGMA integrity_check(3)").fetchall()
    except sqlite3.Error as error:
        found = [(str(error),)]
    if found != [("ok",)]:
        problems = "; ".join(str(problem) for (problem,) in found)
        raise BackupError(f"The database in {archive} is damaged: {problems}. Take another backup.")
