"""A report of usage: from what was asked, over the store's sums, to a table, JSON or a file of rows."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path

import msgspec

from longslope.cli.ink import inked
from longslope.cli.keys import key_named
from longslope.cli.projects import unknown
from longslope.cli.screen import print_json, size
from longslope.cli.table import table_lines
from longslope.money import from_nano
from longslope.store import keys, models, projects
from longslope.store.database import Store
from longslope.store.export import usage_csv, usage_parquet
from longslope.store.usage_query import Grouping, UsageQuery
from longslope.store.usage_totals import UsageGroup, aggregate

_FIGURES = ("requests", "errors", "input", "cached", "output", "price", "cost", "margin", "first token")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for; projects and keys by name or id."""

    group_by: tuple[Grouping, ...]
    from_ms: int | None
    to_ms: int | None
    project: str | None
    model: str | None
    key: str | None
    tz_offset_min: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of each group, and over all groups of each currency."""

    group_by: tuple[Grouping, ...]
    groups: list[UsageGroup]
    totals: list[UsageGroup]


Labels = Mapping[str, Mapping[str, str]]
"""Names for people, by grouping and id."""


async def resolve(store: Store, asked: Asked) -> tuple[UsageQuery, Labels]:
    """The query in the store's ids. Raises NotFound for what is not there, naming the nearest."""
    async with store.read() as connection:
        known_projects = await projects.list_projects(connection)
        known_keys = await keys.list_keys(connection)
        if asked.model is not None:
            await models.get_model(connection, asked.model)  # a removed one has usage all the same
    project_id = None
    if asked.project is not None:
        found = [each.id for each in known_projects if asked.project in (each.name, each.id)]
        if not found:
            raise unknown(asked.project, known_projects)
        project_id = found[0]
    query = UsageQuery(
        group_by=asked.group_by,
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        project_id=project_id,
        key_id=None if asked.key is None else key_named(asked.key, known_keys).id,
        model=asked.model,
        tz_offset_min=asked.tz_offset_min,
    )
    labels = {
        "project": {project.id: project.name for project in known_projects},
        "key": {key.id: f"{key.name} ({key.hint}…)" for key in known_keys},
    }
    return query, labels


async def summed(store: Store, query: UsageQuery) -> Report:
    """The report on `query`."""
    async with store.read() as connection:
        groups = await aggregate(connection, query)
    return Report(group_by=query.group_by, groups=groups, totals=totals(groups))


def totals(groups: list[UsageGroup]) -> list[UsageGroup]:
    """The sums over all groups of each currency; a mean time to the first token cannot be had from means."""
    of_currency: dict[str, list[UsageGroup]] = {}
    for group in groups:
        of_currency.setdefault(group.currency, []).append(group)
    return [
        UsageGroup(
            currency=currency,
            requests=sum(group.requests for group in parts),
            errors=sum(group.errors for group in parts),
            prompt_tokens=sum(group.prompt_tokens for group in parts),
            cached_tokens=sum(group.cached_tokens for group in parts),
            completion_tokens=sum(group.completion_tokens for group in parts),
            price_nano=sum(group.price_nano for group in parts),
            cost_nano=sum(group.cost_nano for group in parts),
            margin_nano=sum(group.margin_nano for group in parts),
            first_mean_us=None,
        )
        for currency, parts in sorted(of_currency.items())
    ]


def print_report(report: Report, labels: Labels, *, as_json: bool) -> None:
    """Prints a report, as JSON with ids or as a table with names."""
    if as_json:
        print_json({"groups": _plain(report, report.groups), "totals": _plain(report, report.totals)})
        return
    for line in report_lines(report, labels):
        print(line)


def report_lines(report: Report, labels: Labels) -> list[str]:
    """The lines of the table: titles, groups, totals."""
    if not report.groups:
        return ["No request in this span."]
    titles = (*report.group_by, *_FIGURES)
    rows = [[*_names(group, report, labels), *_figures(group)] for group in report.groups]
    rest = [""] * (len(report.group_by) - 1)
    rows += [["total", *rest, *_figures(group)] for group in report.totals if report.group_by]
    lines = table_lines(titles, rows, numbers=_FIGURES)
    return [
        inked(line, "bold") if place == 0 or (report.group_by and place > len(report.groups)) else line
        for place, line in enumerate(lines)
    ]


async def write_csv(store: Store, query: UsageQuery, file: Path) -> None:
    """Writes the rows as CSV, to stdout where the file is `-`."""
    if str(file) == "-":
        async for block in usage_csv(store, query):
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        return
    await _write(file, lambda: usage_csv(store, query))


async def write_parquet(store: Store, query: UsageQuery, home: Path, file: Path) -> None:
    """Writes the rows as Parquet."""
    await _write(file, lambda: usage_parquet(store, query, home))


async def _write(file: Path, blocks: Callable[[], AsyncGenerator[bytes]]) -> None:
    """Writes beside and renames, so that there is a whole file or none."""
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            async for block in blocks():
                out.write(block)
            written = out.tell()
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    print(f"{file}: {size(written)}")


def _names(group: UsageGroup, report: Report, labels: Labels) -> list[str]:
    ids = [(grouping, getattr(group, grouping) or "—") for grouping in report.group_by]
    return [labels.get(grouping, {}).get(value, value) for grouping, value in ids]


def _figures(group: UsageGroup) -> list[str]:
    money = [
        f"{from_nano(n)} {group.currency}" for n in (group.price_nano, group.cost_nano, group.margin_nano)
    ]
    first = "" if group.first_mean_us is None else f"{group.first_mean_us / 1000:.0f} ms"
    counts = (group.requests, group.errors, group.prompt_tokens, group.cached_tokens, group.completion_tokens)
    return [*(f"{count:,}" for count in counts), *money, first]


def _plain(report: Report, groups: list[UsageGroup]) -> list[dict[str, object]]:
    return [
        {
            **{
                grouping: value
                for grouping in report.group_by
                if (value := getattr(group, grouping)) is not None
            },
            "currency": group.currency,
            "requests": group.requests,
            "errors": group.errors,
            "prompt_tokens": group.prompt_tokens,
            "cached_tokens": group.cached_tokens,
            "completion_tokens": group.completion_tokens,
            "price": from_nano(group.price_nano),
            "cost": from_nano(group.cost_nano),
            "margin": from_nano(group.margin_nano),
            "first_mean_us": group.first_mean_us,
        }
        for group in groups
    ]
