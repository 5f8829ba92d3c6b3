"""A backup: everything durable in a home but the weights, in one archive, taken while longslope runs.

The archive is a gzipped tar of plain files with `manifest.json` last: what made it, and the SHA-256 of each
file. An archive without it was cut off. `longslope.store.restore` reads it back.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import sqlite3
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog
from sqlalchemy.engine import URL, make_url

from longslope.clock import clock
from longslope.errors import BackupError
from longslope.store.database import Store
from longslope.store.opening import FILE_NAME as DATABASE

MANIFEST = "manifest.json"
FORMAT = 1
DURABLE = (DATABASE, "longslope.toml", "admin.key", "secrets.json", "files", "ledger", "knowledge")
"""What a home keeps for ever, but for `models/`, whose weights can be pulled again."""

log = structlog.get_logger(__name__)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds: `files` are SHA-256 sums by path."""

    format: int
    program: str
    revision: str
    created_ms: int
    files: dict[str, str]


async def backup(store: Store, home: Path, target: Path) -> Manifest:
    """Writes a backup of `home` to `target`, readable by its owner alone, and returns what it holds.

    The database is copied as of one moment, then the files, so that every file which the copy names is in the
    archive. `target` appears only when it is whole. Raises BackupError on Postgres, whose own tools make its
    backups, and where `target` cannot be written.
    """
    if store.file is None:
        raise BackupError(
            "longslope backs up SQLite only, and this store is Postgres. Run "
            f"`pg_dump --format=custom --file=longslope.pgdump '{_without_password(store.url)}'`, and copy "
            f"{', '.join(DURABLE[1:])} from {home}."
        )
    return await asyncio.to_thread(_backup, store.file, home, target)


def _backup(database: Path, home: Path, target: Path) -> Manifest:
    home, target = home.absolute(), target.absolute()
    if home in target.parents and target.relative_to(home).parts[0] in DURABLE:
        raise BackupError(f"The backup {target} would be part of itself. Choose a place outside {home}.")
    part = target.with_name(f"{target.name}.part")
    scratch = home / "tmp"
    try:
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="backup-", dir=scratch) as made:
            copy = Path(made) / DATABASE
            revision = _copy(database, copy)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                os.fchmod(descriptor, 0o600)
                manifest = _pack(out, copy, revision, home)
                out.flush()
                os.fsync(out.fileno())
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise BackupError(
            f"The backup {target} could not be written: {error}. Mend that, or choose another place."
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return manifest


def _copy(database: Path, copy: Path) -> str:
    """Copies the database as of one moment, while others write to it, and returns its revision."""
    address = f"{database.absolute().as_uri()}?mode=rw"  # never make one where there is none
    with closing(sqlite3.connect(address, uri=True, timeout=60, isolation_level=None)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))
        (revision,) = source.execute("SELECT version_num FROM alembic_version").fetchone()
    return revision


def _pack(out: BinaryIO, database: Path, revision: str, home: Path) -> Manifest:
    sums: dict[str, str] = {}
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as archive:
        with database.open("rb") as source:
            sums[DATABASE] = _add(archive, DATABASE, source)
        for name in _files(home):
            try:
                descriptor = os.open(home / name, os.O_RDONLY | os.O_NOFOLLOW)
            except FileNotFoundError:
                continue  # removed since the folder was read
            with os.fdopen(descriptor, "rb") as source:
                sums[name] = _add(archive, name, source)
        manifest = Manifest(
            format=FORMAT,
            program=version("longslope"),
            revision=revision,
            created_ms=clock.now_ms(),
            files=sums,
        )
        encoded = msgspec.json.format(msgspec.json.encode(manifest))
        archive.addfile(_member(MANIFEST, len(encoded)), io.BytesIO(encoded))
    return manifest


def _files(home: Path) -> Iterator[str]:
    """The paths of the durable files, relative to `home`; what is neither file nor folder is left out, and
    logged.
    """
    for name in DURABLE:
        if name == DATABASE:
            continue
        top = home / name
        if top.is_dir() and not top.is_symlink():
            for folder, folders, files in os.walk(top):
                folders.sort()
                for each in sorted([*files, *(f for f in folders if (Path(folder) / f).is_symlink())]):
                    yield from _plain(home, Path(folder) / each)
        else:
            yield from _plain(home, top)


def _plain(home: Path, path: Path) -> Iterator[str]:
    name = path.relative_to(home).as_posix()
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISREG(mode):
        yield name
    else:
        log.warning("backup_leaves_out", path=name, reason="neither a file nor a folder")


class _Hashing:
    """A file that sums up what is read of it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.sum = hashlib.sha256()

    def read(self, length: int = -1, /) -> bytes:
        block = self._source.read(length)
        self.sum.update(block)
        return block


def _add(archive: tarfile.TarFile, name: str, source: BinaryIO) -> str:
    """Adds as much of the file as it has now (it may be growing), and returns the SHA-256 of that."""
    hashing = _Hashing(source)
    archive.addfile(_member(name, os.fstat(source.fileno()).st_size), hashing)
    return hashing.sum.hexdigest()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, clock.now_ms() // 1000
    return member


def _without_password(url: str) -> str:
    whole = make_url(url)
    return URL.create(
        "postgresql", username=whole.username, host=whole.host, port=whole.port, database=whole.database
    ).render_as_string()
