"""`longslope usage`: what was used, what it cost, and the rows to compute it anew."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from longslope.cli.home import AsJson, Home, opened_if_any, settings_of
from longslope.cli.moments import end_of, offset_minutes, start_of
from longslope.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from longslope.store.usage_query import Grouping


def usage(
    *,
    by: Annotated[
        str,
        Parameter(
            help="Group by some of day, model, version, project, key, endpoint, operation; default: day."
        ),
    ] = "day",
    since: Annotated[str | None, Parameter(help="From this day, moment or age on: 2026-01-31, 7d")] = None,
    until: Annotated[str | None, Parameter(help="Up to this moment, or to the end of this day.")] = None,
    project: Annotated[str | None, Parameter(help="Only this project, by its name or id.")] = None,
    model: Annotated[str | None, Parameter(help="Only this model.")] = None,
    key: Annotated[str | None, Parameter(help="Only this key, by its id or name.")] = None,
    csv: Annotated[
        Path | None,
        Parameter(help="Write each request's row to this file; - is stdout.", allow_leading_hyphen=True),
    ] = None,
    parquet: Annotated[Path | None, Parameter(help="Write each request's row to this file.")] = None,
    force: Annotated[bool, Parameter(negative="", help="Overwrite the file if it is there.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Shows what was used and what it cost, with totals, or writes every row.

    Days are those of this machine's time zone. Every figure is summed up from
    the rows when it is asked for; --csv and --parquet give those rows.

        longslope usage --since 7d
        longslope usage --by model,key --since 2026-01-01 --until 2026-01-31
        longslope usage --since yesterday --csv yesterday.csv
    """
    from longslope.cli import usage_report
    from longslope.cli.usage_report import Asked

    asked = Asked(
        group_by=_groupings(by),
        from_ms=None if since is None else start_of(since, "--since"),
        to_ms=None if until is None else end_of(until, "--until"),
        project=project,
        model=model,
        key=key,
        tz_offset_min=offset_minutes(),
    )
    if asked.from_ms is not None and asked.to_ms is not None and asked.from_ms >= asked.to_ms:
        raise InvalidRequest(
            f"--since {since} is not before --until {until}. Exchange them, or widen the span."
        )
    for file in (csv, parquet):
        if file is not None and file.exists() and not force:
            raise InvalidRequest(
                f"{file} is there already. Choose another name, or overwrite it with --force."
            )
    settings = settings_of(home)

    async def run() -> None:
        async with opened_if_any(settings) as store:
            if store is None:
                raise NotFound(f"No longslope has run on the home {settings.home}: there is no usage yet.")
            query, labels = await usage_report.resolve(store, asked)
            if csv is not None:
                await usage_report.write_csv(store, query, csv)
            if parquet is not None:
                await usage_report.write_parquet(store, query, settings.home, parquet)
            if csv is None and parquet is None:
                report = await usage_report.summed(store, query)
                usage_report.print_report(report, labels, as_json=as_json)

    asyncio.run(run())


def _groupings(text: str) -> tuple[Grouping, ...]:
    from longslope.store import names
    from longslope.store.usage_query import GROUPINGS

    words = [word for piece in text.split(",") if (word := piece.strip())]
    for word in words:
        names.check_choice(word, GROUPINGS, param="--by")
    return tuple(grouping for grouping in GROUPINGS if grouping in words)
