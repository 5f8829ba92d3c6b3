from __future__ import annotations

import asyncio
import io
import sqlite3
import stat
import tarfile
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from longslope.errors import BackupError, HomeInUse
from longslope.store.backup import Manifest, backup
from longslope.store.database import Store, sqlite_url
from longslope.store.lock import HomeLock
from longslope.store.migrate import migrate
from longslope.store.restore import finish_restore, restore
from longslope.store.usage import append_group
from tests.integration.store.samples import usage_row

FILES = {
    "longslope.toml": b"port = 8081\n",
    "admin.key": b"ls-secret\n",
    "secrets.json": b'{"cloud": "s"}',
    "files/a.bin": bytes(range(256)) * 5_000,
    "files/deep/er/empty": b"",
    "ledger/records.jsonl": b'{"origin": "person"}\n' * 40,
    "knowledge/tables/part 1.lance": b"vectors",
}


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """A home with a few rows, files of every kind, and weights."""
    home = tmp_path / "home"
    for name, content in (FILES | {"models/lite.gguf": b"weights" * 1_000, "tmp/left": b"over"}).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    return home


@pytest.fixture
async def running(home: Path) -> AsyncIterator[Store]:
    """The home's store, in use."""
    store = Store(sqlite_url(home / "longslope.db"))
    await migrate(store)
    await append_group(store, [usage_row(id=f"req-{number}") for number in range(50)])
    yield store
    await store.close()


@pytest.fixture
async def archive(running: Store, home: Path, tmp_path: Path) -> Path:
    """A good backup of `home`."""
    target = tmp_path / "backup.tar.gz"
    await backup(running, home, target)
    return target


def content_of(home: Path) -> dict[str, bytes]:
    """The home's durable files by path, but for the database."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.name not in ("longslope.lock", "longslope.db")
    }


def request_ids(database: Path) -> set[str]:
    with sqlite3.connect(database) as connection:
        return {found for (found,) in connection.execute("SELECT id FROM usage")}


def rewrite(archive: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Changes an archive's members; the manifest is then made to vouch for them."""
    with tarfile.open(archive) as members:
        files = {each.name: members.extractfile(each).read() for each in members}  # type: ignore[union-attr]
    manifest = msgspec.json.decode(files.pop("manifest.json"), type=Manifest)
    change(files)
    sums = {name: sha256(content).hexdigest() for name, content in files.items()}
    files.setdefault("manifest.json", msgspec.json.encode(msgspec.structs.replace(manifest, files=sums)))
    pack(archive, files)


