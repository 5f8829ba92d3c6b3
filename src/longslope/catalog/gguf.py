"""Reads the header of a GGUF file, in a bounded way and without trusting it.

GGUF is llama.cpp's file format: a magic, counts, metadata, tensor descriptions, then the tensors' bytes (the
specification is `docs/gguf.md` of ggml). Weights are data here: whatever can hold code, pickle above all, is
refused by name, and no byte sequence raises anything but WeightsError.
"""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from longslope.catalog.foreign import HEAD_BYTES, describe
from longslope.catalog.ggml_types import FILE_TYPES, TENSOR_TYPES
from longslope.errors import WeightsError

# Far above any real model, far below what could hurt: the largest vocabularies have about 300,000 tokens.
MOST_ENTRIES = 65_536
MOST_VALUES = 8_000_000
MOST_KEY_BYTES = 1024
MOST_TEXT_BYTES = 1 << 20
MOST_ELEMENTS = 1 << 50
MOST_DIMENSIONS = 4
MOST_NESTING = 4

# Value types by number; 8 is a string, 9 an array.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_VERSIONS = (2, 3)


class GgufFacts(msgspec.Struct, frozen=True):
    """What a GGUF file says of itself.

    `context_length` is in tokens, 0 where it is not said; `parameters` counts the tensors' elements;
    `quantisation` is a name such as Q4_K_M.
    """

    architecture: str
    name: str
    context_length: int
    parameters: int
    quantisation: str
    has_chat_template: bool
    tensors: int
    bytes: int


class _Tensor(NamedTuple):
    elements: int
    kind: int
    offset: int


def inspect_gguf(path: Path) -> GgufFacts:
    """The facts in the header of `path`.

    Raises WeightsError for anything that is no whole GGUF file, and says what it is and what to do.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _facts(_Reader(file, path.name, size))
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from error


class _Reader:
    """A place in a file, read forward; every read is checked against the file's size."""

    def __init__(self, file: BinaryIO, name: str, size: int) -> None:
        self._file = file
        self.name = name
        self.size = size
        self.at = 0
        self._values = 0

    def bytes(self, count: int) -> bytes:
        self.require(count)
        self.at += count
        return self._file.read(count)

    def skip(self, count: int) -> None:
        self.require(count)
        self.at += count
        self._file.seek(self.at)

    def require(self, count: int) -> None:
        if self.at + count > self.size:
            raise WeightsError(
                f"{self.name} is cut short: it has {self.size:,} bytes and needs {self.at + count:,}. "
                "Fetch it again."
            )

    def scalar(self, form: str) -> int | float:
        raw = self.bytes(struct.calcsize(f"<{form}"))
        if len(raw) != struct.calcsize(f"<{form}"):
            raise WeightsError(f"{self.name} became shorter while it was read. Fetch it again.")
        return struct.unpack(f"<{form}", raw)[0]

    def count(self, most: int, what: str) -> int:
        """An unsigned 64-bit number that may be at most `most`."""
        found = int(self.scalar("Q"))
        if found > most:
            raise self.unsound(f"it says it has {found:,} {what}, more than {most:,}")
        return found

    def text(self, most: int = MOST_TEXT_BYTES) -> str:
        return self.bytes(self.count(most, "bytes of text")).decode("utf-8", "replace")

    def skip_strings(self, count: int) -> None:
        """Passes over strings; a tight loop, for a vocabulary has hundreds of thousands."""
        self.budget(count)
        read, seek, size, at = self._file.read, self._file.seek, self.size, self.at
        for _ in range(count):
            at += 8 + int.from_bytes(read(8), "little")
            if at > size:
                break
            seek(at)
        self.skip(at - self.at)

    def budget(self, count: int) -> None:
        """Counts values passed over, so that no file can keep this busy for long."""
        self._values += count
        if self._values > MOST_VALUES:
            raise self.unsound(f"it has more than {MOST_VALUES:,} values")

    def unsound(self, reason: str) -> WeightsError:
        return WeightsError(
            f"{self.name} is no sound GGUF file: {reason}. Fetch it again, or convert it anew."
        )


