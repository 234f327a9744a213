from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pexpect = pytest.importorskip("pexpect", reason="the terminal of a test needs a pseudo-terminal")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

PROGRAM = Path(__file__).with_name("scripted_kernel.py")
CTRL_C = "\x03"
CTRL_D = "\x04"
ALT_ENTER = "\x1b\r"


class Person:
    """Somebody at a terminal, talking with the scripted agent."""

    def __init__(self, home: Path, *arguments: str) -> None:
        environment = {"PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm", "PATH": "", "LANG": "C.UTF-8"}
        self.terminal = pexpect.spawn(
            sys.executable,
            [str(PROGRAM), str(home), *arguments],
            env=environment,
            encoding="utf-8",
            timeout=10,
            dimensions=(40, 100),
        )
        if not arguments:
            self.sees("/help says what you can do")
            self.is_asked()

    def types(self, text: str, enter: str = "\r") -> None:
        self.terminal.send(text + enter)

    def sees(self, text: str) -> None:
        self.terminal.expect_exact(text)

    def is_asked(self) -> None:
        """Wait for the prompt, once it is ready to be typed at."""
        self.terminal.expect("›[^›]*\x1b\\[\\?25h")

    def leaves(self) -> int:
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        status: Any = self.terminal.exitstatus
        return int(status)


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    person = Person(tmp_path)
    yield person
    person.terminal.close(force=True)


def test_the_budget_does_not_part_an_answer(person: Person) -> None:
    person.types("spend")
    person.sees("It is dear.\r\n80% of the budget for today is used ($4.00 of $5.00); see: argent")
    person.is_asked()
    person.types(CTRL_D, enter="")

    assert person.leaves() == 0


def test_a_conversation(person: Person) -> None:
    person.types("hello")
    person.sees("Hello there.")
    person.is_asked()
    person.types("restart")
    person.sees("A first try\r\x1b[JOther words entirely")
    person.is_asked()
    person.types(CTRL_D, enter="")

    assert person.leaves() == 0


def test_a_message_of_several_lines(person: Person) -> None:
    person.types("first\\")
    person.types("second", enter=ALT_ENTER)
    person.types("third")

    person.sees("You said: first\r\nsecond\r\nthird")


def test_pasted_lines_stay_together(person: Person) -> None:
    person.types("\x1b[200~one\ntwo\x1b[201~")

    person.sees("You said: one\r\ntwo")


def test_commands(person: Person) -> None:
    for command, words in (
        ("/help", "Alt-Enter"),
        ("/status", "Model: scripted of script (tier local)"),
        ("/trace", "Nothing has been answered here yet."),
        ("/history", "Nothing has been said here yet."),
        ("/stop", "Nothing is being answered here."),
        ("/what", "There is no such command"),
    ):
        person.types(command)
        person.sees(words)
        person.is_asked()
    person.types("hi")
    person.sees("You said: hi")
    person.is_asked()
    person.types("/trace")
    person.sees("Model: scripted of script (tier local)")
    person.is_asked()
    person.types("/quit")

    assert person.leaves() == 0


@pytest.mark.parametrize("command", ["/model", "/model powerful", "/new"])
def test_the_agents_own_command_goes_to_the_agent(person: Person, command: str) -> None:
    person.types(command)

    person.sees(f"You said: {command}\r\n")


def test_long_messages_are_cut_in_the_history(person: Person) -> None:
    person.types("\x1b[200~" + "\n".join(f"line {n}" for n in range(1, 30)) + "\x1b[201~")
    person.sees("You said: line 1\r\n")
    person.is_asked()
    person.types("/history")
    person.sees("line 6…")


def test_ctrl_c_stops_the_answer_and_not_the_agent(person: Person) -> None:
    person.types("wait")
    person.sees("Thinking")
    person.types(CTRL_C, enter="")
    person.sees("Stopped.\r\n")
    person.is_asked()
    person.types("hi")

    person.sees("You said: hi")


def test_ctrl_c_twice_at_an_empty_prompt_leaves(person: Person) -> None:
    person.types("not sent", enter=CTRL_C)
    person.types(CTRL_C, enter="")
    person.sees("Press Ctrl-C again, or Ctrl-D, to leave.")
    person.is_asked()
    person.types(CTRL_C, enter="")

    assert person.leaves() == 0


@pytest.mark.parametrize(("word", "answer"), [("y", "It is 2."), ("", "You did not want that.")])
def test_a_tool_call_waits_for_the_persons_word(person: Person, word: str, answer: str) -> None:
    person.types("ask")
    person.sees('Allow calc(expression="1+1")? [y/N]')
    person.types(word)

    person.sees(answer)


def test_ctrl_c_stops_an_answer_that_goes_on_after_a_question(person: Person) -> None:
    person.types("run")
    person.sees("[y/N]")
    person.types("y")
    person.sees("Thinking")
    person.types(CTRL_C, enter="")
    person.sees("Stopping the answer")

    person.sees("Stopped.")


