from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Chat = Callable[..., Result]


def test_one_message_gets_one_answer(argent_chat: Chat, kernel: Any) -> None:
    result = argent_chat("--message", "hello you")

    assert (result.exit_code, result.stdout) == (0, "Hello there.\n")
    assert list(kernel.sent) == ["turn-1-0"] and not kernel.outbox


@pytest.mark.parametrize("arguments", [(), ("--message", "-")])
def test_a_pipe_is_one_message(argent_chat: Chat, kernel: Any, arguments: tuple[str, ...]) -> None:
    result = argent_chat(*arguments, stdin="first line\nsecond line\n")

    assert result.stdout == "You said: first line\nsecond line\n"
    (event,) = kernel.events.values()
    assert event.text == "first line\nsecond line"


def test_the_message_is_the_owners_and_the_answer_comes_back_here(
    argent_chat: Chat, kernel: Any
) -> None:
    argent_chat("-m", "hi", "--conversation", "work")

    (event,) = kernel.events.values()
    assert (event.trust, event.conversation) == ("owner", "terminal:work")
    assert (event.reply_to.channel, event.reply_to.chat) == ("terminal", "work")
    assert event.from_person


def test_json_is_one_object_with_all_that_is_known(argent_chat: Chat, kernel: Any) -> None:
    result = argent_chat("--json", "-m", "tool please")

    assert json.loads(result.stdout) == {
        "answer": "It is 2.",
        "approval": None,
        "conversation": "main",
        "model": "scripted",
        "reason": "",
        "state": "answered",
        "tools": ["calc"],
        "turn": "turn-1",
    }
    assert result.exit_code == 0 and list(kernel.sent) == ["turn-1-0"]


def test_what_is_used_and_goes_wrong_is_said_beside_the_answer(argent_chat: Chat) -> None:
    assert '· calc(expression="1+1")' in argent_chat("-m", "tool").stderr

    result = argent_chat("-m", "fail")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "That did not work (the model is away); trying again." in result.stderr
    assert "No answer: the model stays away" in result.stderr


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_failure_is_told_once(argent_chat: Chat, kernel: Any, form: tuple[str, ...]) -> None:
    failed = argent_chat("-m", "fail", *form)

    assert failed.exit_code == 1
    assert "Sorry" not in failed.output
    assert list(kernel.sent) == ["turn-1-0"] and not kernel.outbox
    assert "earlier" not in argent_chat("-m", "hi").stderr


def test_an_answer_cannot_steer_the_terminal(argent_chat: Chat) -> None:
    assert argent_chat("-m", "escape").stdout == "[2Jred31m txt\n"


def test_a_tool_that_needs_a_word_says_how_to_give_it(argent_chat: Chat) -> None:
    result = argent_chat("-m", "ask")

    assert (result.exit_code, result.stdout) == (3, "")
    assert 'allow calc(expression="1+1")?' in result.stderr
    assert "argent approvals allow approval-turn-1" in result.stderr

    found = json.loads(argent_chat("--json", "-m", "ask", "-c", "other").stdout)
    assert found["state"] == "waiting"
    assert found["approval"]["id"] == "approval-turn-2"
    assert found["approval"]["arguments"] == {"expression": "1+1"}


def test_a_cut_connection_loses_and_doubles_nothing(argent_chat: Chat, kernel: Any) -> None:
    result = argent_chat("-m", "cut")

    assert (result.exit_code, result.stdout) == (0, "Half an answer, and the other half.\n")
    assert "The connection to the agent is lost" in result.stderr
    assert "The agent is back" in result.stderr
    assert len(kernel.events) == 1


def test_a_connection_that_is_always_cut_is_given_up(argent_chat: Chat, kernel: Any) -> None:
    kernel.cutting = kernel.refusing = True

    result = argent_chat("-m", "hi")

    assert result.exit_code == 1
    assert "cut again and again" in result.stderr


