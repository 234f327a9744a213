"""What an import reads, whatever it reads it from."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, time
from datetime import date as day
from pathlib import Path
from typing import Any, TypeAlias

from attrs import define, field, frozen

from argent_hookspecs import ArgentError, NewMemory
from argent_memo.items import Place

FORMS = ("openclaw", "chatgpt", "claude", "markdown", "jsonl")
MOST_PIECES = 50
"""Memories that one long message is cut into; what comes behind them is left out."""
_MOST_NAMED = 100


class ImportRefused(ArgentError):
    """Report something that is not imported at all, and why."""


@frozen(kw_only=True)
class Wish:
    """What an import is asked for.

    Args:
        path: A file or a folder.
        audience: Where it may come up.
        owner: Who the owner is, as people call them; empty, if that is not known.
    """

    path: Path
    audience: str
    owner: str


@frozen
class Found:
    """Something to be kept.

    Args:
        name: Of the file or the message that it stands in, for a person.
        whole: The text of that file.
    """

    memory: NewMemory
    place: Place
    name: str
    whole: str = ""

    def name_of(self, sentence: str) -> str:
        """Return where a sentence of it stands, without what it says."""
        first = sentence.strip().partition("\n")[0]
        for part in (first, first.partition(": ")[2]):  # it may have its heading in front
            if part and (at := self.whole.find(part)) >= 0:
                line = self.whole.count("\n", 0, at) + 1
                return f"{self.name}, line {line}"
        return self.name


@frozen
class Broken:
    """A record that cannot be read, named for a person."""

    name: str


Record: TypeAlias = Found | Broken
Records: TypeAlias = Generator[Record, None, None]


@define
class Imported:
    """What came of an import.

    Args:
        items: Memories that are new.
        skipped: Records that say what was known already.
        left_out: Records that were left out or cut, for they tell keys or passwords.
        secrets: Where the first of these stand.
        broken: Records that could not be read.
        errors: Names of the first of these, with reasons.
    """

    items: int = 0
    skipped: int = 0
    left_out: int = 0
    secrets: list[str] = field(factory=list)
    broken: int = 0
    errors: list[str] = field(factory=list)

    @property
    def seen(self) -> int:
        """How many records there were so far; those that were cut count twice."""
        return self.items + self.skipped + self.left_out + self.broken

    def leave_out(self, *names: str) -> None:
        """Count a record that tells a secret, by where it does."""
        self.left_out += 1
        self.secrets += names[: _MOST_NAMED - len(self.secrets)]

    def complain(self, name: str) -> None:
        """Count a record that cannot be read."""
        self.broken += 1
        if len(self.errors) < _MOST_NAMED:
            self.errors.append(name)


def clean(text: str) -> str:
    """Return a text without halves of characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def when(value: Any) -> datetime | None:
    """Return a time as files have it: seconds since 1970, ISO 8601, a date; None for none.

    Raises:
        ValueError: It is none of these, or in no year that there is.
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, day):
        found = noon(value)
    elif isinstance(value, str):
        plain = value.strip()
        found = (
            noon(day.fromisoformat(plain)) if len(plain) == 10 else datetime.fromisoformat(plain)
        )
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            found = datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError) as error:
            raise ValueError(f"{value} is no time") from error
    else:
        raise ValueError(f"{value!r:.40} is no time")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{value} is no time") from error


def noon(date: day) -> datetime:
    """Return the middle of a day, where this machine is."""
    return datetime.combine(date, time(12)).astimezone()
