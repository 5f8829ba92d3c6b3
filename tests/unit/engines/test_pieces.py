"""Tokens lie where their bytes are."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from longslope.engines.pieces import piece_bytes, place, vocabulary_bytes


def spans(text: str, pieces: list[bytes]) -> list[tuple[int, int]]:
    return [(token.start, token.end) for token in place(text.encode(), enumerate(pieces))]


@given(st.text(min_size=1), st.lists(st.integers(min_value=0), max_size=10))
def test_pieces_that_make_up_the_text_tile_it(text: str, places: list[int]) -> None:
    whole = text.encode()
    edges = sorted({0, len(whole), *(at % len(whole) for at in places)})
    expected = list(pairwise(edges))
    assert spans(text, [whole[start:end] for start, end in expected]) == expected


def test_parts_of_a_character_have_places_of_their_own() -> None:
    assert spans("世!", [b"\xe4\xb8", b"\x96", b"!"]) == [(0, 2), (2, 3), (3, 4)]


def test_marks_and_normal_forms_do_not_push_the_rest_aside() -> None:
    assert spans("Hello World", [b"<s>", b" hello", b" world"]) == [(0, 0), (0, 5), (6, 11)]


def test_pieces_of_llama_are_texts_or_numbers() -> None:
    assert piece_bytes("é") == "é".encode()
    assert piece_bytes([228, 184]) == b"\xe4\xb8"


def test_spellings_of_vocabularies_are_bytes() -> None:
    assert vocabulary_bytes("Ġhi") == b" hi"
    assert vocabulary_bytes("\u00e4\u00b8\u0138") == "世".encode()
    assert vocabulary_bytes("▁hi") == b" hi"
    assert vocabulary_bytes("<0x0A>") == b"\n"
    assert vocabulary_bytes("世") == "世".encode()
