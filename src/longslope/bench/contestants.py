"""The processes that a gateway is measured with and against, apart from the rival: a mock upstream, and a
bare relay.
"""

from __future__ import annotations

import sys

from longslope.bench.child import Command
from longslope.bench.load import Target
from longslope.bench.mock_upstream import MODEL
from longslope.bench.serving import CHAT, chat_body


def mock_command(core: int | None, *delays_ms: float) -> Command:
    """The mock upstream; its ready line has a port for each delay."""
    words = [str(delay_ms) for delay_ms in delays_ms]
    return Command(
        name="the mock upstream",
        arguments=[sys.executable, "-m", "longslope.bench.mock_upstream", *words],
        ready="mock upstream is ready:" + r" (\d+)" * len(words),
        core=core,
    )


def relay_command(core: int | None, upstream_port: int) -> Command:
    """The bare relay in front of the upstream on `upstream_port`; its ready line has its port."""
    return Command(
        name="the relay",
        arguments=[sys.executable, "-m", "longslope.bench.relay", str(upstream_port)],
        ready=r"relay is ready: (\d+)",
        core=core,
    )


def plain_target(port: int) -> Target:
    """The chat request for a server without keys, whose one model is the mock."""
    return Target(port=port, path=CHAT, body=chat_body(MODEL))
