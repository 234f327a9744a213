"""Thoughts that a server has left among the words, between ``<think>`` and ``</think>``.

Servers that know a model's manner tell its thoughts apart. Others pass on what it writes, and it
begins with its thoughts.
"""

from __future__ import annotations

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkMarks:
    """Tells thoughts from words, as they are written."""

    def __init__(self) -> None:
        self._held = ""
        self._place = "before"

    @property
    def passed(self) -> bool:
        """Whether all that comes now are words."""
        return self._place == "after"

    def feed(self, text: str) -> tuple[str, str]:
        """Take what was written next and return the thoughts and the words in it."""
        self._held += text
        thought = said = ""
        if self._place == "before":
            begun = self._held.lstrip()
            if begun.startswith(_OPEN):
                self._place, self._held = "within", begun[len(_OPEN) :]
            elif not _OPEN.startswith(begun):
                self._place = "after"
        if self._place == "within":
            thought, mark, rest = self._held.partition(_CLOSE)
            if mark:
                self._place, self._held = "between", rest
            else:
                # The end of what has come may be the beginning of the mark.
                kept = _overlap(thought)
                thought, self._held = thought[: len(thought) - kept], thought[len(thought) - kept :]
        if self._place == "between":
            self._held = self._held.lstrip()
            self._place = "after" if self._held else "between"
        if self._place == "after":
            said, self._held = self._held, ""
        return thought, said

    def end(self) -> tuple[str, str]:
        """Return the thoughts and the words that were held back."""
        held, self._held = self._held, ""
        return (held, "") if self._place == "within" else ("", held)


def _overlap(text: str) -> int:
    for length in range(min(len(text), len(_CLOSE) - 1), 0, -1):
        if text.endswith(_CLOSE[:length]):
            return length
    return 0
