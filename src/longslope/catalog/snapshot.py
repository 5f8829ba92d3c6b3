"""The catalog as a gateway sees it: one immutable picture of projects, keys, models, endpoints and prices.

A request never waits for the database: it reads the picture in memory. Every change raises the store's
revision; each gateway looks at it once a second, and at once after its own changes, and takes a new picture
when it moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from longslope.store import endpoints, keys, models, prices, projects, revisions, versions
from longslope.store.database import Store
from longslope.store.endpoints import Endpoint
from longslope.store.keys import Key
from longslope.store.models import Model
from longslope.store.prices import Price
from longslope.store.projects import Project
from longslope.store.versions import Version

log = structlog.get_logger(__name__)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a request needs to be resolved. Dictionaries are never changed after the picture is
    taken.
    """

    revision: int
    projects: dict[str, Project]
    keys_by_hash: dict[str, Key]
    keys_by_id: dict[str, Key]
    models: dict[str, Model]
    versions: dict[str, Version]
    newest: dict[str, Version]  # model → its newest version
    endpoints: dict[str, Endpoint]
    bound: dict[str, Version]  # endpoint → the version it leads to
    prices: dict[str, Price]  # model → price in force
    costs: dict[str, Price]  # model → cost in force


async def take(connection: AsyncConnection) -> Snapshot:
    """Reads a snapshot within one transaction."""
    revision = await revisions.read(connection)
    all_keys = await keys.list_keys(connection)
    all_versions = {version.id: version for version in await versions.list_versions(connection)}
    open_models = {
        model.name: model for model in await models.list_models(connection) if model.removed_ms is None
    }
    newest: dict[str, Version] = {}
    for version in all_versions.values():
        current = newest.get(version.model)
        if current is None or version.number > current.number:
            newest[version.model] = version
    in_force = await prices.current_prices(connection)
    bindings = await endpoints.current_bindings(connection)
    return Snapshot(
        revision=revision,
        projects={
            project.id: project
            for project in await projects.list_projects(connection)
            if project.archived_ms is None
        },
        keys_by_hash={key.sha256: key for key in all_keys},
        keys_by_id={key.id: key for key in all_keys},
        models=open_models,
        versions={name: version for name, version in all_versions.items() if version.model in open_models},
        newest={name: version for name, version in newest.items() if name in open_models},
        endpoints={
            endpoint.id: endpoint
            for endpoint in await endpoints.list_endpoints(connection)
            if endpoint.removed_ms is None
        },
        bound={name: all_versions[binding.version_id] for name, binding in bindings.items()},
        prices={model: price for (model, side), price in in_force.items() if side == "price"},
        costs={model: price for (model, side), price in in_force.items() if side == "cost"},
    )


class Catalog:
    """Keeps the newest snapshot, and tells listeners when there is a newer one."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self._store = store
        self.snapshot = snapshot
        self._listeners: list[Callable[[Snapshot], Awaitable[None]]] = []
        self._poll: asyncio.Task[None] | None = None
        self._refreshing = asyncio.Lock()

    @classmethod
    async def open(cls, store: Store) -> Catalog:
        """Reads the first snapshot."""
        async with store.read() as connection:
            return cls(store, await take(connection))

    def on_change(self, listener: Callable[[Snapshot], Awaitable[None]]) -> None:
        """Calls `listener` with each newer snapshot."""
        self._listeners.append(listener)

    async def refresh(self) -> Snapshot:
        """Takes a new snapshot if the store has moved on. Called after every change made here."""
        async with self._refreshing:
            async with self._store.read() as connection:
                if await revisions.read(connection) == self.snapshot.revision:
                    return self.snapshot
                self.snapshot = await take(connection)
            for listener in self._listeners:
                await listener(self.snapshot)
            return self.snapshot

    def follow(self, interval_s: float = 1.0) -> None:
        """Begins to look for changes made by other processes."""
        self._poll = asyncio.create_task(self._follow(interval_s), name="catalog-follow")

    async def close(self) -> None:
        """Stops following."""
        if self._poll is not None:
            self._poll.cancel()
            await asyncio.gather(self._poll, return_exceptions=True)

    async def _follow(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.refresh()
            except Exception:  # the store is away for a moment: serve on with what is known
                log.exception("catalog_refresh_failed")
