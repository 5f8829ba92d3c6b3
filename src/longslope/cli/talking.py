"""Talking on the terminal: answers appear as they come, and Ctrl-C stops an answer, not the conversation."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from contextlib import AsyncExitStack, aclosing
from importlib import import_module

from longslope.cli.conversation import Conversation, default_model
from longslope.cli.ink import inked
from longslope.cli.screen import tell
from longslope.cli.server import Piece, Server, Usage, connected
from longslope.errors import InvalidRequest, PlatformError, nearest

# What would move the cursor, change colours or the window's title: a model may write anything.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


async def ask(
    address: str, key: str, model: str | None, system: str, max_tokens: int | None, question: str
) -> None:
    """Asks one question and prints the answer, as text alone."""
    async with connected(address, key) as server:
        conversation = await _begin(server, model, system, max_tokens)
        await _answer(server, conversation, question)


def converse(address: str, key: str, model: str | None, system: str, max_tokens: int | None) -> None:
    """A conversation until /quit or Ctrl-D."""
    with contextlib.suppress(ImportError):
        import_module("readline")  # gives `input` a history, and keys to edit with

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            server = runner.run(stack.enter_async_context(connected(address, key)))
            conversation = runner.run(_begin(server, model, system, max_tokens))
            print(f"Talking to {conversation.model} at {address}. /help shows the commands, Ctrl-D leaves.")
            while True:
                _turn(runner, server, conversation)
        except EOFError:
            print()
        finally:
            runner.run(stack.aclose())


def _turn(runner: asyncio.Runner, server: Server, conversation: Conversation) -> None:
    """One line of the user's and what comes of it. Raises EOFError when that is the end."""
    try:
        line = input("> ").strip()
    except KeyboardInterrupt:
        print("\n(Ctrl-D or /quit leaves.)")
        return
    if not line:
        return
    try:
        if line.startswith("/"):
            print(conversation.obey(line))
            return
        said: list[str] = []
        try:
            runner.run(_answer(server, conversation, line, said))
        except KeyboardInterrupt:
            print(inked("\n(stopped)", "dim"))
        conversation.add(line, "".join(said))
    except PlatformError as error:
        tell(f"longslope: {error.message}")


async def _begin(server: Server, model: str | None, system: str, max_tokens: int | None) -> Conversation:
    names = await server.names()
    if model is None:
        model = default_model(names, await server.chat_models())
    elif model not in names:
        raise InvalidRequest(
            f'There is no model "{model}" at {server.address}.{nearest(model, names)}', param="model"
        )
    return Conversation(model, names, system, max_tokens)


async def _answer(
    server: Server, conversation: Conversation, question: str, said: list[str] | None = None
) -> None:
    """Prints an answer while it comes and puts its text into `said`, as far as it came."""
    for_people = sys.stdout.isatty()
    began = time.monotonic()
    first = 0.0
    usage = Usage()
    last = ""
    async with aclosing(server.answer(conversation.prompt(question))) as pieces:
        async for piece in pieces:
            if isinstance(piece, Usage):
                usage = piece
                continue
            if piece.text or piece.reasoning:
                first = first or time.monotonic()
            if said is not None:
                said.append(piece.text)
            if for_people:
                _show(piece)
            else:
                sys.stdout.write(piece.text)
                sys.stdout.flush()
            last = piece.text or last
    if not last.endswith("\n"):
        print()
    if for_people and first:
        print(inked(_measured(usage, first - began, time.monotonic() - first), "dim"))


def _show(piece: Piece) -> None:
    sys.stdout.write(inked(_CONTROL.sub("", piece.reasoning), "dim") + _CONTROL.sub("", piece.text))
    sys.stdout.flush()


def _measured(usage: Usage, first_s: float, rest_s: float) -> str:
    """Such as `first token 0.12 s · 64 tokens · 48 a second`."""
    tokens = usage.completion_tokens
    words = [f"first token {first_s:.2f} s"]
    if tokens:
        words.append(f"{tokens:,} tokens")
    if tokens > 1 and rest_s > 0:
        words.append(f"{(tokens - 1) / rest_s:.0f} a second")
    return " · ".join(words)
