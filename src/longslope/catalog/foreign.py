"""Names a file that is no GGUF, so that the refusal can say what it is and what to do instead."""

from __future__ import annotations

import re

HEAD_BYTES = 64

_PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_PICKLE = (
    "a pickle, which can run code when it is read, and is never loaded here. "
    "Use the same model as GGUF, or its safetensors converted to GGUF"
)
_TEXT_PICKLE = re.compile(rb"[(\]})cI].*\n", re.DOTALL)  # protocols 0 and 1 have no opening mark


def describe(head: bytes, filename: str) -> str:
    """What a file is that opens with `head` (its first HEAD_BYTES bytes), and the remedy: a message's end."""
    suffix = filename[filename.rfind(".") :].lower() if "." in filename else ""
    if not head:
        return "an empty file. Fetch it again"
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 5:
        return _PICKLE
    if head.startswith(b"PK"):
        if suffix in _PICKLE_SUFFIXES or b"data.pkl" in head:
            return f"a PyTorch archive, that is a zip with {_PICKLE}"
        return "a zip archive. Unpack it and name the .gguf file inside"
    if suffix in _PICKLE_SUFFIXES and _TEXT_PICKLE.match(head):
        return _PICKLE
    if head.startswith(b"FUGG"):
        return "a big-endian GGUF file. Convert it for a little-endian machine"
    if head[:4] in (b"ggml", b"lmgg", b"fmgg", b"tjgg", b"algg", b"ggjt"):
        return "a GGML file of 2023, older than GGUF. Convert the model anew with a present llama.cpp"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "a safetensors file. Convert it to GGUF with llama.cpp's convert_hf_to_gguf.py"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file itself. Fetch it with `git lfs pull`"
    if head.lstrip()[:1] == b"<":
        return "a web page: the download was answered by an error or a sign-in page. Fetch it again"
    if head.startswith(b"\x89HDF"):
        return "a Keras or HDF5 file. Use the same model as GGUF"
    if head.startswith(b"\x1f\x8b"):
        return "a gzip archive. Unpack it first"
    return "no GGUF file. Weights for the embedded engine must be GGUF"
