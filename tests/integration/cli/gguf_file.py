"""The smallest GGUF files there are: a header that says what it is of, and no tensors."""

from __future__ import annotations

import struct
from pathlib import Path


def write_gguf(path: Path, architecture: str = "llama", context: int | None = 2048) -> Path:
    """Writes a file whose model has this architecture and context in tokens; None says nothing of it."""
    entries = [_text("general.architecture", architecture), _text("general.name", "Tiny")]
    if context is not None:
        entries.append(_string(f"{architecture}.context_length") + struct.pack("<II", 4, context))
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + b"".join(entries) + b"\0" * 64)
    return path


def _text(key: str, value: str) -> bytes:
    return _string(key) + struct.pack("<I", 8) + _string(value)


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()
