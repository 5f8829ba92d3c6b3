"""Projects, as the command line names them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.clock import clock, new_id
from longslope.errors import NotFound, nearest
from longslope.settings import Settings
from longslope.store import projects
from longslope.store.projects import Project

DEFAULT = "default"


async def find_project(connection: AsyncConnection, wanted: str, settings: Settings) -> Project:
    """The project of this name or id. Raises NotFound, naming the nearest.

    The project that the first start makes is made here where there is none, so that keys can be given out
    before it.
    """
    known = await projects.list_projects(connection)
    for project in known:
        if wanted in (project.name, project.id):
            return project
    if wanted == DEFAULT and not known:
        return await _first(connection, settings)
    raise unknown(wanted, known)


def unknown(wanted: str, known: list[Project]) -> NotFound:
    """The error for a project that is not there."""
    names = [project.name for project in known if project.archived_ms is None]
    listed = f" There are: {', '.join(names)}." if names else ""
    return NotFound(f'There is no project "{wanted}".{nearest(wanted, names)}{listed}', param="project")


async def _first(connection: AsyncConnection, settings: Settings) -> Project:
    project = Project(
        id=new_id("proj"),
        name=DEFAULT,
        max_concurrency=settings.project_concurrency,
        max_queue=settings.project_queue,
        queue_deadline_ms=settings.queue_deadline_ms,
        created_ms=clock.now_ms(),
    )
    await projects.insert_project(connection, project)
    return project
