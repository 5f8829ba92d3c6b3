"""What a home needs before anyone can call: a first project, its admin's key in `admin.key`, and a
cookie secret.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from longslope.clock import clock, new_id
from longslope.settings import Settings
from longslope.store import keys, projects
from longslope.store.database import Store
from longslope.store.keys import Key
from longslope.store.projects import Project

DEFAULT_PROJECT = "default"


async def ensure_first_key(store: Store, home: Path, settings: Settings) -> str:
    """The id of the key in admin.key; makes the first project and key where there are none.

    A key that was revoked or has expired is replaced: who can read the home may always come in again.
    """
    file = home / "admin.key"
    secret = file.read_text("utf-8").strip() if file.exists() else ""
    async with store.write() as connection:
        known = await keys.find_key(connection, keys.hash_secret(secret)) if secret else None
        if known is not None and _opens(known):
            return known.id
        named = {project.name: project for project in await projects.list_projects(connection)}
        project = named.get(DEFAULT_PROJECT)
        if project is None:
            project = Project(
                id=new_id("proj"),
                name=DEFAULT_PROJECT,
                trace="metadata",
                max_concurrency=settings.project_concurrency,
                max_queue=settings.project_queue,
                queue_deadline_ms=settings.queue_deadline_ms,
                created_ms=clock.now_ms(),
            )
            await projects.insert_project(connection, project)
        secret = keys.new_secret()
        key = Key(
            id=new_id("key"),
            project_id=project.id,
            name="admin",
            sha256=keys.hash_secret(secret),
            hint=keys.hint(secret),
            role="admin",
            created_ms=clock.now_ms(),
        )
        # The file first: a key that is stored and written nowhere could never be used.
        _write_private(file, secret.encode() + b"\n")
        await keys.insert_key(connection, key)
        return key.id


def _opens(key: Key) -> bool:
    expired = key.expires_ms is not None and key.expires_ms <= clock.now_ms()
    return key.revoked_ms is None and not expired


def session_secret(home: Path) -> bytes:
    """The secret that signs the console's cookies, made once and kept in the home."""
    file = home / "session.key"
    if not file.exists():
        _write_private(file, secrets.token_hex(32).encode())
    return file.read_bytes()


def _write_private(file: Path, content: bytes) -> None:
    part = file.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
