"""The pages: in the user's language and theme, under a strict policy, for those who are signed in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, Request
from litestar.datastructures import Cookie
from litestar.testing import TestClient

from longslope.console import pages
from longslope.console.assets import read_assets
from longslope.console.pages import PAGES, console_routes

PATHS = [page.path.replace("{request_id:str}", "req-1") for page in PAGES]


def nobody(_: Request[Any, Any, Any]) -> None:
    return None


def everybody(_: Request[Any, Any, Any]) -> Cookie:
    return Cookie(key="longslope_session", value="signed", httponly=True)


@pytest.fixture(scope="module")
def local_app() -> Litestar:
    return Litestar(console_routes(everybody), openapi_config=None)


@pytest.fixture(scope="module")
def remote_app() -> Litestar:
    return Litestar(console_routes(nobody), openapi_config=None)


@pytest.fixture
def local(local_app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(local_app) as client:
        yield client


@pytest.fixture
def remote(remote_app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(remote_app) as client:
        yield client


class Inline(HTMLParser):
    """Collects what a strict policy forbids: inline scripts and styles, and handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or "style" in names or any(name.startswith("on") for name in names):
            self.found.append(tag)
        if tag == "script" and "src" not in names and names.get("type") != "application/json":
            self.found.append(tag)


@pytest.mark.parametrize("path", PATHS)
def test_each_page_has_no_inline_code_and_a_policy_that_forbids_it(
    local: TestClient[Litestar], path: str
) -> None:
    answer = local.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    parser = Inline()
    parser.feed(answer.text)
    assert parser.found == []


@pytest.mark.parametrize("path", PATHS)
def test_each_file_that_a_page_names_exists(local: TestClient[Litestar], path: str) -> None:
    addresses = re.findall(r'(?:href|src)="(/console/static/[^"#]+)', local.get(path).text)
    assert any(address.endswith(".js") for address in addresses)
    answers = {address: local.get(address) for address in set(addresses)}
    assert {address for address, answer in answers.items() if answer.status_code != 200} == set()
    assert all("immutable" in answer.headers["cache-control"] for answer in answers.values())


def test_each_icon_that_is_named_is_drawn() -> None:
    console = Path(pages.__file__).parent
    sprite = (console / "static/icons.svg").read_text("utf-8")
    drawn = set(re.findall(r'<symbol id="(\w+)"', sprite))
    named = set[str]()
    for source in [*(console / "templates").rglob("*.html"), *(console / "static/js").rglob("*.js")]:
        text = source.read_text("utf-8")
        named |= set(re.findall(r'icon\(\s*(?:base, )?"(\w+)"\)', text))
        named |= set(re.findall(r'iconName: "(\w+)"', text))
        named |= set(re.findall(r'iconButton\(\s*"(\w+)"', text))
    assert named - drawn == set()


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/console/sign-in"])
def test_who_has_no_session_is_led_to_the_sign_in(remote: TestClient[Litestar], path: str) -> None:
    answer = remote.get(f"{path}?models=mini", follow_redirects=False)
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith("/console/sign-in?next=%2F")
    assert location.endswith("%3Fmodels%3Dmini")


def test_who_has_a_session_is_let_in_and_gets_no_new_one(remote: TestClient[Litestar]) -> None:
    remote.cookies.set("longslope_session", "theirs")
    answer = remote.get("/console/keys")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


def test_a_browser_on_this_machine_is_signed_in_with_the_page(local: TestClient[Litestar]) -> None:
    answer = local.get("/console/keys")
    assert "longslope_session=signed" in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]


def test_language_and_theme_are_the_remembered_ones(local: TestClient[Litestar]) -> None:
    chinese = local.get("/console/usage", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="zh-Hans" data-theme="system">' in chinese.text
    assert "用量" in chinese.text
    local.cookies.set("longslope_language", "en")
    local.cookies.set("longslope_theme", "dark")
    english = local.get("/console/usage", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="en" data-theme="dark">' in english.text


def test_a_theme_that_is_none_falls_back_and_cannot_break_out(local: TestClient[Litestar]) -> None:
    local.cookies.set("longslope_theme", "%22%3E%3Cscript%3E")
    assert 'data-theme="system"' in local.get("/").text


def test_a_pages_words_are_those_that_its_modules_use(local: TestClient[Litestar]) -> None:
    """Follows each page's imports: a key that a module asks for must be among the page's words."""
    files = read_assets().files
    missing: list[str] = []
    for page, path in zip(PAGES, PATHS, strict=True):
        block = re.search(r'id="page">(.*?)</script>', local.get(path).text)
        assert block is not None
        words = set(json.loads(block[1])["words"])
        for name in modules_of(
            f"js/{page.name}.js", {key: asset.body.decode() for key, asset in files.items()}
        ):
            keys = re.findall(r'\bt\("([a-z_]+\.[a-z0-9_]+)"', files[name].body.decode())
            missing += [f"{page.name}: {name}: {key}" for key in keys if key not in words]
    assert missing == []


def modules_of(name: str, sources: dict[str, str]) -> set[str]:
    """The module and all that it imports, and they in turn."""
    found, waiting = set[str](), [name]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        folder = Path(module).parent
        for target in re.findall(r'from "(\.[^"]+)"|import "(\.[^"]+)"', sources[module]):
            parts = list[str]()
            for part in (folder / (target[0] or target[1])).parts:
                if part == "..":
                    parts.pop()
                elif part != ".":
                    parts.append(part)
            waiting.append("/".join(parts))
    return found
