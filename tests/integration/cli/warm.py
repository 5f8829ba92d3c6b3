"""A process in which the command line is loaded, and which forks for each call: `python -m …warm SOCKET`.

A call is one JSON line with the arguments, the environment and the folder, and three open files. The child
answers with its exit status. So a call costs milliseconds where a start and its imports would cost a second.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from importlib import import_module
from typing import NoReturn

LOADED = (
    "alembic.command",
    "longslope.catalog.register",
    "longslope.cli.adding",
    "longslope.cli.backup",
    "longslope.cli.checks.engine",
    "longslope.cli.checks.upstreams",
    "longslope.cli.doctor",
    "longslope.cli.keys",
    "longslope.cli.models",
    "longslope.cli.restore",
    "longslope.cli.settings",
    "longslope.cli.talking",
    "longslope.cli.usage_report",
    "longslope.store.migrate",
    "sqlalchemy.dialects.sqlite.aiosqlite",
)


def serve(path: str) -> NoReturn:
    """Answers calls until killed."""
    for module in LOADED:
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the children's statuses come over their sockets
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("warm", flush=True)
        while True:
            caller, _ = listener.accept()
            with caller:
                if os.fork() == 0:
                    listener.close()
                    _call(caller)


def _call(caller: socket.socket) -> NoReturn:
    status = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        line, files, _, _ = socket.recv_fds(caller, 1 << 20, 3)
        call = json.loads(line)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.environ.clear()
        os.environ.update(call["environment"])
        os.chdir(call["folder"])
        sys.argv = ["longslope", *call["arguments"]]
        status = _run()
    finally:
        caller.sendall(str(status).encode())
        os._exit(0)


def _run() -> int:
    from longslope.cli import main

    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
