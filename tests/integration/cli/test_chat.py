"""`longslope chat`: questions, pipes, and a conversation on a terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.integration.cli.fake_server import FakeServer
from tests.integration.cli.program import Program
from tests.integration.cli.terminal import Terminal

Open = Callable[..., Awaitable[Terminal]]


async def test_a_question_prints_the_answer_and_nothing_else(
    longslope: Program, fake_server: FakeServer
) -> None:
    ended = await longslope("chat", "Why is", "snow white?", "--system", "Be brief.", "--max-tokens", 9)
    assert (ended.status, ended.out, ended.err) == (0, "lite hears “Why is snow white?”。\n", "")
    (asked,) = fake_server.asked
    assert asked["model"] == "lite"
    assert (asked["stream"], asked["max_tokens"]) == (True, 9)
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why is snow white?"},
    ]


async def test_what_is_piped_in_follows_the_question(longslope: Program, fake_server: FakeServer) -> None:
    ended = await longslope("chat", "Sum it up:", "--model", "mini", stdin="第一行\nline two\n".encode())
    assert ended.status == 0
    assert fake_server.asked[0]["messages"][-1]["content"] == "Sum it up:\n\n第一行\nline two"
    alone = await longslope("chat", stdin=b"just this")
    assert alone.out == "lite hears “just this”。\n"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("refuse", "The prompt has 9000 tokens, and the context of mini has 8192."),
        ("fail", "The engine crashed. Ask again."),
        ("break", "The answer broke off"),
    ],
)
async def test_a_failure_is_told_in_the_servers_words(
    question: str, said: str, longslope: Program, fake_server: FakeServer
) -> None:
    ended = await longslope("chat", question)
    assert ended.status == 1
    assert f"longslope: {said}" in ended.err
    assert "Traceback" not in ended.err


async def test_wrong_names_keys_and_addresses_say_what_to_do(
    longslope: Program, fake_server: FakeServer, environment: dict[str, str], home: Path
) -> None:
    assert 'Did you mean "mini"?' in (await longslope("chat", "hi", "--model", "mimi")).refused()
    assert "no such API key" in (await longslope("chat", "hi", "--key", "ls-wrong")).refused()
    assert "Nothing was asked" in (await longslope("chat", stdin=b" \n")).refused()
    assert "http://127.0.0.1:8080" in (await longslope("chat", "hi", "--url", "ftp://x")).refused()
    refused = (await longslope("chat", "hi", "--url", "http://127.0.0.1:1")).refused()
    assert "Connection refused" in refused
    assert "longslope up" in refused
    del environment["LONGSLOPE_API_KEY"]
    assert str(home / "admin.key") in (await longslope("chat", "hi")).refused()
    home.mkdir()
    (home / "admin.key").write_text("ls-test\n")
    assert (await longslope("chat", "hi")).done() == "lite hears “hi”。\n"


async def test_a_page_that_is_no_longslope_is_told(
    longslope: Program, fake_server: FakeServer, environment: dict[str, str]
) -> None:
    address = environment["LONGSLOPE_ADDRESS"]
    assert "Check --url" in (await longslope("chat", "hi", "--url", f"{address}/elsewhere")).refused()
    assert (await longslope("chat", "hi", "--url", f"{address}/v1/")).status == 0


async def test_a_conversation_remembers_until_it_is_cleared(terminal: Open, fake_server: FakeServer) -> None:
    screen = await terminal("chat", "--model", "mini")
    await screen.expect("Talking to mini")
    screen.press("one\n")
    await screen.expect("mini hears “one”。")
    await screen.expect("4 tokens")
    screen.press("two\n")
    await screen.expect("mini hears “two”。")
    assert [turn["content"] for turn in fake_server.asked[-1]["messages"]] == [
        "one",
        "mini hears “one”。",
        "two",
    ]
    screen.press("/clear\n")
    await screen.expect("Forgotten.")
    screen.press("/system Be brief.\n")
    await screen.expect("The system prompt is set.")
    screen.press("/model lide\n")
    await screen.expect('Did you mean "lite"?')
    screen.press("/model lite\n")
    await screen.expect("Talking to lite.")
    screen.press("three\n")
    await screen.expect("lite hears “three”。")
    assert [turn["content"] for turn in fake_server.asked[-1]["messages"]] == ["Be brief.", "three"]
    screen.press("/quit\n")
    assert await screen.ended() == 0


async def test_ctrl_c_stops_an_answer_and_not_the_program(terminal: Open, fake_server: FakeServer) -> None:
    screen = await terminal("chat")
    await screen.expect("> ")
    screen.press("endless\n")
    await screen.expect("on and on and ")
    screen.press("\x03")
    await screen.expect("(stopped)")
    await fake_server.left.wait()
    screen.press("next\n")
    await screen.expect("lite hears “next”。")
    said = [turn["content"] for turn in fake_server.asked[-1]["messages"]]
    assert said[0] == "endless"
    assert said[1].startswith("on and on and ")
    await screen.expect("> ")
    await screen.insist("\x03", "/quit leaves")
    screen.press("\x04")
    assert await screen.ended() == 0


async def test_a_failed_answer_does_not_end_the_conversation(terminal: Open, fake_server: FakeServer) -> None:
    screen = await terminal("chat")
    await screen.expect("> ")
    screen.press("refuse\n")
    await screen.expect("longslope: The prompt has 9000 tokens")
    screen.press("next\n")
    await screen.expect("lite hears “next”。")
    assert [turn["content"] for turn in fake_server.asked[-1]["messages"]] == ["next"]
    screen.press("/quit\n")
    assert await screen.ended() == 0


async def test_an_answer_cannot_steer_the_terminal(terminal: Open, fake_server: FakeServer) -> None:
    screen = await terminal("chat", "steer", NO_COLOR="1")
    await screen.expect("clean")
    assert await screen.ended() == 0
    assert "\x1b" not in screen.shown
    assert "\x07" not in screen.shown
