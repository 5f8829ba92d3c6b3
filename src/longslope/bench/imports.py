"""What `import longslope` costs, beyond what Python itself costs to start."""

from __future__ import annotations

import asyncio
import sys
import time

import msgspec

_MODULES = ("longslope", "longslope.cli", "longslope.app")


class ImportCost(msgspec.Struct, frozen=True, kw_only=True):
    """A module's import in milliseconds, the best of several, above the best bare start; and whether torch
    came along.
    """

    module: str
    best_ms: float
    torch: bool


async def measure_imports(*, starts: int) -> list[ImportCost]:
    """Starts an interpreter `starts` times bare and `starts` times for each module, in turns."""
    best: dict[str, float] = {}
    torch: dict[str, bool] = {}
    for _ in range(starts):
        for module in ("", *_MODULES):
            seconds, loads_torch = await _start(module)
            best[module] = min(seconds, best.get(module, seconds))
            torch[module] = loads_torch
    return [
        ImportCost(module=module, best_ms=round((best[module] - best[""]) * 1000, 1), torch=torch[module])
        for module in _MODULES
    ]


async def _start(module: str) -> tuple[float, bool]:
    statement = f"import {module}; " if module else ""
    program = f"{statement}import sys; sys.exit('torch' in sys.modules)"
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    status = await process.wait()
    return time.perf_counter() - started, status == 1
