"""What the person sees: answers on standard output, everything about them on standard error."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any, TextIO

from argent_terminal.text import call_text, printable, progress_text, rows_of

STEP = 0.25
"""Share of progress after which another line is written where lines cannot be updated."""


class Screen:
    """Writes to the terminal, or to whatever stands in its place.

    Args:
        out: For the answers.
        err: For notes and progress.
        live: Whether to show an answer while it grows.
    """

    def __init__(self, out: TextIO, err: TextIO, *, live: bool) -> None:
        self._out = out
        self._err = err
        self._live = live
        self._shown = ""
        self._within_line = False
        self._progress_width = 0
        self._steps: dict[str, float] = {}

    def draft(self, text: str) -> None:
        """Show what is new of the answer so far. One that begins again takes the place of the old.

        While it is no further than that was, and says the same, nothing changes.
        """
        if self._live and not self._shown.startswith(_shown(text)):
            self._grow(text)

    def answer(self, text: str) -> None:
        """Show the whole answer, or the rest of it, and end its line."""
        self._grow(text)
        self.end_line()

    def retract(self) -> None:
        """Take back what is shown of an answer that will begin again, as far as that can be."""
        if not self._within_line:
            return
        width, height = shutil.get_terminal_size()
        rows = rows_of(self._shown, width)
        if rows > height:
            self.note("The answer begins again:")
            return
        up = f"\x1b[{rows - 1}A" if rows > 1 else ""
        _write(self._out, f"\r{up}\x1b[J")
        self._within_line, self._shown = False, ""

    def note(self, text: str) -> None:
        """Say something about the conversation, on a line of its own."""
        self.end_line()
        self._clear_progress()
        _write(self._err, printable(text) + "\n")

    def wait(self, seconds: float) -> None:
        """Say that an answer is waited for, unless some of it stands there already."""
        if not self._within_line and not self._progress_width:
            words = f"Still waiting for an answer, {seconds:.0f} s now. Ctrl-C stops it."
            _write(self._err, words + "\n")

    def fact(self, text: str) -> None:
        """Show something that was asked for, on lines of its own."""
        self.end_line()
        _write(self._out, printable(text) + "\n")

    def tool(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Say that a tool is run."""
        self.note(f"· {call_text(tool, arguments)}")

    def progress(self, message: Mapping[str, Any]) -> None:
        """Show how far long work has come: in place on a terminal, else in a few lines."""
        activity, done, total = message["activity"], message["done"], message["total"]
        text = printable(
            f"{activity}: {progress_text(done, total, unit=message['unit'])}".strip(": ")
        )
        if self._err.isatty():
            self.end_line()
            width = shutil.get_terminal_size().columns - 1
            line = text[:width].ljust(min(self._progress_width, width))
            _write(self._err, "\r" + line)
            self._progress_width = len(text[:width])
            if total is not None and done >= total:
                self._clear_progress()
            return
        share = done / total if total else 0.0
        if share >= self._steps.get(activity, 0.0):
            self._steps[activity] = min(share // STEP * STEP + STEP, 1.0) if share < 1 else 2.0
            _write(self._err, text + "\n")

    def end_line(self) -> None:
        """Go to a fresh line, if an answer stands on this one; what follows begins it anew."""
        if self._within_line:
            _write(self._out, "\n")
        self._within_line = False
        self._shown = ""

    def _grow(self, text: str) -> None:
        text = _shown(text)
        if not text.startswith(self._shown):
            self.retract()
        new = text[len(self._shown) :]
        self._shown = text
        if new:
            self._clear_progress()
            _write(self._out, new)
            self._within_line = True

    def _clear_progress(self) -> None:
        if self._progress_width:
            _write(self._err, "\r" + " " * self._progress_width + "\r")
            self._progress_width = 0


def _shown(text: str) -> str:
    return printable(text).strip()


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
