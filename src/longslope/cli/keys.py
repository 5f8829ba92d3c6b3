"""`longslope keys`: who may call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from longslope.cli.home import AsJson, Home, opened, opened_if_any, settings_of
from longslope.cli.moments import deadline, shown
from longslope.cli.screen import confirmed, print_json, tell
from longslope.cli.table import print_table
from longslope.clock import clock, new_id
from longslope.errors import InvalidRequest, NotFound, nearest
from longslope.settings import Settings

if TYPE_CHECKING:
    from longslope.catalog.snapshot import Snapshot
    from longslope.store.keys import Key

app = App(
    name="keys",
    help="""The keys that open the API: list, create, revoke.

    A key belongs to a project; its requests are that project's usage.

        longslope keys create ci --models mini,lite --expires 90d
        longslope keys list
        longslope keys revoke ci
    """,
)


@app.command(name="list")
def list_(*, home: Home = None, as_json: AsJson = False) -> None:
    """Shows every key, revoked ones too.

    Secrets are stored nowhere, so they cannot be shown.

        longslope keys list
        longslope keys list --json
    """
    rows = asyncio.run(_list(settings_of(home)))
    if as_json:
        print_json([_json(key, project) for key, project in rows])
        return
    titles = ("id", "name", "project", "role", "begins with", "models", "from", "created", "expires", "state")
    print_table(titles, [_row(key, project) for key, project in rows])
    if not rows:
        print(
            "No key yet. The first start of `longslope up` makes one; so does `longslope keys create NAME`."
        )


@app.command
def create(
    name: str,
    /,
    *,
    project: Annotated[str, Parameter(help="The project's name or id; default: default.")] = "default",
    role: Annotated[
        Literal["admin", "developer", "viewer"],
        Parameter(help="admin manages, developer calls models (the default), viewer looks on."),
    ] = "developer",
    models: Annotated[str, Parameter(help="Only these models, versions or endpoints: mini,lite")] = "",
    ips: Annotated[str, Parameter(help="Only from these addresses or networks: 10.0.0.0/8")] = "",
    expires: Annotated[str | None, Parameter(help="A day, a moment, or a time from now: 90d")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Makes a key and prints its secret, this once: only a hash of it is kept.

    The secret alone goes to stdout. A running longslope takes the key within a
    second.

        longslope keys create ci
        longslope keys create ci --models mini,lite --expires 90d
        export LONGSLOPE_API_KEY=$(longslope keys create me --role admin)
    """
    from longslope.store import keys

    secret = keys.new_secret()
    key = keys.Key(
        id=new_id("key"),
        project_id="",
        name=name,
        sha256=keys.hash_secret(secret),
        hint=keys.hint(secret),
        role=role,
        allowed_models=_listed(models),
        allowed_ips=_listed(ips),
        expires_ms=None if expires is None else deadline(expires, "--expires"),
        created_ms=clock.now_ms(),
    )
    stored = asyncio.run(_create(settings_of(home), key, project))
    if as_json:
        print_json({**_json(stored, project), "secret": secret})
        return
    tell(f"{stored.id}: {role} of the project {project}. This is the only time that the secret is shown:")
    print(secret)


@app.command
def revoke(
    *wanted: Annotated[str, Parameter(name="KEY", help="The key's id, or its name.")],
    yes: Annotated[bool, Parameter(negative="", help="Do not ask, even for the key in admin.key.")] = False,
    home: Home = None,
) -> None:
    """Revokes keys, for good.

    A running longslope refuses them within a second.

        longslope keys revoke ci
        longslope keys revoke key-0123456789abcdefghjkmnp
    """
    if not wanted:
        raise InvalidRequest("No key is named. `longslope keys list` shows their ids and names.")
    asyncio.run(_revoke(settings_of(home), wanted, yes=yes))


