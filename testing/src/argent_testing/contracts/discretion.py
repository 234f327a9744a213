"""Discretion: a plugin's secrets stand in nothing that anybody reads."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from attrs import define, field, frozen

_SHORTEST = 8
"""Characters; what is shorter could be a word like any other."""


@frozen(repr=False)
class Discretion:
    """Knows the secrets to which settings refer, and finds them where they should not be."""

    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Find the secrets of settings, as far as they are variables of the environment."""
        named = (text[4:] for text in _texts(settings) if text.startswith("env:"))
        values = (os.environ.get(name, "") for name in named)
        return cls(tuple(sorted({value for value in values if len(value) >= _SHORTEST})))

    def check(self, text: str, *, what: str) -> None:
        """Check that a text tells no secret. Raises ``AssertionError``, which tells none either."""
        hidden = text
        for value in self.values:
            hidden = hidden.replace(value, "***")
        assert hidden == text, f"{what} shows a secret: {hidden:.200}"

    def listen_closely(self) -> None:
        """Have the log tell all that there is, if there is a secret that it could tell."""
        if self.values:
            logging.getLogger("argent").setLevel(logging.DEBUG)

    @contextmanager
    def over_logs(self, package: str | None) -> Iterator[None]:
        """Check what the plugin's own code logs in the block, before the kernel cleans it."""
        lines = _Lines()
        loggers = [logging.getLogger(name) for name in ("argent", package) if name]
        for logger in loggers:
            logger.addHandler(lines)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(lines)
        for line in lines.heard if self.values else ():
            self.check(line, what="the plugin's log")


@define(eq=False)
class _Lines(logging.Handler):
    """Keeps what is logged."""

    heard: list[str] = field(factory=list)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, with the error that came with it."""
        error = record.exc_info[1] if record.exc_info else ""
        self.heard.append(f"{record.getMessage()} {error!r}" if error else record.getMessage())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
