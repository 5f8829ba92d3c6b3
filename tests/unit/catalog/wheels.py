"""Wheels made for a test, and an index page that serves them."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from tests.unit.catalog.file_server import FileServer


def build_wheel(folder: Path, name: str, members: dict[str, bytes], version: str = "1.0") -> Path:
    """A wheel that pip accepts, holding `members` by path."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    facts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        for file, text in facts.items():
            archive.writestr(f"{stem}.dist-info/{file}", text)
    return path


def serve_wheels(server: FileServer, wheels: list[Path]) -> None:
    """Puts wheels on the server as an index page with metadata beside, as PEP 658 says."""
    links = ""
    for wheel in wheels:
        content = wheel.read_bytes()
        with zipfile.ZipFile(wheel) as archive:
            metadata = archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA")))
        server.files[f"/{wheel.name}"] = content
        server.files[f"/{wheel.name}.metadata"] = metadata
        sums = hashlib.sha256(content).hexdigest(), hashlib.sha256(metadata).hexdigest()
        links += f'<a href="/{wheel.name}#sha256={sums[0]}" data-core-metadata="sha256={sums[1]}">w</a>\n'
    server.files["/index.html"] = f"<!DOCTYPE html><html><body>\n{links}</body></html>".encode()
