from __future__ import annotations

import doctest
import io
import re

import pytest

import argent_terminal.text
from argent_terminal.screen import Screen


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def progress(done: float, total: float | None = 100e6) -> dict[str, object]:
    return {"activity": "downloading", "done": done, "total": total, "unit": "B"}


def test_a_growing_answer_is_written_once() -> None:
    out = Terminal()
    screen = Screen(out, io.StringIO(), live=True)

    for text in (" The", " The an", " The answer \n"):
        screen.draft(text)
    screen.answer("The answer is 2.")

    assert out.getvalue() == "The answer is 2.\n"


def rows(written: str, width: int = 80) -> list[str]:
    """Return what a terminal shows in the end."""
    shown, row = [""], 0
    for sign, up, letter in re.findall(r"(\x1b\[(\d*)[AJ])|([^\x1b])", written):
        if sign.endswith("A"):
            row -= int(up)
        elif sign:
            del shown[row + 1 :]
            shown[row] = ""
        elif letter == "\n" or (letter != "\r" and len(shown[row]) == width):
            shown.append("" if letter == "\n" else letter)
            row += 1
        elif letter != "\r":
            shown[row] += letter
    return shown


def test_an_answer_that_begins_again_takes_the_place_of_the_old() -> None:
    out = Terminal()
    screen = Screen(out, io.StringIO(), live=True)

    screen.draft("I will look, " * 20 + "and then\nI will see")
    screen.draft("It is")
    screen.answer("It is 2.")

    assert rows(out.getvalue()) == ["It is 2.", ""]


@pytest.mark.parametrize("cut", range(1, 16))
def test_an_answer_that_is_cut_and_comes_again_is_written_once(cut: int) -> None:
    out, text = Terminal(), "The answer is 2."
    screen = Screen(out, io.StringIO(), live=True)

    for end in (*range(1, cut), *range(1, len(text))):
        screen.draft(text[:end])
    screen.answer(text)

    assert out.getvalue() == f"{text}\n"


def test_a_shorter_answer_after_all_is_all_that_is_left() -> None:
    out = Terminal()
    screen = Screen(out, io.StringIO(), live=True)

    screen.draft("It is 2, I think")
    screen.answer("It is 2")

    assert rows(out.getvalue()) == ["It is 2", ""]


def test_what_has_left_the_screen_stays_and_is_said_to_begin_again() -> None:
    out, err = Terminal(), io.StringIO()
    screen = Screen(out, err, live=True)

    screen.draft("many\nlines\n" * 1000 + "of it")
    screen.answer("It is 2.")

    assert out.getvalue().endswith("of it\nIt is 2.\n")
    assert err.getvalue() == "The answer begins again:\n"


def test_after_a_note_the_answer_is_whole_again() -> None:
    stream = Terminal()
    screen = Screen(stream, stream, live=True)

    screen.draft("Half an")
    screen.note("The line was cut.")
    screen.answer("Half an answer.")

    assert stream.getvalue() == "Half an\nThe line was cut.\nHalf an answer.\n"


def test_drafts_are_not_written_to_a_file() -> None:
    out = io.StringIO()
    screen = Screen(out, io.StringIO(), live=False)

    screen.draft("I will look")
    screen.answer("It is 2.")

    assert out.getvalue() == "It is 2.\n"


def test_progress_is_a_few_lines_where_lines_cannot_be_updated() -> None:
    err = io.StringIO()
    screen = Screen(io.StringIO(), err, live=False)

    for percent in range(101):
        screen.progress(progress(percent * 1e6))

    assert [line.split()[1] for line in err.getvalue().splitlines()] == [
        "0%",
        "25%",
        "50%",
        "75%",
        "100%",
    ]


def test_progress_without_an_end_is_said_once() -> None:
    err = io.StringIO()
    screen = Screen(io.StringIO(), err, live=False)

    for done in range(5):
        screen.progress(progress(done, total=None))

    assert err.getvalue() == "downloading\n"


def test_progress_on_a_terminal_makes_room_for_the_answer() -> None:
    stream = Terminal()
    screen = Screen(stream, stream, live=True)

    screen.progress(progress(5e6))
    screen.progress(progress(50e6))
    screen.answer("Hello.")

    first, second, blank, answer = stream.getvalue().split("\r")[1:]
    assert first.startswith("downloading: 5%") and second.startswith("downloading: 50%")
    assert len(second) == len(blank) and not blank.strip()
    assert answer == "Hello.\n"


def test_what_was_waited_for_is_wiped_away_once_it_is_there() -> None:
    stream = Terminal()
    screen = Screen(stream, stream, live=True)
    waiting = {"activity": "The disk is full", "done": 0, "total": None, "unit": ""}

    screen.progress(waiting)
    screen.progress({**waiting, "total": 0})

    shown = stream.getvalue().split("\r")[1:]
    assert shown[0] == "The disk is full" and not "".join(shown[-2:]).strip()


@pytest.mark.parametrize("letter", ["\x1b", "\x07", "\x9b", "\r", "\x7f", "\u202e", "\ud800"])
def test_nothing_that_steers_a_terminal_comes_through(letter: str) -> None:
    stream = Terminal()
    screen = Screen(stream, stream, live=True)

    screen.draft(f"a{letter}b")
    screen.note(f"n{letter}")
    screen.fact(f"f{letter}")
    screen.tool(f"t{letter}", {"text": letter})
    screen.progress({"activity": f"p{letter}q", "done": 0, "total": None, "unit": letter})

    assert letter not in stream.getvalue().replace("\rp", "p")


def test_a_narrow_encoding_loses_letters_and_not_the_answer() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")

    Screen(out, io.StringIO(), live=False).answer("naïve")

    assert raw.getvalue() == b"na?ve\n"


def test_the_examples_hold() -> None:
    results = doctest.testmod(argent_terminal.text)

    assert results.attempted and not results.failed
