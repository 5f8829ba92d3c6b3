"""`longslope chat`: one question, or a conversation on the terminal."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter

from longslope.cli.home import Home
from longslope.errors import AuthenticationFailed, InvalidRequest
from longslope.settings import Settings, load


def chat(
    *question: Annotated[str, Parameter(name="QUESTION", help="Ask this and end; without it, converse.")],
    model: Annotated[str | None, Parameter(help="A model, version or endpoint; default: lite.")] = None,
    system: Annotated[str, Parameter(help="A system prompt.")] = "",
    max_tokens: Annotated[int | None, Parameter(help="The most tokens of an answer.")] = None,
    url: Annotated[
        str | None, Parameter(help="The server, if not LONGSLOPE_ADDRESS or the one on this home.")
    ] = None,
    key: Annotated[
        str | None, Parameter(help="The API key, if not LONGSLOPE_API_KEY or the home's admin.key.")
    ] = None,
    home: Home = None,
) -> None:
    """Talks to a model of a running longslope.

    What is piped in follows the question. In a conversation /help shows the
    commands, and Ctrl-C stops an answer.

        longslope chat
        longslope chat "Why is snow white?" --model mini
        git diff | longslope chat "Write a commit message for this change."
    """
    settings = load({"home": home}).settings
    address, secret = _address(url, settings), _key(key, settings)
    asked, piped = " ".join(question), _piped()

    from longslope.cli.talking import ask, converse

    if not asked and piped is None:
        return converse(address, secret, model, system, max_tokens)
    text = "\n\n".join(part for part in (asked, (piped or "").strip()) if part)
    if not text:
        raise InvalidRequest('Nothing was asked. Ask it here, `longslope chat "…"`, or pipe it in.')
    asyncio.run(ask(address, secret, model, system, max_tokens, text))


def _address(url: str | None, settings: Settings) -> str:
    """Where the server listens: `http://HOST:PORT` and whatever path leads to it, without /v1."""
    given = url or os.environ.get("LONGSLOPE_ADDRESS")
    if not given:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - not bound
        return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    address = given if "://" in given else f"http://{given}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest(f"{given!r} is no address of a server; write it like http://127.0.0.1:8080.")
    return address.rstrip("/").removesuffix("/v1")


def _key(given: str | None, settings: Settings) -> str:
    """The API key. Raises AuthenticationFailed where there is none to be found."""
    key = given or os.environ.get("LONGSLOPE_API_KEY")
    if key:
        return key.strip()
    file = settings.home / "admin.key"
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        raise AuthenticationFailed(
            f"There is no API key: {file} does not exist. Name the server's home with --home, or set "
            "LONGSLOPE_API_KEY to a key that `longslope keys create` made there."
        ) from None


def _piped() -> str | None:
    """What is piped in or redirected from a file; None where a person or nothing is at the other end."""
    if sys.stdin.isatty():
        return None
    kind = os.fstat(sys.stdin.fileno()).st_mode
    if not (stat.S_ISFIFO(kind) or stat.S_ISREG(kind)):
        return ""  # /dev/null of a job's: to read on and on from some other thing would be to hang
    return sys.stdin.buffer.read().decode("utf-8", "replace")
