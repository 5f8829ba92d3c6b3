"""The console's words: every language whole, every key used, the right language chosen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from longslope.console import texts
from longslope.console.pages import PAGES

CONSOLE = Path(texts.__file__).parent
WORDS = texts.read_texts()
SOURCES = {
    path: path.read_text("utf-8")
    for folder, pattern in (("templates", "*.html"), ("static/js", "*.js"))
    for path in sorted((CONSOLE / folder).rglob(pattern))
}
TABLES = "|".join(sorted({key.partition(".")[0] for key in WORDS["en"]}))
# A key in the sources, or the part of one that stands before a placeholder: t(`keys.trace_${row.trace}`).
KEY = re.compile(rf"""["'`]((?:{TABLES})\.[a-z0-9_]+)(" ~ |["'`]|\$\{{)""")


def uses() -> set[tuple[Path, str, bool]]:
    """Every `(file, key, whole)` in the sources; `whole` is false where a placeholder follows."""
    found = {
        (path, match[1], match[2] in "\"'`")
        for path, source in SOURCES.items()
        for match in KEY.finditer(source)
    }
    computed = {
        (path, f"{table}.", False)
        for path, source in SOURCES.items()
        for table in re.findall(r"`(\w+)\.\$\{", source)
    }
    return found | computed


def placeholders(words: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", words))


def test_every_language_has_the_same_keys_and_placeholders() -> None:
    shapes = [
        {key: placeholders(words) for key, words in WORDS[language].items()} for language in texts.LANGUAGES
    ]
    assert all(shape == shapes[0] for shape in shapes)


def test_no_words_are_empty_or_left_in_the_other_language() -> None:
    assert all(words.strip() for language in WORDS.values() for words in language.values())
    assert [key for key, words in WORDS["en"].items() if re.search(r"[\u4e00-\u9fff]", words)] == []


def test_every_key_that_the_sources_use_exists() -> None:
    missing = {(path.name, key) for path, key, whole in uses() if whole and key not in WORDS["en"]}
    assert missing == set()


def test_no_key_is_unused() -> None:
    whole = {key for _, key, is_whole in uses() if is_whole}
    starts = tuple(key for _, key, is_whole in uses() if not is_whole)
    titles = {f"{page.name}.title" for page in PAGES}
    unused = [key for key in WORDS["en"] if key not in whole | titles and not key.startswith(starts)]
    assert unused == []


@pytest.mark.parametrize(
    ("remembered", "accepted", "chosen"),
    [
        (None, "", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "zh-Hant", "zh"),
        (None, "fr,zh;q=0.3,en;q=0.7", "en"),
        (None, "en;q=0, zh;q=0.1", "zh"),
        (None, "de-DE,fr", "en"),
        (None, "zh;q=broken", "en"),
        ("en", "zh-CN", "en"),
        ("zh", "en-GB", "zh"),
        ("../../etc/passwd", "zh", "zh"),
    ],
)
def test_the_language_is_the_remembered_one_or_the_browsers_first(
    remembered: str | None, accepted: str, chosen: str
) -> None:
    assert texts.choose_language(remembered, accepted) == chosen
