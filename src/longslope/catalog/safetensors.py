"""Reads safetensors: eight bytes of length, a JSON header, then the tensors. No code can hide in it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from longslope.errors import WeightsError

if TYPE_CHECKING:
    import numpy as np

MOST_HEADER_BYTES = 16 << 20
_DTYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "<u1"}


class _Entry(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def read_tensors(path: Path) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Every tensor with its name, ordered by name, one at a time in memory.

    Raises WeightsError for a header that is unsound or a file that is cut short.
    """
    import numpy as np

    size = path.stat().st_size
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if header_bytes > min(MOST_HEADER_BYTES, size - 8):
            raise WeightsError(
                f"{path.name} is no sound safetensors file: its header would be {header_bytes:,} bytes."
            )
        entries = _entries(file.read(header_bytes), path)
        start = 8 + header_bytes
        for name in sorted(entries):
            entry = entries[name]
            begin, end = entry.data_offsets
            if entry.dtype not in _DTYPES or min(entry.shape, default=0) < 0:
                raise WeightsError(
                    f"{path.name} is no sound safetensors file for this: {name} is {entry.dtype}."
                )
            dtype = np.dtype(_DTYPES[entry.dtype])
            if not 0 <= begin <= end <= size - start or end - begin != dtype.itemsize * prod(entry.shape):
                raise WeightsError(f"{path.name} is no sound safetensors file: {name} lies outside it.")
            file.seek(start + begin)
            yield name, np.frombuffer(file.read(end - begin), dtype=dtype).reshape(entry.shape)


def _entries(header: bytes, path: Path) -> dict[str, _Entry]:
    try:
        raw = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        return {
            name: msgspec.json.decode(entry, type=_Entry)
            for name, entry in raw.items()
            if name != "__metadata__"
        }
    except msgspec.DecodeError as error:
        raise WeightsError(f"{path.name} is no sound safetensors file: {error}.") from error
