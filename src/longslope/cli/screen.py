"""What the commands show on the terminal: progress, tables, and errors that say what to do."""

from __future__ import annotations

from pathlib import Path

from longslope.catalog.family import WeightsSpec


def pull_with_progress(name: str, weights: WeightsSpec, models_dir: Path) -> Path:
    """Fetches weights under a progress bar, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from longslope.catalog.weights import pull

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=weights.bytes)

        def show(stage: str, done: int, total: int) -> None:
            progress.update(task, description=f"{name}: {stage}", completed=done, total=total)

        return pull(weights, models_dir, show)