def _facts(reader: _Reader) -> GgufFacts:
    head = reader.bytes(min(HEAD_BYTES, reader.size))
    if not head.startswith(b"GGUF"):
        raise WeightsError(f"{reader.name} is {describe(head, reader.name)}.")
    reader.at = 0
    reader.skip(4)
    version = int(reader.scalar("I"))
    if version not in _VERSIONS:
        raise reader.unsound(f"its version is {version} and this reads {_VERSIONS[0]} and {_VERSIONS[1]}")
    tensor_count = reader.count(MOST_ENTRIES, "tensors")
    metadata = _metadata(reader, reader.count(MOST_ENTRIES, "metadata entries"))
    tensors = [_tensor(reader) for _ in range(tensor_count)]
    _check_extent(reader, tensors, metadata.get("general.alignment", 32))
    architecture = str(metadata.get("general.architecture", ""))
    if not architecture:
        raise reader.unsound("it does not say its architecture")
    context_length = metadata.get(f"{architecture}.context_length", 0)
    return GgufFacts(
        architecture=architecture,
        name=str(metadata.get("general.name", "")),
        context_length=context_length if isinstance(context_length, int) else 0,
        parameters=sum(tensor.elements for tensor in tensors),
        quantisation=_quantisation(metadata.get("general.file_type"), tensors),
        has_chat_template="tokenizer.chat_template" in metadata,
        tensors=tensor_count,
        bytes=reader.size,
    )


def _metadata(reader: _Reader, entries: int) -> dict[str, int | float | str]:
    """Every scalar, and the few texts that are wanted; everything else is passed over."""
    found: dict[str, int | float | str] = {}
    for _ in range(entries):
        key = reader.text(MOST_KEY_BYTES)
        kind = int(reader.scalar("I"))
        if form := _SCALARS.get(kind):
            found[key] = reader.scalar(form)
        elif kind == _STRING and key in ("general.architecture", "general.name"):
            found[key] = reader.text()
        else:
            _skip_value(reader, kind, 0)
            found[key] = ""
    return found


def _skip_value(reader: _Reader, kind: int, depth: int) -> None:
    if kind == _STRING:
        return reader.skip_strings(1)
    if kind != _ARRAY or depth >= MOST_NESTING:
        raise reader.unsound(f"it has a value of the unknown type {kind}, or too deep a list")
    inner, length = int(reader.scalar("I")), reader.count(reader.size, "elements in a list")
    if form := _SCALARS.get(inner):
        return reader.skip(length * struct.calcsize(f"<{form}"))
    if inner == _STRING:
        return reader.skip_strings(length)
    reader.budget(length)
    for _ in range(length):
        _skip_value(reader, inner, depth + 1)


def _tensor(reader: _Reader) -> _Tensor:
    reader.skip_strings(1)
    dimensions = int(reader.scalar("I"))
    if dimensions > MOST_DIMENSIONS:
        raise reader.unsound(f"a tensor has {dimensions} dimensions, more than {MOST_DIMENSIONS}")
    elements = prod(reader.count(MOST_ELEMENTS, "elements in a tensor") for _ in range(dimensions))
    if elements > MOST_ELEMENTS:
        raise reader.unsound(f"a tensor has {elements:,} elements")
    return _Tensor(elements, int(reader.scalar("I")), int(reader.scalar("Q")))


def _check_extent(reader: _Reader, tensors: list[_Tensor], alignment: object) -> None:
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 16 or alignment & (alignment - 1):
        raise reader.unsound(f"its alignment is {alignment}, no power of two up to 65536")
    reader.at = -(-reader.at // alignment) * alignment
    for tensor in tensors:
        kind = TENSOR_TYPES.get(tensor.kind)  # a type newer than this table cannot be checked further
        reader.require(tensor.offset + (tensor.elements // kind.block * kind.block_bytes if kind else 0))


def _quantisation(file_type: object, tensors: list[_Tensor]) -> str:
    if isinstance(file_type, int) and file_type in FILE_TYPES:
        return FILE_TYPES[file_type]
    sizes: dict[int, int] = {}
    for tensor in tensors:
        sizes[tensor.kind] = sizes.get(tensor.kind, 0) + tensor.elements
    if not sizes:
        return "none"
    commonest = max(sizes, key=lambda kind: sizes[kind])
    return TENSOR_TYPES[commonest].name if commonest in TENSOR_TYPES else f"type {commonest}"