def pack(archive: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w:gz") as members:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))


async def test_a_backup_brings_everything_back_but_the_weights(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    manifest = restore(archive, other)
    assert content_of(other) == FILES
    assert request_ids(other / "longslope.db") == {f"req-{number}" for number in range(50)}
    assert (manifest.revision, set(manifest.files)) == ("001", {*FILES, "longslope.db"})
    store = Store(sqlite_url(other / "longslope.db"))
    await migrate(store)
    await append_group(store, [usage_row()])
    await store.close()


async def test_a_backup_and_what_it_restores_is_for_the_owner_alone(archive: Path, tmp_path: Path) -> None:
    restore(archive, tmp_path / "other")
    for path in (archive, *(tmp_path / "other").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_a_backup_while_rows_arrive_is_of_one_moment(
    running: Store, home: Path, tmp_path: Path
) -> None:
    target, acknowledged = tmp_path / "backup.tar.gz", 0
    enough = asyncio.Event()

    async def write() -> None:
        nonlocal acknowledged
        while True:
            await append_group(running, [usage_row(id=f"new-{acknowledged}-{n}") for n in range(8)])
            acknowledged += 1
            enough.set()

    writer = asyncio.create_task(write())
    await enough.wait()
    before = acknowledged
    await backup(running, home, target)
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    restore(target, tmp_path / "other")
    kept = {found for found in request_ids(tmp_path / "other" / "longslope.db") if found.startswith("new")}
    groups = len(kept) // 8
    assert kept == {f"new-{group}-{n}" for group in range(groups) for n in range(8)}  # whole groups, no gap
    assert groups >= before


async def test_links_are_left_out_of_a_backup(running: Store, home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "shadow").write_text("not yours")
    (home / "files" / "link").symlink_to(secret / "shadow")
    (home / "files" / "folder").symlink_to(secret)
    (home / "secrets.json").unlink()
    (home / "secrets.json").symlink_to(secret / "shadow")
    manifest = await backup(running, home, tmp_path / "backup.tar.gz")
    assert set(manifest.files) == {*FILES, "longslope.db"} - {"secrets.json"}


async def test_a_backup_that_cannot_be_written_leaves_nothing(
    running: Store, home: Path, tmp_path: Path
) -> None:
    for target in (tmp_path / "none" / "backup.tar.gz", home / "files" / "backup.tar.gz", home / "files"):
        before = {path for path in tmp_path.rglob("*") if "longslope.db" not in path.name}
        with pytest.raises(BackupError, match=r"backup|files"):
            await backup(running, home, target)
        assert {path for path in tmp_path.rglob("*") if "longslope.db" not in path.name} == before


async def test_a_home_without_a_database_is_not_given_one(home: Path, tmp_path: Path) -> None:
    store = Store(sqlite_url(home / "longslope.db"))
    with pytest.raises(BackupError, match="unable to open"):
        await backup(store, home, tmp_path / "backup.tar.gz")
    assert not (home / "longslope.db").exists()
    await store.close()


async def test_postgres_is_told_its_own_tool_without_the_password(tmp_path: Path) -> None:
    store = Store("postgresql+asyncpg://snow:geheim@db.example/longslope")
    with pytest.raises(BackupError) as raised:
        await backup(store, tmp_path, tmp_path / "backup.tar.gz")
    assert "pg_dump" in raised.value.message
    assert "postgresql://snow@db.example/longslope" in raised.value.message
    assert "geheim" not in raised.value.message
    await store.close()


async def test_a_home_in_use_is_not_restored_into(archive: Path, home: Path) -> None:
    with HomeLock(home), pytest.raises(HomeInUse):
        restore(archive, home, force=True)
    assert request_ids(home / "longslope.db")


async def test_a_home_with_anything_in_it_needs_force(archive: Path, home: Path) -> None:
    before = content_of(home)
    with pytest.raises(BackupError, match=r"not empty: it has longslope\.db.*--force"):
        restore(archive, home)
    assert content_of(home) == before


async def test_force_moves_the_old_aside_with_its_log(running: Store, archive: Path, home: Path) -> None:
    await append_group(running, [usage_row(id="req-later")])
    assert (
        (home / "longslope.db-wal").stat().st_size
    )  # the row is in the log, and must not come back from there
    (home / "files" / "later").write_text("x")
    (home / "ledger" / "records.jsonl").unlink()
    restore(archive, home, force=True)
    await running.close()
    assert "req-later" not in request_ids(home / "longslope.db")
    [aside] = home.glob("replaced-*")
    assert "req-later" in request_ids(aside / "longslope.db")
    assert (aside / "files" / "later").read_text() == "x"
    assert {name: (home / name).read_bytes() for name in FILES} == FILES
    assert not (home / "files" / "later").exists()
    assert (home / "models" / "lite.gguf").read_bytes() == b"weights" * 1_000


async def test_what_the_backup_lacks_does_not_stay_behind(archive: Path, home: Path) -> None:
    rewrite(archive, lambda files: [files.pop(name) for name in list(files) if "knowledge" in name])
    restore(archive, home, force=True)
    assert not (home / "knowledge").exists()
    assert len(list(home.glob("replaced-*/knowledge/tables/*"))) == 1


@pytest.mark.parametrize("moves", range(18))
async def test_a_restore_that_is_cut_off_is_completed_later(
    archive: Path, home: Path, moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(archive, lambda files: files.pop("secrets.json"))
    rename, done = Path.rename, 0

    def failing_rename(path: Path, target: Path) -> Path:
        nonlocal done
        if done == moves:
            raise KeyboardInterrupt
        done += 1
        return rename(path, target)

    with monkeypatch.context() as cut:
        cut.setattr(Path, "rename", failing_rename)
        try:
            restore(archive, home, force=True)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
    assert interrupted == (moves < 17), done  # or raise the number of cuts
    finish_restore(home)
    assert not finish_restore(home)
    if moves == 0:  # nothing had begun
        assert {name: (home / name).read_bytes() for name in FILES} == FILES
        assert not list(home.glob("replaced-*"))
        return
    assert {name for name in FILES if (home / name).exists()} == {*FILES} - {"secrets.json"}
    assert request_ids(home / "longslope.db") == {f"req-{number}" for number in range(50)}
    [aside] = home.glob("replaced-*")
    assert {name for name in FILES if (aside / name).exists()} == {*FILES}
    assert request_ids(aside / "longslope.db")


async def test_a_damaged_archive_is_refused_and_the_home_left_alone(archive: Path, tmp_path: Path) -> None:
    good, other = archive.read_bytes(), tmp_path / "other"
    damaged = [
        good[: len(good) // 2],
        good[:10],
        b"",
        b"no archive at all" * 100,
        good[:5_000] + bytes(64) + good[5_064:],
        good[:-2_000],
    ]
    for content in damaged:
        archive.write_bytes(content)
        with pytest.raises(BackupError, match=r"backup\.tar\.gz"):
            restore(archive, other)
        assert content_of(other) == {}
        assert not (other / "longslope.db").exists()
    with pytest.raises(BackupError, match="no file"):
        restore(tmp_path / "none.tar.gz", other)


def _break_database(files: dict[str, bytes]) -> None:
    whole = bytearray(files["longslope.db"])
    whole[4096 * 2 : 4096 * 4] = b"\xa5" * 8192
    files["longslope.db"] = bytes(whole)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_break_database, "damaged"),
        (lambda files: files.update({"longslope.db": b"not a database" * 500}), "damaged"),
        (lambda files: files.pop("longslope.db"), "no longslope.db"),
        (lambda files: files.update({"manifest.json": b"{}"}), "manifest"),
        (lambda files: files.update({"files/../../up": b""}), "place outside"),
        (lambda files: files.update({"../up": b""}), "place outside"),
        (lambda files: files.update({"/etc/up": b""}), "place outside"),
        (lambda files: files.update({"models/x.gguf": b""}), "place outside"),
        (lambda files: files.update({"files//x": b""}), "place outside"),
        (lambda files: files.update({"longslope.lock": b""}), "place outside"),
        (lambda files: files.update({"longslope.db-wal": b""}), "place outside"),
        (lambda files: files.update({"files/" + "x" * 300: b""}), "too long"),
        (lambda files: files.update({"files/a.bin/x": b""}), "could not be unpacked"),
    ],
)
async def test_an_archive_that_no_backup_made_is_refused(
    archive: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], named: str
) -> None:
    rewrite(archive, change)
    before = {path for path in tmp_path.rglob("*") if "other" not in path.parts}
    with pytest.raises(BackupError, match=named):
        restore(archive, tmp_path / "other")
    assert content_of(tmp_path / "other") == {}
    assert {path for path in tmp_path.rglob("*") if "other" not in path.parts} == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
async def test_links_and_devices_are_refused(archive: Path, tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(archive, "w:gz") as members:
        member = tarfile.TarInfo("files/x")
        member.type, member.linkname = kind, "../../outside"
        members.addfile(member)
    with pytest.raises(BackupError, match="a link, a device"):
        restore(archive, tmp_path / "other")
    assert content_of(tmp_path / "other") == {}


async def test_a_file_given_twice_or_unlike_its_sum_is_refused(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as members:
        files = {each.name: members.extractfile(each).read() for each in members}  # type: ignore[union-attr]
    pack(archive, files | {"ledger/records.jsonl": b"forged"})
    with pytest.raises(BackupError, match=r"ledger/records.jsonl"):
        restore(archive, tmp_path / "other")
    pack(archive, {name: content for name, content in files.items() if name != "admin.key"})
    with pytest.raises(BackupError, match=r"admin\.key"):
        restore(archive, tmp_path / "other")
    with tarfile.open(archive, "w:gz") as members:
        for _ in range(2):
            members.addfile(tarfile.TarInfo("files/x"))
    with pytest.raises(BackupError, match="could not be unpacked"):
        restore(archive, tmp_path / "other")


async def test_an_archive_of_a_later_format_is_named(archive: Path, tmp_path: Path) -> None:
    def later(files: dict[str, bytes]) -> None:
        manifest = Manifest(format=2, program="9.0", revision="400", created_ms=1, files={})
        files["manifest.json"] = msgspec.json.encode(manifest)

    rewrite(archive, later)
    with pytest.raises(BackupError, match=r"format 2.*longslope 9\.0.*Upgrade"):
        restore(archive, tmp_path / "other")
