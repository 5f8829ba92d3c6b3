"""The command line as a whole: help that teaches, errors that name the nearest, nothing loaded in vain."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest
from cyclopts import App

from longslope.cli import COMMANDS, create_app, main

OWN = [name for name in COMMANDS if name != "bench"]


def commands_of(app: App, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], App]]:
    """Every command below `app`, groups included."""
    yield path, app
    for name in app:
        if not name.startswith("-"):
            yield from commands_of(app[name], (*path, name))


def every_command() -> list[tuple[tuple[str, ...], App]]:
    return [each for name in OWN for each in commands_of(create_app(name)[name], (name,))]


def examples_of(app: App) -> list[str]:
    """The lines of a command's help that are examples: those that stand in."""
    function = app.default_command
    text = (function.__doc__ if function is not None else app.help) or ""
    return [line.strip() for line in text.splitlines() if re.match(r" {8}\S", line)]


COMMANDS_BELOW = every_command()


@pytest.mark.parametrize(("path", "app"), COMMANDS_BELOW, ids=[" ".join(path) for path, _ in COMMANDS_BELOW])
def test_every_command_has_examples_and_all_of_them_are_right(path: tuple[str, ...], app: App) -> None:
    examples = examples_of(app)
    assert len(examples) >= 2
    for example in examples:
        call = example[example.index("longslope ") :].rstrip(")")
        _, *tokens = shlex.split(call)
        command, _, ignored = create_app(tokens[0]).parse_args(tokens, print_error=False, exit_on_error=False)
        assert tuple(tokens[: len(path)]) == path
        assert command is not None
        assert ignored == {}


@pytest.mark.parametrize("name", OWN)
def test_the_summary_in_the_list_is_that_of_the_command(name: str) -> None:
    module = import_module(f"longslope.cli.{name}")
    text = module.app.help if hasattr(module, "app") else getattr(module, name).__doc__
    assert text.splitlines()[0] == COMMANDS[name]


def test_help_shows_the_examples_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["keys", "create", "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out.splitlines()
    assert "    longslope keys create ci" in shown
    assert "    longslope keys create ci --models mini,lite --expires 90d" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["moddels"], 'There is no command "moddels". Did you mean "models"?'),
        (["models", "lst"], 'There is no command "lst". Did you mean "list"?'),
        (["up", "--prot", "9"], "--prot. Did you mean --port?"),
        (["up", "--port", "many"], 'unable to convert "many" into int'),
        (["keys", "create", "ci", "--role", "amdin"], 'Did you mean "admin"?'),
        (["backup"], "FILE"),
    ],
)
def test_what_is_misspelt_names_the_nearest(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    captured = capsys.readouterr()
    assert end.value.code == 1
    assert captured.out == ""
    assert captured.err.startswith("longslope: ")
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"longslope {version('longslope')}\n"


def modules_after(statement: str) -> set[str]:
    report = "import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{report}"], check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_list_of_commands_loads_none_of_them() -> None:
    loaded = modules_after(
        "from longslope.cli import main\ntry:\n main(['--help'])\nexcept SystemExit:\n pass"
    )
    assert "longslope.cli" in loaded
    assert {name for name in loaded if name.startswith("longslope.cli.")} == set()
    assert loaded & {"sqlalchemy", "structlog", "aiohttp", "litestar", "xllamacpp", "rich.markdown"} == set()


@pytest.mark.parametrize("name", [name for name in OWN if name != "up"])  # that one needs its logs at once
def test_a_command_loads_no_more_than_it_needs(name: str) -> None:
    heavy = {"duckdb", "alembic", "rich", "xllamacpp", "gguf", "litestar", "aiohttp", "sqlalchemy"}
    loaded = modules_after(f"import longslope.cli.{name}")
    assert {module.partition(".")[0] for module in loaded} & heavy == set()
