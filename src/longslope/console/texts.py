"""The console's words in each language, and which language a browser gets.

Words lie in `texts/LANGUAGE.toml`, one table a page and `shared` for the rest; a key is `table.name`. A page
takes the shared table and its own along, for its modules to use.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).with_name("texts")
LANGUAGES = {"en": "en", "zh": "zh-Hans"}  # the file's name: the `lang` attribute
DEFAULT = "en"

Texts = Mapping[str, str]


def read_texts(folder: Path = FOLDER) -> dict[str, Texts]:
    """Every language's words as `{language: {"table.name": words}}`."""
    return {
        language: _flatten(tomllib.loads((folder / f"{language}.toml").read_text("utf-8")))
        for language in LANGUAGES
    }


def _flatten(tables: Mapping[str, Mapping[str, str]]) -> Texts:
    return {f"{table}.{name}": words for table, names in tables.items() for name, words in names.items()}


def of_tables(texts: Texts, tables: tuple[str, ...]) -> dict[str, str]:
    """The words of some tables only, which is what one page's modules need."""
    return {key: words for key, words in texts.items() if key.partition(".")[0] in tables}


def choose_language(remembered: str | None, accept_language: str) -> str:
    """The language the user chose, else the first of `Accept-Language` (RFC 9110, 12.5.4) that there is."""
    if remembered in LANGUAGES:
        return remembered
    wanted: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0].strip().lower()
        quality = _quality(parameter)
        if language in LANGUAGES and quality > 0:
            wanted.append((quality, language))
    return max(wanted, key=lambda pair: pair[0])[1] if wanted else DEFAULT


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
