"""A conversation on the terminal: what was said, and what lines that begin with a slash do to it.

Nothing of it is written anywhere: it ends with the program.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from longslope.cli.server import Message, Prompt
from longslope.errors import InvalidRequest, nearest

COMMANDS = {
    "/model": "/model NAME      talk to another model; without a name, list them",
    "/system": '/system TEXT     set the system prompt; "/system -" takes it away',
    "/clear": "/clear           forget what was said",
    "/help": "/help            show this",
    "/quit": "/quit            leave (so does Ctrl-D)",
}


class Conversation:
    """What was said so far, with which model and system prompt."""

    def __init__(
        self, model: str, names: Sequence[str], system: str = "", max_tokens: int | None = None
    ) -> None:
        """`names` are those that may stand for a model; `max_tokens` is the most that an answer may have."""
        self.model = model
        self.system = system
        self.names = list(names)
        self.max_tokens = msgspec.UNSET if max_tokens is None else max_tokens
        self.turns: list[Message] = []

    def prompt(self, question: str) -> Prompt:
        """What to send for the next question."""
        system = [Message("system", self.system)] if self.system else []
        messages = [*system, *self.turns, Message("user", question)]
        return Prompt(model=self.model, messages=messages, max_tokens=self.max_tokens)

    def add(self, question: str, answer: str) -> None:
        """Keeps a turn. One without an answer is dropped, as models expect the roles to alternate."""
        if answer:
            self.turns += [Message("user", question), Message("assistant", answer)]

    def obey(self, line: str) -> str:
        """Does what a line such as `/model lite` says, and returns what to show for it.

        Raises InvalidRequest for what is unknown, naming the nearest; EOFError for /quit.
        """
        command, _, rest = line.strip().partition(" ")
        argument = rest.strip()
        match command:
            case "/model":
                return self._change_model(argument)
            case "/system":
                return self._change_system(argument)
            case "/clear":
                self.turns.clear()
                return "Forgotten."
            case "/help":
                return "\n".join(COMMANDS.values())
            case "/quit":
                raise EOFError
            case _:
                raise InvalidRequest(f'There is no "{command}".{nearest(command, COMMANDS)} /help shows all.')

    def _change_model(self, name: str) -> str:
        if not name:
            return "\n".join(f"{'*' if name == self.model else ' '} {name}" for name in self.names)
        if name not in self.names:
            raise InvalidRequest(
                f'There is no model "{name}" here.{nearest(name, self.names)} /model lists them.'
            )
        self.model = name
        return f"Talking to {name}."

    def _change_system(self, text: str) -> str:
        if not text:
            return self.system or "There is no system prompt."
        self.system = "" if text == "-" else text
        return "The system prompt is set." if self.system else "There is no system prompt any more."


def default_model(names: Sequence[str], chat_models: Sequence[str]) -> str:
    """The model to talk to when none is named: `lite` where it is served, else the first that chats.

    Raises InvalidRequest when there is none.
    """
    able = [name for name in chat_models if name in names]
    if not able:
        raise InvalidRequest("No model that chats is served there. Start one: `longslope up --models mini`.")
    return "lite" if "lite" in able else able[0]
