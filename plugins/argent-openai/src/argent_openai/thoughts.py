"""What a model thinks before it speaks, gathered so that it does not come as a thousand parts."""

from __future__ import annotations

import time
from typing import Any

import orjson

from argent_hookspecs import Thinking

_PAUSE = 0.25
_GROWING = ("text", "summary", "data")


class Thoughts:
    """Thoughts that come in pieces.

    Args:
        provider: Id of the provider whose they are.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._text: list[str] = []
        self._field = ""
        self._details: list[dict[str, Any]] = []
        self._told_at = 0.0

    @property
    def waiting(self) -> bool:
        """Whether there are some that were not yet returned."""
        return bool(self._text or self._details)

    def add(self, text: str, field: str) -> None:
        """Take the next words.

        Args:
            text: They.
            field: Name of the field in which the server tells them, and wants to be told again.
        """
        self._text.append(text)
        self._field = field

    def add_details(self, details: list[dict[str, Any]]) -> None:
        """Take the next pieces of a record that is told again as a whole.

        The form is OpenRouter's: https://openrouter.ai/docs/use-cases/reasoning-tokens. Pieces of
        the same kind and place belong together.
        """
        for piece in details:
            last = self._details[-1] if self._details else None
            if last is None or any(last.get(name) != piece.get(name) for name in ("type", "index")):
                self._details.append(dict(piece))
                continue
            for name, value in piece.items():
                if name in _GROWING and isinstance(value, str) and isinstance(last.get(name), str):
                    last[name] += value
                elif value is not None:
                    last[name] = value

    def now(self) -> list[Thinking]:
        """Return what has come, but not more often than four times a second."""
        if not self._text or time.monotonic() - self._told_at < _PAUSE:
            return []
        self._told_at = time.monotonic()
        return self._flush()

    def end(self) -> list[Thinking]:
        """Return what is left, and the record."""
        found = self._flush()
        if self._details:
            record = orjson.dumps(self._details).decode()
            found.append(Thinking("", self._provider, record))
            self._details = []
        return found

    def _flush(self) -> list[Thinking]:
        if not self._text:
            return []
        # Where there is a record, that is told again, and not the words.
        replay = "" if self._details else self._field
        found = [Thinking("".join(self._text), self._provider, replay)]
        self._text = []
        return found