def test_an_answer_that_nobody_was_there_for_is_shown_once_to_who_comes(
    argent_chat: Chat, kernel: Any
) -> None:
    argent_chat("-m", "ask")
    kernel.allow_all = True

    second = argent_chat("-m", "hi")
    third = argent_chat("-m", "hi again")

    assert second.stdout == "You said: hi\n"
    assert "An earlier answer:\nIt is 2." in second.stderr
    assert "earlier" not in third.stderr
    assert set(kernel.sent) == {"turn-1-0", "turn-2-0", "turn-3-0"}


def test_a_reply_that_was_shown_is_confirmed_but_not_shown_again(
    argent_chat: Chat, kernel: Any
) -> None:
    argent_chat("-m", "hi")
    kernel.outbox = {"turn-1-0": _reply(kernel)}
    kernel.sent.clear()

    result = argent_chat("-m", "again")

    assert "earlier" not in result.stderr
    assert set(kernel.sent) == {"turn-1-0", "turn-2-0"}


def _reply(kernel: Any) -> Any:
    from argent_hookspecs import Reply

    to = kernel.events["turn-1"].reply_to
    return Reply(
        key="turn-1-0", to=to, text="You said: hi", turn="turn-1", conversation="terminal:main"
    )


def test_a_kernel_that_takes_nothing_is_an_error(argent_chat: Chat, kernel: Any) -> None:
    kernel.refusing = True

    result = argent_chat("-m", "hi")

    assert result.exit_code == 1
    assert "No answer: the disk is full" in result.stderr


def test_bytes_that_are_no_text_are_not_said(argent_chat: Chat, kernel: Any) -> None:
    result = argent_chat(stdin=b"\xff\xfe")

    assert result.exit_code == 2
    assert "not UTF-8 text" in result.stderr
    assert kernel.runs == 0


def test_ten_megabytes_are_not_said_at_once(argent_chat: Chat, kernel: Any) -> None:
    result = argent_chat(stdin="x" * 10_000_000)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "has 10,000,000 characters; at most 1,000,000 can be said at once" in result.stderr
    assert kernel.runs == 0


def test_a_home_that_is_deleted_costs_one_line(argent_chat: Chat, kernel: Any) -> None:
    result = argent_chat("-m", "vanish")

    assert (result.exit_code, result.stdout) == (0, "All is gone.\n")
    assert result.stderr.count("may be shown again: No such file or directory") == 1
    assert list(kernel.sent) == ["turn-1-0"] and not kernel.home.exists()


def test_a_home_that_cannot_be_written_stops_no_conversation(
    argent_chat: Chat, kernel: Any
) -> None:
    (kernel.home / "terminal").write_text("not a folder")

    result = argent_chat("-m", "hi")

    assert (result.exit_code, result.stdout) == (0, "You said: hi\n")
    assert "What was shown before is not known here: File exists" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-m", "  "), "the message is empty"),
        ((), "the message is empty"),
        (("-m", "hi", "-c", "a b"), "letters, digits"),
    ],
)
def test_wrong_usage_starts_nothing(
    argent_chat: Chat, kernel: Any, arguments: tuple[str, ...], words: str
) -> None:
    result = argent_chat(*arguments)

    assert result.exit_code == 2
    assert words in result.stderr
    assert kernel.runs == 0


def test_what_the_terminal_remembers_is_for_its_owner_only(
    argent_chat: Chat, tmp_path: Path
) -> None:
    argent_chat("-m", "hi")

    files = list((tmp_path / "terminal").iterdir())
    assert files
    for path in [*files, tmp_path / "terminal"]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_who_waits_long_for_an_answer_is_told(argent_chat: Chat) -> None:
    shown = argent_chat("-m", "ponder long")

    assert shown.stdout == "I thought long.\n"
    assert shown.stderr == "Still waiting for an answer, 5 s now. Ctrl-C stops it.\n"