def test_what_was_typed_before_a_question_is_not_its_answer(person: Person, tmp_path: Path) -> None:
    person.types("think")
    person.sees("Thinking")
    person.types("y")
    person.sees("y\r\n")
    (tmp_path / "thought").touch()
    person.sees("[y/N]")
    person.types("n")

    person.sees("You did not want that.")
    person.sees("You said: y")


def test_a_question_is_asked_until_it_is_answered(person: Person) -> None:
    person.types("ask")
    person.sees("[y/N]")
    person.types("perhaps")
    person.sees("[y/N] perhaps")
    person.sees("[y/N]")
    person.types("y")

    person.sees("It is 2.")


def test_a_question_that_comes_while_the_person_types_is_not_answered_by_accident(
    person: Person, tmp_path: Path
) -> None:
    person.types("later")
    person.sees("I will come back to you.")
    person.is_asked()
    person.types("half a sent", enter="")
    person.sees("half a sent")
    (tmp_path / "later").touch()
    person.sees("Your word is needed")
    person.is_asked()
    person.types("ence")
    person.sees("[y/N]")
    person.types("y")

    person.sees("It is 2.")
    person.sees("You said: half a sentence")


def test_a_question_that_comes_at_an_empty_prompt_is_asked_at_once(
    person: Person, tmp_path: Path
) -> None:
    person.types("later")
    person.sees("I will come back to you.")
    person.is_asked()
    (tmp_path / "later").touch()
    person.sees("[y/N]")
    person.types("y")

    person.sees("An earlier answer:\r\nIt is 2.")


def test_a_lost_agent_is_looked_for_and_need_not_be_waited_for(
    person: Person, tmp_path: Path
) -> None:
    person.types("go")
    person.sees("I will be gone.")
    person.is_asked()
    (tmp_path / "gone").touch()
    person.sees("The connection to the agent is lost")
    person.is_asked()
    person.types("hello")
    person.sees("Looking for the agent; Ctrl-C ends that.")
    person.types(CTRL_C, enter="")
    person.sees("The agent is still gone, and this was not said. Start it with: argent start")
    person.is_asked()
    person.types("/quit")

    assert person.leaves() == 0


def test_a_failure_is_told_once(person: Person) -> None:
    person.types("fail")
    person.sees("No answer: the model stays away")
    person.is_asked()
    assert "Sorry" not in person.terminal.before
    person.types("hi")
    person.sees("You said: hi")

    assert "earlier" not in person.terminal.before


def test_an_earlier_answer_is_shown_before_the_person_is_asked(tmp_path: Path) -> None:
    (tmp_path / "unread").write_text("It is 2.")

    person = Person(tmp_path)

    assert "An earlier answer:\r\nIt is 2." in person.terminal.before
    person.terminal.close(force=True)


def test_one_message_at_a_terminal_asks_for_the_persons_word(tmp_path: Path) -> None:
    person = Person(tmp_path, "--message", "ask")
    person.sees('Allow calc(expression="1+1")? [y/N]')
    person.types("yes")
    person.sees("It is 2.")

    assert person.leaves() == 0


def test_ctrl_c_at_one_message_stops_it(tmp_path: Path) -> None:
    person = Person(tmp_path, "--message", "wait")
    person.sees("Thinking")
    person.types(CTRL_C, enter="")
    person.sees("Stopped.\r\n")

    assert person.leaves() == 130


def test_progress_is_one_line_that_changes(person: Person) -> None:
    person.types("load")

    person.sees("\rdownloading a model: ")
    person.sees("Loaded.")


def test_a_cut_connection_is_said_and_mended(person: Person) -> None:
    person.types("cut")

    person.sees("The connection to the agent is lost")
    person.sees("The agent is back")
    person.sees("Half an answer, and the other half.")


def test_a_conversation_goes_on_without_its_home(person: Person) -> None:
    person.types("vanish")
    person.sees("All is gone.")
    person.sees("may be shown again")
    person.is_asked()
    person.types("hi")

    person.sees("You said: hi")


def test_a_conversation_begins_on_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "terminal").write_text("not a folder")
    person = Person(tmp_path)
    person.types("hi")
    person.sees("You said: hi")
    person.terminal.close(force=True)


def test_a_conversation_begins_with_what_a_power_cut_left(tmp_path: Path) -> None:
    (tmp_path / "terminal").mkdir()
    for name in ("seen-replies", "history"):
        (tmp_path / "terminal" / name).write_bytes(b"\n+hi\n\xff\xfe\x00\x80")
    person = Person(tmp_path)
    person.types("hi")
    person.sees("You said: hi")
    person.terminal.close(force=True)


def test_what_was_typed_is_there_next_time_and_private(tmp_path: Path) -> None:
    for keys in ("remember me", "\x1b[A"):
        person = Person(tmp_path)
        person.types(keys)
        person.sees("You said: remember me")
        person.is_asked()
        person.types(CTRL_D, enter="")
        person.leaves()

    history = tmp_path / "terminal" / "history"
    assert "remember me" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
