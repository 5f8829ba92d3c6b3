"""When the engine's process dies, its callers hear so and the engine comes back by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from asyncio.subprocess import Process
from pathlib import Path

import psutil
import pytest

from longslope.engines.protocol import EngineState
from longslope.errors import EngineUnavailable
from tests.integration.engines.conftest import StartLlama
from tests.integration.engines.works import ENDLESS, until, work

PARENT = """
import asyncio, sys
from pathlib import Path
from longslope.engines.llama import LlamaConfig, LlamaEngine

async def main():
    engine = LlamaEngine(LlamaConfig(
        version="mini@1", weights=Path(sys.argv[1]), log_dir=Path(sys.argv[2]), context=512))
    starting = asyncio.create_task(engine.start())
    while engine.health().pid is None:
        await asyncio.sleep(0.01)
    if sys.argv[3] == "ready":
        await starting
    print("pid", engine.health().pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSEGV])
async def test_a_crash_in_mid_stream_is_told_and_mended(
    start_llama: StartLlama, sent: signal.Signals
) -> None:
    engine = await start_llama(slots=1)
    pid = engine.health().pid
    assert pid
    frames = engine.chat_stream(work(max_tokens=900, **ENDLESS))
    await anext(frames)
    waiting = asyncio.create_task(engine.chat(work()))
    await until(lambda: engine.in_flight == 2)
    os.kill(pid, sent)
    with pytest.raises(EngineUnavailable, match=r"mini@1#0 stopped while answering; retry"):
        async for _ in frames:
            pass
    with pytest.raises(EngineUnavailable):
        await waiting
    assert engine.in_flight == 0
    await until(lambda: engine.health().state is not EngineState.READY)
    assert f"signal {sent.value} ({sent.name})" in engine.health().detail
    await until(lambda: engine.health().state is EngineState.READY)
    assert engine.health().restarts == 1
    assert engine.health().detail == ""
    assert engine.health().pid != pid
    await engine.chat(work(max_tokens=1))


async def test_a_crash_fails_a_whole_answer(start_llama: StartLlama) -> None:
    engine = await start_llama()
    asking = asyncio.create_task(engine.chat(work(max_tokens=900, **ENDLESS)))
    choices = asyncio.create_task(engine.chat(work(max_tokens=900, choices=2, **ENDLESS)))
    await until(lambda: engine.in_flight == 3)
    os.kill(engine.health().pid or 0, signal.SIGKILL)
    for task in (asking, choices):
        with pytest.raises(EngineUnavailable):
            await task
    assert engine.in_flight == 0


async def test_weights_cut_short_leave_it_down_with_the_reason(
    start_llama: StartLlama, mini_gguf: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.gguf"
    with mini_gguf.open("rb") as whole:
        broken.write_bytes(whole.read(40_000_000))
    engine = await start_llama(weights=broken)
    assert engine.health().state is EngineState.DOWN
    assert "corrupted or incomplete" in engine.health().detail
    with pytest.raises(EngineUnavailable, match="mini@1#0 is down; retry") as refused:
        await engine.chat(work())
    assert refused.value.retry_after_s
    with pytest.raises(EngineUnavailable):
        await anext(engine.chat_stream(work()))
    await until(lambda: engine.health().restarts >= 2)  # it keeps trying
    broken.unlink()
    broken.symlink_to(mini_gguf)
    await until(lambda: engine.health().state is EngineState.READY)  # and finds the weights mended


@pytest.mark.parametrize("when", ["loading", "ready"])
def test_a_killed_parent_leaves_no_orphan(mini_gguf: Path, tmp_path: Path, when: str) -> None:
    command = [sys.executable, "-c", PARENT, str(mini_gguf), str(tmp_path), when]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        line = next(line for line in parent.stdout if line.startswith("pid "))
        child = psutil.Process(int(line.split()[1]))
        parent.kill()
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)


async def test_a_child_ends_with_its_stdin(llama_child: tuple[Process, str]) -> None:
    """The way out where the system does not tell a child of its parent's death."""
    child, _ = llama_child
    assert child.stdin
    child.stdin.close()
    assert await child.wait() == 0
