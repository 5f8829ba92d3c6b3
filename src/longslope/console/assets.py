"""The console's static files, read into memory once and served with the headers that let a browser keep them.

Every address holds a digest of the whole folder (`/console/static/3f9a…/js/api.js`), so that one module can
import another by a relative path, and a changed file changes every address. Only files that were read at
start can be asked for, so a path never reaches the file system.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

FOLDER = Path(__file__).with_name("static")
PREFIX = "/console/static"

_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/plain",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
_DIGEST_LENGTH = 16


class Asset(msgspec.Struct, frozen=True):
    """One file: its bytes, the same compressed, its media type and its ETag."""

    body: bytes
    compressed: bytes
    media_type: str
    etag: str


class Assets(msgspec.Struct, frozen=True):
    """All files by path below the folder, and the digest of all of them."""

    files: Mapping[str, Asset]
    digest: str

    @property
    def base(self) -> str:
        """The address below which the files lie, without a slash at its end."""
        return f"{PREFIX}/{self.digest}"


class Served(msgspec.Struct, frozen=True):
    """What to answer: a status, the body and headers."""

    status: int
    body: bytes
    media_type: str
    headers: dict[str, str]


def read_assets(folder: Path = FOLDER) -> Assets:
    """Reads every file below `folder` whose kind the console serves; other files are left out."""
    files: dict[str, Asset] = {}
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        media_type = _TYPES.get(path.suffix)
        if media_type is None or not path.is_file():
            continue
        name, body = path.relative_to(folder).as_posix(), path.read_bytes()
        digest = hashlib.sha256(body).hexdigest()
        whole.update(f"{name}\0{digest}\n".encode())
        files[name] = Asset(body, gzip.compress(body, 6, mtime=0), media_type, f'"{digest[:32]}"')
    return Assets(files, whole.hexdigest()[:_DIGEST_LENGTH])


def serve(assets: Assets, path: str, if_none_match: str | None, accept_encoding: str) -> Served | None:
    """The answer to `path` below the prefix, or None where there is no such file.

    Under the present digest a file may be kept for ever; under an older one, or none, it must be asked for
    again each time, since the page that names it may be older than the files.
    """
    first, _, rest = path.lstrip("/").partition("/")
    is_digest = len(first) == _DIGEST_LENGTH and all(c in "0123456789abcdef" for c in first)
    asset = assets.files.get(rest if is_digest else path.lstrip("/"))
    if asset is None:
        return None
    headers = {
        "ETag": asset.etag,
        "Cache-Control": "public, max-age=31536000, immutable" if first == assets.digest else "no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if if_none_match is not None and asset.etag in if_none_match:
        return Served(304, b"", asset.media_type, headers)
    if "gzip" in accept_encoding and len(asset.compressed) < len(asset.body):
        return Served(200, asset.compressed, asset.media_type, {**headers, "Content-Encoding": "gzip"})
    return Served(200, asset.body, asset.media_type, headers)
