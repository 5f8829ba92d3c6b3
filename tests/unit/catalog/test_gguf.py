"""What a GGUF file says of itself, and what is refused: pickles, other formats, cut and hostile files."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longslope.catalog import ggml_types
from longslope.catalog.gguf import MOST_VALUES, GgufFacts, inspect_gguf
from longslope.errors import WeightsError


def written(path: Path, *, file_type: bool = True, template: bool = True) -> bytes:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("A model 模型")
    writer.add_context_length(4096)
    if file_type:
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    writer.add_token_list(["a", "b", "▁c"])
    writer.add_token_scores([0.5, 1.0, 2.0])
    if template:
        writer.add_chat_template("{{ messages }}")
    writer.add_array("nested", [[1, 2], [3]])
    writer.add_tensor("token_embd.weight", np.zeros((3, 32), dtype=np.float32))
    writer.add_tensor("blk.0.weight", np.zeros((8, 32), dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gguf")


@pytest.fixture(scope="module")
def sound(folder: Path) -> bytes:
    return written(folder / "sound.gguf")


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as raised:
        inspect_gguf(path)
    return str(raised.value)


def refusal_of(folder: Path, content: bytes, name: str = "weights.gguf") -> str:
    (folder / name).write_bytes(content)
    return refusal(folder / name)


def test_the_facts_are_those_of_the_header(folder: Path, sound: bytes) -> None:
    assert inspect_gguf(folder / "sound.gguf") == GgufFacts(
        architecture="llama",
        name="A model 模型",
        context_length=4096,
        parameters=3 * 32 + 8 * 32,
        quantisation="Q4_K_M",
        has_chat_template=True,
        tensors=2,
        bytes=len(sound),
    )


def test_without_a_file_type_the_commonest_tensor_type_is_named(tmp_path: Path) -> None:
    written(tmp_path / "a.gguf", file_type=False, template=False)
    facts = inspect_gguf(tmp_path / "a.gguf")
    assert (facts.quantisation, facts.has_chat_template) == ("F16", False)


def test_our_tables_are_those_of_ggml() -> None:
    for number, ours in ggml_types.TENSOR_TYPES.items():
        kind = gguf.GGMLQuantizationType(number)
        assert (kind.name, *gguf.GGML_QUANT_SIZES[kind]) == tuple(ours)
    for number, name in ggml_types.FILE_TYPES.items():
        assert gguf.LlamaFileType(number).name.split("_", 1)[1] == name


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('this ran code')",)


def torch_archive() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Attack()))
    return archive.getvalue()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt"])
def test_a_pickle_is_named_and_refused(tmp_path: Path, protocol: int, name: str) -> None:
    message = refusal_of(tmp_path, pickle.dumps(Attack(), protocol=protocol), name)
    assert message.startswith(f"{name} is a pickle, which can run code")
    assert "GGUF" in message


@pytest.mark.parametrize("name", ["model.gguf", "pytorch_model.bin"])
def test_a_pickle_in_disguise_is_no_better(tmp_path: Path, name: str) -> None:
    assert "is a pickle" in refusal_of(tmp_path, pickle.dumps(Attack()), name)
    assert "PyTorch archive" in refusal_of(tmp_path, torch_archive(), name)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"PK\x03\x04rest", "a zip archive. Unpack it"),
        (struct.pack("<Q", 2) + b"{}", "a safetensors file. Convert it"),
        (b"FUGG\x00\x00\x00\x03", "big-endian"),
        (b"tjgg\x01\x00\x00\x00", "GGML file of 2023"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"  <!DOCTYPE html><html>", "a web page"),
        (b"\x89HDF\r\n\x1a\n", "Keras"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"some text", "no GGUF file"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in refusal_of(tmp_path, content)


def test_a_folder_and_an_absent_file_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / "absent.gguf")


def header(version: int, tensors: int, entries: int, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, entries) + rest


def entry(key: bytes, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(key)) + key + struct.pack("<I", kind) + value


def deep_list(depth: int) -> bytes:
    return struct.pack("<IQ", 9, 1) * depth + struct.pack("<IQ", 4, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (header(1, 0, 0), "its version is 1"),
        (header(3, 1 << 60, 0), "1,152,921,504,606,846,976 tensors"),
        (header(3, 0, 1 << 40), "metadata entries"),
        (header(3, 0, 0), "does not say its architecture"),
        (header(3, 0, 1, struct.pack("<Q", 1 << 62)), "bytes of text"),
        (header(3, 0, 1, entry(b"k", 99, b"")), "unknown type 99"),
        (header(3, 0, 1, entry(b"k", 8, struct.pack("<Q", 1 << 61))), "bytes of text|cut short"),
        (header(3, 0, 1, entry(b"k", 9, struct.pack("<IQ", 4, 1 << 61))), "elements in a list"),
        (header(3, 0, 1, entry(b"k", 9, deep_list(50))), "too deep a list"),
        (header(3, 0, 1, entry(b"general.alignment", 4, struct.pack("<I", 3))), "alignment is 3"),
        (header(3, 1, 0, struct.pack("<QI", 0, 1 << 31)), "dimensions"),
        (header(3, 1, 0, struct.pack("<QIQQ", 0, 2, 1 << 49, 1 << 49)), "elements"),
    ],
)
def test_what_a_hostile_header_claims_is_bounded(tmp_path: Path, content: bytes, words: str) -> None:
    message = refusal_of(tmp_path, content)
    assert any(word in message for word in words.split("|"))


def test_no_file_keeps_the_reader_busy(tmp_path: Path) -> None:
    """A sparse file of zeros is a list of as many empty strings as it has eighths of bytes."""
    path = tmp_path / "endless.gguf"
    count = MOST_VALUES + 1
    path.write_bytes(header(3, 0, 1, entry(b"k", 9, struct.pack("<IQ", 8, count))))
    with path.open("ab") as file:
        file.truncate(8 * count + 4096)
    assert "values" in refusal(path)


def test_a_cut_file_says_what_it_has_and_needs(tmp_path: Path, sound: bytes) -> None:
    message = refusal_of(tmp_path, sound[:-1])
    assert f"has {len(sound) - 1:,} bytes and needs {len(sound):,}" in message


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_no_beginning_of_a_file_passes_for_the_whole(folder: Path, sound: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(sound) - 1))
    refusal_of(folder, sound[:length], "cut.gguf")


@settings(deadline=None, max_examples=300)
@given(
    content=st.binary(max_size=200), magic=st.sampled_from([b"", b"GGUF", header(3, 1, 1), header(2, 2, 3)])
)
def test_no_bytes_raise_anything_else(folder: Path, content: bytes, magic: bytes) -> None:
    refusal_of(folder, magic + content, "bytes.gguf")


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_no_changed_bytes_raise_anything_else(folder: Path, sound: bytes, data: st.DataObject) -> None:
    changed = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(sound) - 1))
        changed[place] = data.draw(st.integers(0, 255))
    (folder / "changed.gguf").write_bytes(changed)
    try:
        facts = inspect_gguf(folder / "changed.gguf")
    except WeightsError:
        return
    assert facts.bytes == len(sound)
