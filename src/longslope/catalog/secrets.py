"""Secrets of upstreams: in one file of the home that only its owner can read, never in the store or a log.

`LONGSLOPE_SECRET_NAME` in the environment wins over the file, for machines that share a database.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec


class Secrets:
    """Named secrets of one home."""

    def __init__(self, home: Path) -> None:
        self._file = home / "secrets.json"

    def get(self, name: str) -> str | None:
        """The secret of this name, or None."""
        variable = "LONGSLOPE_SECRET_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
        return os.environ.get(variable) or self._read().get(name)

    def put(self, name: str, secret: str) -> None:
        """Keeps a secret, durably and readable by its owner only."""
        secrets = {**self._read(), name: secret}
        part = self._file.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(secrets))
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self._file)

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
