"""`longslope bench`: measures this platform on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from longslope.settings import load

app = App(name="bench", help="Measures this platform on this machine: ratios, each taken within one run.")


@app.command
def gateway(
    *,
    json: Annotated[
        list[Path] | None, Parameter(consume_multiple=(0, 1), negative="", help="JSON to FILE, or to stdout")
    ] = None,
    plot: Annotated[Path | None, Parameter(help="a picture (SVG) of the figures to this file")] = None,
    quick: Annotated[
        bool, Parameter(negative="", help="seconds instead of minutes, and figures to match")
    ] = False,
    only: Annotated[str | None, Parameter(help="parts with commas between; all by default")] = None,
    rival: Annotated[bool, Parameter(help="install and measure LiteLLM's proxy beside")] = True,
    home: Annotated[Path | None, Parameter(help="where weights and the cache are")] = None,
) -> None:
    """Measures the gateway: requests a second on one core, added latency, streaming, start, memory, import.

    Takes about ten minutes on an idle machine, and the first time some more to fetch weights and the rival.
    The parts are imports, readiness, throughput, latency, memory and streaming. A missed target is a figure,
    not an error.

    longslope bench gateway
    longslope bench gateway --quick --no-rival
    longslope bench gateway --only throughput,latency --json result.json --plot result.svg
    """
    from longslope.bench.gateway import FULL, QUICK, choose_parts, encode, measure_gateway
    from longslope.bench.loops import run
    from longslope.bench.workshop import Workshop
    from longslope.logs import configure_logs

    settings = load({"home": home}).settings
    configure_logs(settings)
    effort = QUICK if quick else FULL
    parts = choose_parts(only)
    report = run(measure_gateway(Workshop(settings.home), effort, parts, with_rival=rival))
    if plot is not None:
        from longslope.bench.plot import draw

        plot.write_text(draw(report), "utf-8")
    if json is not None and not json:
        sys.stdout.buffer.write(encode(report))
        return
    if json:
        json[0].write_bytes(encode(report))
    from rich.console import Console

    from longslope.bench.summary import show

    show(report, Console())
