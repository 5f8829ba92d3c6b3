"""Projects: who shares keys, limits and a bill, and how much of their requests is kept.

A project is never deleted, as usage names it; it is archived, and its keys then open nothing.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.errors import Conflict, NotFound
from longslope.store import names, revisions, tables

Trace = Literal["none", "metadata", "content"]
TRACES: tuple[Trace, ...] = ("none", "metadata", "content")


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project. `trace` says what is kept of a request; `max_queue` counts requests that may wait for a
    place.
    """

    id: str
    name: str
    trace: Trace = "metadata"
    max_concurrency: int
    max_queue: int
    queue_deadline_ms: int
    created_ms: int
    archived_ms: int | None = None


async def insert_project(connection: AsyncConnection, project: Project) -> None:
    """Adds a project. Raises InvalidRequest for values out of range, Conflict when the name is taken."""
    _check(project)
    await revisions.bump(connection)
    try:
        await connection.execute(insert(tables.projects).values(msgspec.structs.asdict(project)))
    except IntegrityError as error:
        raise _taken(project.name) from error


async def update_project(connection: AsyncConnection, project: Project) -> None:
    """Writes every field of a project but its id and age.

    Raises NotFound for an unknown id, and what `insert_project` raises.
    """
    _check(project)
    await revisions.bump(connection)
    values = msgspec.structs.asdict(project)
    del values["id"], values["created_ms"]
    try:
        done = await connection.execute(
            update(tables.projects).where(tables.projects.c.id == project.id).values(values)
        )
    except IntegrityError as error:
        raise _taken(project.name) from error
    if done.rowcount == 0:
        raise _unknown(project.id)


async def archive_project(connection: AsyncConnection, project_id: str, at_ms: int) -> None:
    """Archives a project; archiving it again changes nothing. Raises NotFound for an unknown id."""
    project = await get_project(connection, project_id)
    if project.archived_ms is not None:
        return
    await revisions.bump(connection)
    await connection.execute(
        update(tables.projects).where(tables.projects.c.id == project.id).values(archived_ms=at_ms)
    )


async def get_project(connection: AsyncConnection, project_id: str) -> Project:
    """The project of this id, archived or not. Raises NotFound."""
    table = tables.projects
    found = await connection.execute(select(table).where(table.c.id == names.storable(project_id)))
    row = found.mappings().one_or_none()
    if row is None:
        raise _unknown(project_id)
    return Project(**row)


async def list_projects(connection: AsyncConnection) -> list[Project]:
    """Every project, archived ones included, oldest first."""
    table = tables.projects
    found = await connection.execute(select(table).order_by(table.c.created_ms, table.c.id))
    return [Project(**row) for row in found.mappings()]


def _check(project: Project) -> None:
    names.check_length(project.id, tables.projects.c.id, param="id")
    names.check_name(project.name, tables.projects.c.name)
    names.check_choice(project.trace, TRACES, param="trace")
    names.check_number(project.max_concurrency, param="max_concurrency", least=1)
    names.check_number(project.max_queue, param="max_queue")
    names.check_number(project.queue_deadline_ms, param="queue_deadline_ms")


def _taken(name: str) -> Conflict:
    return Conflict(
        f'There is a project named "{name}" already (it may be archived). Choose another name.', param="name"
    )


def _unknown(project_id: str) -> NotFound:
    return NotFound(f'There is no project "{project_id}".', param="project_id")
