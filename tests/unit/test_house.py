"""The house's rules that no linter knows: CONTRIBUTING.md says what they are for."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/longslope"
VENDOR = PACKAGE / "console/static/vendor"
MODULES = sorted(PACKAGE.rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "base", "tools"}

# In pieces, so that this file does not hold what it forbids.
FORBIDDEN_HOSTS = [
    "py" + "pi.org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "deb.debian" + ".org",
    "security.debian" + ".org",
    "hugging" + "face.co",
    "static.crates" + ".io",
    "proxy.go" + "lang.org",
]
MACHINE_PATHS = re.compile(
    rb"(?<![\w.~-])/(?:wo" + rb"rk/(?:main|shared|\.\w+)|ro" + rb"ot/|tmp/bash" + rb"_jobs)"
)


def tracked_files() -> list[Path]:
    """What git keeps or is about to keep."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.split(b"\0")
    return [path for name in listed if name and (path := ROOT / name.decode()).is_file()]


def name_of(module: Path) -> str:
    return str(module.relative_to(ROOT))


def lines_of(module: Path) -> int:
    return module.read_text(encoding="utf-8").count("\n")


def test_modules_are_short() -> None:
    lengths = {name_of(module): lines_of(module) for module in MODULES if module.stat().st_size}
    assert {name: length for name, length in lengths.items() if length > 400} == {}
    assert statistics.median(lengths.values()) < 200


def test_modules_are_named_by_their_concept() -> None:
    assert [name_of(module) for module in MODULES if module.stem.strip("_") in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_package_reaches_into_anothers_private_module(module: Path) -> None:
    own = module.relative_to(PACKAGE).parts[0]
    reached = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        else:
            continue
        for target in targets:
            root, *parts = target.split(".")
            if root == "longslope" and parts[0] != own and any(part.startswith("_") for part in parts):
                reached.append(target)
    assert reached == []


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        found += [f"{name_of(path)}: {host}" for host in FORBIDDEN_HOSTS if host.encode() in content]
        found += [f"{name_of(path)}: {match.group().decode()}" for match in MACHINE_PATHS.finditer(content)]
    assert found == []


def loaded_after(statement: str) -> set[str]:
    """The top-level modules of a fresh interpreter after `statement`."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}; {report}"], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


def test_the_package_itself_is_light() -> None:
    loaded = loaded_after("import longslope")
    assert "longslope" in loaded
    assert loaded & {"torch", "numpy", "litestar", "sqlalchemy", "aiohttp", "xllamacpp", "duckdb"} == set()


SERVING = ["wire", "store", "catalog", "engines", "gateway", "api", "console", "app"]


@pytest.mark.parametrize("part", [part for part in SERVING if importlib.util.find_spec(f"longslope.{part}")])
def test_serving_does_not_load_what_it_rarely_needs(part: str) -> None:
    heavy = {"torch", "transformers", "duckdb", "alembic", "rich", "xllamacpp", "gguf", "numpy", "pandas"}
    assert loaded_after(f"import longslope.{part}") & heavy == set()


def test_vendored_assets_are_those_of_the_manifest() -> None:
    manifest = json.loads((VENDOR / "manifest.json").read_text())
    pinned = {file["name"]: file["sha256"] for entry in manifest["packages"] for file in entry["files"]}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name != "manifest.json"
    }
    assert found == pinned
