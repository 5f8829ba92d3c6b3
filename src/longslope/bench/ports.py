"""Ports of this machine: one that is free, and when something listens on one."""

from __future__ import annotations

import asyncio
import socket

from longslope.errors import BenchmarkError

_POLL_S = 0.01


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def wait_until_open(port: int, within_s: float = 10.0) -> None:
    """Returns once the port takes connections. Raises BenchmarkError when it does not in time."""
    try:
        async with asyncio.timeout(within_s):
            while not await _is_open(port):  # noqa: ASYNC110 - another process sets no event of ours
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise BenchmarkError(f"Nothing listens on port {port} after {within_s:g} s.") from error


async def _is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True
