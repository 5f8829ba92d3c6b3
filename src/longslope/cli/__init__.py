"""The command line: one file per group of commands, loaded when the command is called and not before.

An error is one sentence on stderr and a status of 1; a traceback is kept for what nobody foresaw.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from cyclopts import App, CycloptsError, Parameter, UnknownCommandError

from longslope.errors import PlatformError, nearest

COMMANDS = {
    "up": "Starts the platform: models, API and console, at one address.",
    "chat": "Talks to a model of a running longslope.",
    "models": "The models: which there are, fetch their weights, add others, remove.",
    "keys": "The keys that open the API: list, create, revoke.",
    "usage": "Shows what was used and what it cost, with totals, or writes every row.",
    "settings": "Shows each setting in force, and where its value came from.",
    "backup": "Writes everything durable but the weights into one file, while longslope runs.",
    "restore": "Puts a backup into a home that no longslope runs on.",
    "doctor": "Checks this machine and this home, and names the cure of what is wrong.",
    "bench": "Measures this platform on this machine: ratios, each taken within one run.",
}
"""Every command and its summary, here so that `longslope --help` needs to import none of them."""

_GROUPS = (
    "models",
    "keys",
    "bench",
)  # these modules hold an App, the others a function of the command's name

# Plain text (not Markdown) keeps the examples' lines as they stand, and no reader of Markdown need be loaded.
_HELP = """A self-hosted model platform that gets better from the people who use it.

    To begin:

        longslope up                          start it, and open the address it prints
        longslope chat "Why is snow white?"   ask a model
        longslope COMMAND --help              what a command does, with examples
    """


def _version() -> str:
    from importlib.metadata import version

    return f"longslope {version('longslope')}"


def create_app(called: str = "") -> App:
    """The command line's application. `called` is the command that will run: it brings its own help."""
    app = App(
        name="longslope",
        help=_HELP,
        help_format="plaintext",
        version=_version,
        default_parameter=Parameter(show_default=False),  # the help texts say what matters
    )
    for place, (name, summary) in enumerate(COMMANDS.items()):
        app.command(
            f"longslope.cli.{name}:{'app' if name in _GROUPS else name}",
            name=name,
            help=None if name == called else summary,
            sort_key=place,
        )
    return app


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line; `arguments` are the process's own where none are given."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        app = create_app(next(iter(arguments), ""))
        status = app(arguments, print_error=False, exit_on_error=False, result_action="return_value")
        sys.stdout.flush()  # here, where it can still be told that nobody reads
    except CycloptsError as error:
        _fail(_misspelt(error))
    except PlatformError as error:
        _fail(error.message)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        _fail(_foreseen(error) or _unforeseen(error))
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str) -> NoReturn:
    print(f"longslope: {message}", file=sys.stderr)
    sys.exit(1)


def _misspelt(error: CycloptsError) -> str:
    """What was wrong with the arguments, the nearest right ones, and where they are explained."""
    chain = " ".join(["longslope", *(error.command_chain or ())])
    if isinstance(error, UnknownCommandError) and error.unused_tokens and error.app is not None:
        word = error.unused_tokens[0]
        known = [name for name in error.app if not name.startswith("-")]
        return f'There is no command "{word}".{nearest(word, known)} Choose from {", ".join(known)}.'
    return f"{' '.join(str(error).split())} Run `{chain} --help` for examples."


def _foreseen(error: Exception) -> str | None:
    """One sentence for failures of the system and the database, which libraries give their own classes."""
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}."
    if "sqlalchemy" not in sys.modules:
        return None
    from sqlalchemy.exc import DBAPIError

    if isinstance(error, DBAPIError):
        return f"The database failed: {error.orig}. See what `longslope doctor` says of it."
    return None


def _unforeseen(error: Exception) -> str:
    import traceback  # and not the log's own rendering, which shows variables, and so may show secrets

    traceback.print_exception(error)
    return (
        f"Nobody foresaw this ({type(error).__name__}: {error}). The lines above say where it happened; "
        "please report them."
    )
