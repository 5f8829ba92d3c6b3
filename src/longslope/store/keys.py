"""Keys: secrets that open a project, stored only as hashes.

A secret is shown once, when it is made. What is stored is its SHA-256: the secret is 240 bits of the system's
randomness, so there is nothing to guess and no need for a slow hash, which would cost every request
milliseconds.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from typing import Literal

import msgspec
from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.errors import Conflict, InvalidRequest, NotFound
from longslope.store import names, revisions, tables
from longslope.store.projects import get_project

Role = Literal["admin", "developer", "viewer"]
ROLES: tuple[Role, ...] = ("admin", "developer", "viewer")
_PREFIX = "ls-"
_HINT_CHARACTERS = 9


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key. An empty `allowed_models` or `allowed_ips` allows all; `hint` is how its owner recognises it."""

    id: str
    project_id: str
    name: str
    sha256: str
    hint: str
    role: Role
    allowed_models: tuple[str, ...] = ()
    allowed_ips: tuple[str, ...] = ()  # addresses and networks, such as "10.0.0.0/8"
    expires_ms: int | None = None
    created_ms: int
    revoked_ms: int | None = None


def new_secret() -> str:
    """A fresh secret: `ls-` and 40 URL-safe characters, which is 240 random bits."""
    return _PREFIX + secrets.token_urlsafe(30)


def hash_secret(secret: str) -> str:
    """The SHA-256 of a secret, in hex: what `Key.sha256` holds."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def hint(secret: str) -> str:
    """The secret's first characters, too few to guess the rest: `ls-` and 6 of the 40."""
    return secret[:_HINT_CHARACTERS]


async def insert_key(connection: AsyncConnection, key: Key) -> None:
    """Adds a key.

    Raises InvalidRequest for values out of range, NotFound for an unknown project, and Conflict when the
    project is archived or the same secret is stored already.
    """
    _check(key)
    await revisions.bump(connection)
    project = await get_project(connection, key.project_id)
    if project.archived_ms is not None:
        raise Conflict(
            f'The project "{project.name}" is archived and takes no new keys. Choose another project.',
            param="project_id",
        )
    values = msgspec.structs.asdict(key)
    for field in ("allowed_models", "allowed_ips"):
        values[field] = msgspec.json.encode(values[field]).decode()
    try:
        await connection.execute(insert(tables.keys).values(values))
    except IntegrityError as error:
        raise Conflict("This key is stored already. Make a new secret.", param="sha256") from error


async def revoke_key(connection: AsyncConnection, key_id: str, at_ms: int) -> None:
    """Revokes a key; revoking it again changes nothing. Raises NotFound for an unknown id."""
    key = await get_key(connection, key_id)
    if key.revoked_ms is not None:
        return
    await revisions.bump(connection)
    await connection.execute(update(tables.keys).where(tables.keys.c.id == key.id).values(revoked_ms=at_ms))


async def get_key(connection: AsyncConnection, key_id: str) -> Key:
    """The key of this id, revoked or not. Raises NotFound."""
    found = await connection.execute(select(tables.keys).where(tables.keys.c.id == names.storable(key_id)))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound(f'There is no key "{key_id}".', param="key_id")
    return _decode(row)


async def find_key(connection: AsyncConnection, sha256: str) -> Key | None:
    """The key with this hash, revoked or not, or None."""
    found = await connection.execute(
        select(tables.keys).where(tables.keys.c.sha256 == names.storable(sha256))
    )
    row = found.mappings().one_or_none()
    return None if row is None else _decode(row)


async def list_keys(connection: AsyncConnection, project_id: str | None = None) -> list[Key]:
    """Every key, revoked ones included, oldest first; of one project when it is given."""
    table = tables.keys
    query = select(table).order_by(table.c.created_ms, table.c.id)
    if project_id is not None:
        query = query.where(table.c.project_id == names.storable(project_id))
    return [_decode(row) for row in (await connection.execute(query)).mappings()]


def _decode(row: RowMapping) -> Key:
    values = dict(row)
    for field in ("allowed_models", "allowed_ips"):
        values[field] = msgspec.json.decode(values[field], type=tuple[str, ...])
    return Key(**values)


def _check(key: Key) -> None:
    columns = tables.keys.c
    names.check_length(key.id, columns.id, param="id")
    names.check_name(key.name, columns.name)
    names.check_length(key.sha256, columns.sha256, param="sha256")
    names.check_length(key.hint, columns.hint, param="hint")
    names.check_choice(key.role, ROLES, param="role")
    for model in key.allowed_models:
        names.check_name(model, tables.versions.c.id, param="allowed_models")
    for address in key.allowed_ips:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError as error:
            raise InvalidRequest(
                f'"allowed_ips" holds {address[:80]!r}, which is neither an address nor a network such as '
                '"10.0.0.0/8".',
                param="allowed_ips",
            ) from error
