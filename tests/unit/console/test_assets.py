"""Static files: kept by browsers for as long as they may be, and nothing else can be asked for."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from longslope.console.assets import FOLDER, Assets, read_assets, serve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    (static / "js").mkdir(parents=True)
    (static / "js/page.js").write_text("export const words = {};\n" * 20)
    (static / "notes.py").write_text("secret = 1")
    (tmp_path / "outside.js").write_text("outside")
    return static


@pytest.fixture
def assets(folder: Path) -> Assets:
    return read_assets(folder)


def test_a_file_under_the_present_digest_is_kept_for_ever(assets: Assets) -> None:
    served = serve(assets, f"/{assets.digest}/js/page.js", None, "")
    assert served is not None
    assert served.status == 200
    assert served.media_type == "text/javascript"
    assert "immutable" in served.headers["Cache-Control"]


@pytest.mark.parametrize("prefix", ["", "0123456789abcdef/"])
def test_under_no_or_an_older_digest_it_is_asked_for_again(assets: Assets, prefix: str) -> None:
    served = serve(assets, f"/{prefix}js/page.js", None, "")
    assert served is not None
    assert served.headers["Cache-Control"] == "no-cache"


def test_a_browser_that_has_the_file_gets_no_body(assets: Assets) -> None:
    first = serve(assets, "/js/page.js", None, "")
    assert first is not None
    again = serve(assets, "/js/page.js", first.headers["ETag"], "gzip")
    assert again is not None
    assert (again.status, again.body) == (304, b"")


def test_it_travels_compressed_where_the_browser_can_read_that(assets: Assets) -> None:
    plain = serve(assets, "/js/page.js", None, "identity")
    packed = serve(assets, "/js/page.js", None, "br, gzip")
    assert plain is not None
    assert packed is not None
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body)
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.js",
        "/js/../../outside.js",
        "/notes.py",
        "/js",
        "/",
        "",
        "//js/page.js/",
        "/%2e%2e/outside.js",
    ],
)
def test_only_files_of_the_folder_are_served(assets: Assets, path: str) -> None:
    assert serve(assets, path, None, "") is None


def test_a_changed_file_changes_every_address(folder: Path, assets: Assets) -> None:
    (folder / "js/page.js").write_text("changed")
    assert read_assets(folder).digest != assets.digest


def test_the_consoles_own_files_are_all_there() -> None:
    names = set(read_assets().files)
    assert {
        "icons.svg",
        "mark.svg",
        "css/tokens.css",
        "js/playground.js",
        "vendor/uPlot.iife.min.js",
    } <= names


def test_the_vendored_files_are_the_ones_that_the_manifest_pins() -> None:
    manifest = FOLDER / "vendor/manifest.json"
    pinned = {
        file["name"]: file["sha256"]
        for package in json.loads(manifest.read_text())["packages"]
        for file in package["files"]
    }
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in manifest.parent.iterdir()
        if path != manifest
    }
    assert found == pinned
