"""What commands show while they work, and what they ask."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from longslope.errors import InvalidRequest

if TYPE_CHECKING:
    from longslope.catalog.progress import Progress
    from longslope.catalog.weights import WeightsSpec

_WORTH_A_LINE = 10_000_000  # bytes
_Result = TypeVar("_Result")


def pull_with_progress(
    name: str, weights: WeightsSpec, models_dir: Path, sources: tuple[str, ...] | None = None
) -> Path:
    """Fetches weights under a progress bar, on stderr. `sources` as in `catalog.weights.pull`."""
    from longslope.catalog.weights import pull

    return with_progress(name, weights.bytes, lambda show: pull(weights, models_dir, show, sources))


def with_progress(name: str, total_bytes: int, work: Callable[[Progress], _Result]) -> _Result:
    """Runs `work` under a progress bar, on stderr; where that is no terminal, with a line every tenth."""
    if not sys.stderr.isatty():
        return work(_lines_of_progress(name, total_bytes))
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(name, total=total_bytes)

        def show(stage: str, done: int, total: int) -> None:
            bars.update(task, description=f"{name}: {stage}", completed=done, total=total)

        return work(show)


def _lines_of_progress(name: str, total_bytes: int) -> Progress:
    """Progress for logs: a line when a stage begins and at each tenth of it, for files that take a while."""
    said = ""

    def show(stage: str, done: int, total: int) -> None:
        nonlocal said
        line = f"{name}: {stage}" + (f" {done * 10 // total * 10} %" if 0 < done < total else "")
        if line != said and stage != "done" and total_bytes >= _WORTH_A_LINE:
            said = line
            tell(line)

    return show


def tell(message: str) -> None:
    """Says something beside a command's output, on stderr."""
    print(message, file=sys.stderr, flush=True)


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether the user agrees; `yes` says so beforehand. Raises InvalidRequest where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InvalidRequest(f"{question} There is no terminal to answer on: add --yes if you mean it.")
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def print_json(body: Any) -> None:
    """Prints `body` (anything that msgspec encodes) as indented JSON."""
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(body), indent=2).decode())


def size(count: int) -> str:
    """A number of bytes for people, in decimal units as disks and downloads are sold in: 98.4 MB."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 999.95 or unit == "TB":
            return f"{amount:.1f} {unit}"
    raise AssertionError("unreachable")
