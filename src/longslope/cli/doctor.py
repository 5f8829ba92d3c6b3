"""`longslope doctor`: what is wrong here, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from longslope.cli.home import AsJson, Home, settings_of
from longslope.cli.ink import inked
from longslope.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from longslope.cli.checks.check import Check

_INKS = {"ok": "green", "warn": "yellow", "fail": "red"}
_WIDTH = 20


def doctor(
    *,
    no_engine: Annotated[bool, Parameter(negative="", help="Do not start an engine to time it.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> int:
    """Checks this machine and this home, and names the cure of what is wrong.

    It changes nothing, and may run beside a longslope (which then slows the
    engine it times). The status is 1 when something keeps longslope from working.

        longslope doctor
        longslope doctor --no-engine
        longslope doctor --home /srv/longslope --json
    """
    found = asyncio.run(_examined(home, no_engine=no_engine, quiet=as_json))
    if as_json:
        from longslope.cli.screen import print_json

        print_json(found)
    else:
        print(_summary(found))
    return 1 if any(check.state == "fail" for check in found) else 0


async def _examined(home: Path | None, *, no_engine: bool, quiet: bool) -> list[Check]:
    found: list[Check] = []
    async for check in _checks(home, no_engine=no_engine):
        found.append(check)
        if not quiet:
            for line in lines(check):
                print(line, flush=True)
    return found


async def _checks(home: Path | None, *, no_engine: bool) -> AsyncGenerator[Check]:
    from longslope.cli import family
    from longslope.cli.checks import address, database, engine, machine, upstreams
    from longslope.cli.checks import home as homes
    from longslope.cli.checks.check import fail, ok

    yield machine.python()
    yield machine.processor()
    yield machine.engine_build()
    try:
        settings = settings_of(home)
        family.rows(None, settings)  # knows the models that `models` names
    except SettingsError as error:
        yield fail("settings", error.message, "Mend it; `longslope settings` shows the others.")
        return
    yield ok("settings", "every one is known and has a possible value")
    listening, running = address.address(settings)
    yield machine.memory(settings, running=running)
    yield listening
    yield homes.writable(settings)
    yield homes.room(settings)
    check, snapshot = await database.database(settings)
    yield check
    rows = family.rows(snapshot, settings)
    for row in rows:
        if row.served and row.weights != "upstream":
            yield await asyncio.to_thread(homes.weights, row, settings)
    if snapshot is not None:
        for check in await upstreams.upstreams(snapshot, settings):
            yield check
    if not no_engine:
        yield await engine.engine(family.rows(snapshot, settings), settings)


def lines(check: Check) -> list[str]:
    """A check as people read it: state, name, what was found; below, the cure."""
    state = check.state.value
    first = f"{inked(f'{state:<4}', _INKS[state])}  {check.name:<{_WIDTH}}  {check.found}"
    return [first, *([f"{'':<4}  {'':<{_WIDTH}}  → {check.cure}"] if check.cure else [])]


def _summary(found: Sequence[Check]) -> str:
    failed = sum(check.state == "fail" for check in found)
    warned = sum(check.state == "warn" for check in found)
    if failed:
        return f"{failed} of {len(found)} checks failed: see the cures above."
    return (
        "Everything is well."
        if not warned
        else f"It works; {warned} of {len(found)} checks are worth a look."
    )
