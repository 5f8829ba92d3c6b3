"""The process in which llama.cpp computes: `python -m longslope.engines.llama_server`.

Its orders come as one line of JSON on stdin, so that the key is in no process list; when the weights are
loaded, its address goes as one line of JSON to stdout. It ends when stdin does, when its parent dies, or on
SIGTERM, whatever llama.cpp is doing. It imports nothing of the gateway.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import threading
from typing import Any, BinaryIO, Literal, NoReturn, Protocol

import msgspec

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_WARNINGS_AND_ERRORS = 2  # llama.cpp's verbosity; content appears from 4 on

Pooling = Literal["mean", "cls", "last", "model"]


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve.

    `context` is tokens a slot; `batch` how many tokens of prompts are computed before anything else gets its
    turn; `parent` the process to die with; `pooling` how token vectors become a text's, where `model` leaves
    it to the weights' own metadata.
    """

    weights: str
    alias: str
    key: str
    context: int
    slots: int
    threads: int
    embedding: bool
    parent: int
    pooling: Pooling = "mean"
    batch: int = 512
    port: int = 0


class Ready(msgspec.Struct, frozen=True):
    """The line that says the server answers, and where."""

    address: str


class _Server(Protocol):
    listening_address: str


def main() -> NoReturn:
    """Serves until told to end."""
    faulthandler.enable()  # a crash in C++ leaves a trace in the engine's log
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    _die_with(orders.parent)
    report = _take_stdout()
    server = _serve(orders)
    report.write(msgspec.json.encode(Ready(server.listening_address)) + b"\n")
    report.close()
    while True:
        signal.pause()


def _die_with(parent: int) -> None:
    """Makes sure that no orphan is left, even when the parent is killed while weights are loading."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer: it drains first
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # a core file would hold users' prompts
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
    threading.Thread(target=_end_with_stdin, name="lifeline", daemon=True).start()


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _take_stdout() -> BinaryIO:
    """Keeps the real stdout for the report and sends whatever else is printed to stderr."""
    report = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return report


def _serve(orders: Orders) -> _Server:
    import xllamacpp  # takes a tenth of a second, and must not come before `_die_with`

    llama: Any = xllamacpp  # it is compiled, and tells the type checker nothing
    params = llama.CommonParams()
    params.model.path = orders.weights
    params.model_alias = {orders.alias}
    params.api_keys = [orders.key]
    params.hostnames = ["127.0.0.1"]
    params.port = orders.port
    params.n_parallel = orders.slots
    params.n_ctx = orders.context * orders.slots
    params.cpuparams.n_threads = orders.threads
    params.cpuparams_batch.n_threads = orders.threads
    params.cache_ram_mib = 0  # this cache is shared by all slots, and so by all projects
    params.cache_idle_slots = False
    params.endpoint_slots = False  # shows prompts
    params.endpoint_props = False
    params.ui = False
    params.verbosity = _WARNINGS_AND_ERRORS
    params.show_timings = False
    params.n_batch = params.n_ubatch = orders.batch
    if orders.embedding:
        params.embedding = True
        if orders.pooling != "model":
            name = f"LLAMA_POOLING_TYPE_{orders.pooling.upper()}"
            params.pooling_type = getattr(llama.llama_pooling_type, name)
        params.n_batch = params.n_ubatch = orders.context  # a text is embedded in one batch or not at all
    try:
        return llama.Server(params)
    except RuntimeError as failure:
        sys.exit(f"llama.cpp did not start: {failure}")  # it wrote the cause above


if __name__ == "__main__":
    main()