async def _list(settings: Settings) -> list[tuple[Key, str]]:
    from longslope.store import keys, projects

    async with opened_if_any(settings) as store:
        if store is None:
            return []
        async with store.read() as connection:
            names = {project.id: project.name for project in await projects.list_projects(connection)}
            return [
                (key, names.get(key.project_id, key.project_id)) for key in await keys.list_keys(connection)
            ]


async def _create(settings: Settings, key: Key, project: str) -> Key:
    import msgspec

    from longslope.catalog.snapshot import take
    from longslope.cli.projects import find_project
    from longslope.store import keys

    async with opened(settings) as store, store.write() as connection:
        snapshot = await take(connection)
        for model in key.allowed_models:
            _check_model(model, snapshot)
        found = await find_project(connection, project, settings)
        stored = msgspec.structs.replace(key, project_id=found.id)
        await keys.insert_key(connection, stored)
    return stored


def _check_model(name: str, snapshot: Snapshot) -> None:
    from longslope.catalog.family import (
        FAMILY,
    )  # its models may be allowed before the first start registers them

    known = {*FAMILY, *snapshot.models, *snapshot.versions, *snapshot.endpoints}
    if name not in known:
        raise NotFound(
            f'--models: there is no model, version or endpoint "{name}".{nearest(name, known)}',
            param="models",
        )


async def _revoke(settings: Settings, wanted: tuple[str, ...], *, yes: bool) -> None:
    from longslope.store import keys

    async with opened_if_any(settings) as store:
        if store is None:
            raise NotFound(f"There is no key: no longslope has run on the home {settings.home}.")
        async with store.read() as connection:
            chosen = [key_named(word, await keys.list_keys(connection)) for word in wanted]
        file = settings.home / "admin.key"
        admin = keys.hash_secret(file.read_text("utf-8").strip()) if file.exists() else ""
        for key in chosen:
            if key.sha256 == admin and not confirmed(
                f'"{key.name}" is the key in {file}, by which this machine signs in. Revoke it?',
                yes=yes,
            ):
                print("Nothing was changed.")
                return
        async with store.write() as connection:
            for key in chosen:
                await keys.revoke_key(connection, key.id, clock.now_ms())
    for key in chosen:
        print(f"{key.id} ({key.name}): {'revoked already' if key.revoked_ms is not None else 'revoked'}")


def key_named(word: str, known: list[Key]) -> Key:
    """The key meant by its id or, if only one that is not revoked has it, by its name."""
    by_id = {key.id: key for key in known}
    if word in by_id:
        return by_id[word]
    named = [key for key in known if key.name == word]
    active = [key for key in named if key.revoked_ms is None] or named[-1:]
    if len(active) == 1:
        return active[0]
    if active:
        ids = ", ".join(key.id for key in active)
        raise InvalidRequest(f'{len(active)} keys are named "{word}": {ids}. Name one by its id.')
    hint = nearest(word, [*by_id, *(key.name for key in known)])
    raise NotFound(f'There is no key "{word}".{hint} `longslope keys list` shows them all.')


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word for piece in text.split(",") if (word := piece.strip()))


def _state(key: Key) -> str:
    if key.revoked_ms is not None:
        return "revoked"
    return "expired" if key.expires_ms is not None and key.expires_ms <= clock.now_ms() else "active"


def _row(key: Key, project: str) -> tuple[str, ...]:
    return (
        key.id,
        key.name,
        project,
        key.role,
        f"{key.hint}…",
        ",".join(key.allowed_models) or "all",
        ",".join(key.allowed_ips) or "anywhere",
        shown(key.created_ms),
        shown(key.expires_ms) if key.expires_ms is not None else "never",
        _state(key),
    )


def _json(key: Key, project: str) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "project": project,
        "role": key.role,
        "hint": key.hint,
        "models": key.allowed_models,
        "ips": key.allowed_ips,
        "created_ms": key.created_ms,
        "expires_ms": key.expires_ms,
        "revoked_ms": key.revoked_ms,
        "state": _state(key),
    }
