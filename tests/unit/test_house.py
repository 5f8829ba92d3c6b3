"""The house's rules that no linter knows: CONTRIBUTING.md says what they are for."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import statistics
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
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


def imports_of(module: Path) -> list[str]:
    """The dotted names that a module imports, wherever in it."""
    names: list[str] = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


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
    for target in imports_of(module):
        root, *parts = target.split(".")
        if root == "longslope" and parts and parts[0] != own and any(part.startswith("_") for part in parts):
            reached.append(target)
    assert reached == []


def test_every_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [*project["optional-dependencies"].items()]
    wanted = [*project["dependencies"], *(need for name, needs in extras if name != "dev" for need in needs)]
    declared = {re.split(r"[\[<>=;@ ]", need, maxsplit=1)[0].lower() for need in wanted}
    owners = packages_distributions()
    undeclared = []
    for module in MODULES:
        for root in {target.partition(".")[0] for target in imports_of(module)} - {"longslope"}:
            owned_by = {name.lower().replace("_", "-") for name in owners.get(root, [root])}
            if root not in sys.stdlib_module_names and not owned_by & declared:
                undeclared.append(f"{name_of(module)}: {root}")
    assert undeclared == []


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


SERVING = ["wire", "store", "catalog", "engines", "gateway", "services", "api", "console", "app.py"]
HEAVY = {"torch", "transformers", "duckdb", "alembic", "xllamacpp", "gguf", "numpy", "pandas", "pyarrow"}


def modules_of(part: str) -> list[str]:
    """The importable names of a part's modules; the migrations are Alembic's to load."""
    paths = [PACKAGE / part] if part.endswith(".py") else sorted((PACKAGE / part).rglob("*.py"))
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names if ".migrations" not in name]


@pytest.mark.parametrize("part", [part for part in SERVING if (PACKAGE / part).exists()])
def test_serving_loads_nothing_heavy_before_it_is_needed(part: str) -> None:
    loaded = loaded_after(f"import {', '.join(modules_of(part))}")
    assert "longslope" in loaded
    assert loaded & HEAVY == set()


def test_vendored_assets_are_those_of_the_manifest() -> None:
    manifest = json.loads((VENDOR / "manifest.json").read_text())
    pinned = {file["name"]: file["sha256"] for entry in manifest["packages"] for file in entry["files"]}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name != "manifest.json"
    }
    assert found == pinned
