"""What lines that begin with a slash do, and what is sent for a question."""

from __future__ import annotations

import pytest

from longslope.cli.conversation import Conversation, default_model
from longslope.cli.server import Message
from longslope.errors import InvalidRequest


@pytest.fixture
def conversation() -> Conversation:
    return Conversation("mini", ["mini", "lite", "mini@1"])


def test_a_question_goes_out_with_the_system_prompt_and_what_was_said(conversation: Conversation) -> None:
    conversation.obey("/system Be brief.")
    conversation.add("Hello", "Hi.")
    assert conversation.prompt("And now?").messages == [
        Message("system", "Be brief."),
        Message("user", "Hello"),
        Message("assistant", "Hi."),
        Message("user", "And now?"),
    ]


def test_a_question_without_an_answer_is_forgotten(conversation: Conversation) -> None:
    conversation.add("Hello", "")
    assert conversation.prompt("x").messages == [Message("user", "x")]


def test_clear_forgets_the_turns_and_keeps_the_system_prompt(conversation: Conversation) -> None:
    conversation.obey("/system Be brief.")
    conversation.add("Hello", "Hi.")
    conversation.obey("/clear")
    assert conversation.prompt("x").messages == [Message("system", "Be brief."), Message("user", "x")]


def test_the_system_prompt_is_shown_and_taken_away(conversation: Conversation) -> None:
    conversation.obey("/system Be brief.")
    assert conversation.obey("/system") == "Be brief."
    conversation.obey("/system -")
    assert conversation.prompt("x").messages == [Message("user", "x")]


def test_the_model_changes_to_one_that_is_there(conversation: Conversation) -> None:
    conversation.obey("/model lite")
    assert conversation.model == "lite"
    assert conversation.obey("/model").splitlines() == ["  mini", "* lite", "  mini@1"]
    with pytest.raises(InvalidRequest, match=r'no model "lide" here\. Did you mean "lite"'):
        conversation.obey("/model lide")
    assert conversation.model == "lite"


def test_an_unknown_command_names_the_nearest(conversation: Conversation) -> None:
    with pytest.raises(InvalidRequest, match='Did you mean "/clear"'):
        conversation.obey("/claer")


def test_quit_ends(conversation: Conversation) -> None:
    with pytest.raises(EOFError):
        conversation.obey("/quit")


def test_the_default_is_lite_else_the_first_that_chats_and_may_be_used() -> None:
    assert default_model(["mini", "lite"], ["mini", "lite"]) == "lite"
    assert default_model(["big", "mini"], ["lite", "big", "mini"]) == "big"
    with pytest.raises(InvalidRequest, match="longslope up"):
        default_model(["embedding"], [])
