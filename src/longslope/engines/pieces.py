"""Where tokens lie in the text that they came from.

Tokenizers give ids and pieces; a piece may be a part of a character (byte fallback), carry a space that the
text does not have, or be a normal form of what stands there. `place` lays them along the text's UTF-8 bytes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from functools import cache

from longslope.engines.protocol import Token

_LONG_BYTES = 16 * 1024
_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def place(text: bytes, tokens: Iterable[tuple[int, bytes]]) -> list[Token]:
    """Each token (id, piece) with its bytes' place in `text`, in order, never overlapping.

    A piece that cannot be found, such as a begin-of-text mark, gets an empty place.
    """
    placed: list[Token] = []
    at = 0
    for token_id, piece in tokens:
        start, end = _span(text, at, piece)
        placed.append(Token(token_id, start, end))
        at = end
    return placed


async def placed(text: bytes, tokens: Iterable[tuple[int, bytes]]) -> list[Token]:
    """As `place`; a long text is worked through in a thread, so that nobody else waits for it."""
    if len(text) <= _LONG_BYTES:
        return place(text, tokens)
    return await asyncio.to_thread(place, text, tokens)


def _span(text: bytes, at: int, piece: bytes) -> tuple[int, int]:
    if text.startswith(piece, at):
        return at, at + len(piece)
    bare = piece.strip()
    if not bare:
        return at, at
    near = text[at : at + 4 * len(piece) + 16]  # a piece is never far from where the last one ended
    found = near.find(bare)
    if found < 0:
        found = near.lower().find(bare.lower())
    return (at, at) if found < 0 else (at + found, at + found + len(bare))


def piece_bytes(piece: str | Sequence[int]) -> bytes:
    """The bytes of a piece as llama.cpp gives it: a text, or numbers where it is no whole character."""
    return piece.encode() if isinstance(piece, str) else bytes(piece)


def vocabulary_bytes(piece: str) -> bytes:
    """The bytes of a piece as vocabularies write it: GPT-2's byte letters, SentencePiece's `▁`."""
    if byte := _BYTE_PIECE.fullmatch(piece):
        return bytes([int(byte[1], 16)])
    if "▁" in piece:
        return piece.replace("▁", " ").encode()
    letters = _byte_letters()
    if all(letter in letters for letter in piece):
        return bytes(letters[letter] for letter in piece)
    return piece.encode()


@cache
def _byte_letters() -> dict[str, int]:
    """GPT-2's `bytes_to_unicode`, turned round."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    letters = {chr(byte): byte for byte in printable}
    rest = (byte for byte in range(256) if byte not in set(printable))
    return letters | {chr(256 + place): byte for place, byte in enumerate(rest)}
