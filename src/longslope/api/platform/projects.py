"""Projects: who shares keys, limits and a bill."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get, patch, post
from litestar.handlers import HTTPRouteHandler

from longslope.api.caller import require_caller
from longslope.api.parts import Parts
from longslope.api.platform.views import view_project
from longslope.clock import clock, new_id
from longslope.store import projects
from longslope.store.projects import Project
from longslope.wire.platform import Listing, ProjectChange, ProjectCreate, ProjectView


def project_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """`/platform/v1/projects`."""
    settings = parts.effective.settings

    @get("/platform/v1/projects", tags=["projects"], operation_id="list_projects")
    async def list_projects(request: Request[Any, Any, Any]) -> Listing[ProjectView]:
        """Every project; for a key below admin only its own."""
        identity = require_caller(request, parts, "viewer")
        if identity.key.role != "admin":
            return Listing(data=[view_project(identity.project)])
        return Listing(data=[view_project(project) for project in parts.catalog.snapshot.projects.values()])

    @post("/platform/v1/projects", tags=["projects"], operation_id="create_project")
    async def create_project(request: Request[Any, Any, Any], data: ProjectCreate) -> ProjectView:
        """A new project. Limits that are not given take the platform's defaults."""
        require_caller(request, parts, "admin")
        project = Project(
            id=new_id("proj"),
            name=data.name,
            trace=data.trace,
            max_concurrency=data.max_concurrency or settings.project_concurrency,
            max_queue=settings.project_queue if data.max_queue is None else data.max_queue,
            queue_deadline_ms=data.queue_deadline_ms or settings.queue_deadline_ms,
            created_ms=clock.now_ms(),
        )
        async with parts.store.write() as connection:
            await projects.insert_project(connection, project)
        await parts.catalog.refresh()
        return view_project(project)

    @patch("/platform/v1/projects/{project_id:str}", tags=["projects"], operation_id="change_project")
    async def change_project(
        request: Request[Any, Any, Any], project_id: str, data: ProjectChange
    ) -> ProjectView:
        """Changes the fields that are given."""
        require_caller(request, parts, "admin")
        given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not None}
        async with parts.store.write() as connection:
            project = msgspec.structs.replace(await projects.get_project(connection, project_id), **given)
            await projects.update_project(connection, project)
        await parts.catalog.refresh()
        return view_project(project)

    return [list_projects, create_project, change_project]
