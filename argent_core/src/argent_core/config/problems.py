"""What is wrong with a file of settings, in words."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence

import attrs
from attrs import frozen

from argent_hookspecs import ConfigError

LONGEST = 60
"""Characters of a value that are shown."""

KERNEL_FILE = "argent.json"


@frozen
class Problem:
    """One thing that is wrong, or odd, in a file of settings.

    Args:
        path: Where, as in ``loop.maxSteps``; empty for the file as a whole.
        expected: What should stand there.
        found: What stands there. Never a secret.
        hint: What to do.
        file: Name of the file.
    """

    path: str
    expected: str
    found: str = ""
    hint: str = ""
    file: str = KERNEL_FILE

    def __str__(self) -> str:
        place = f"{self.file}: {self.path}" if self.path else self.file
        found = f", found {self.found}" if self.found else ""
        hint = f". {self.hint}" if self.hint else ""
        return f"{place}: {self.expected}{found}{hint}"

    def under(self, key: str) -> Problem:
        """Return the same problem as seen from one level further out."""
        joined = key + self.path if self.path.startswith("[") else f"{key}.{self.path}"
        return attrs.evolve(self, path=joined if self.path else key)


class Invalid(Exception):
    """Carry every problem of a value out of the structuring of it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


def wrong(expected: str, value: object, *, hint: str = "") -> Invalid:
    """Make the error for a value that is not what it should be."""
    return Invalid(Problem("", f"expected {expected}", shown(value), hint))


def shown(value: object, *, longest: int = LONGEST) -> str:
    """Write a value as the person did, cut where it is longer than so many characters.

    >>> shown("many"), shown(None)
    ('"many"', 'null')
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that was probably meant."""
    plain = {_plain(choice): choice for choice in choices}
    close = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def suggestion(word: str, choices: Iterable[str], *, prefix: str = "") -> str:
    """Return "Did you mean …?" or nothing."""
    meant = nearest(word, choices)
    return f'Did you mean "{prefix}{meant}"?' if meant else ""


def error_of(problems: Sequence[Problem]) -> ConfigError:
    """Make one error of all problems."""
    if len(problems) == 1:
        return ConfigError(str(problems[0]))
    lines = "".join(f"\n  {problem}" for problem in problems)
    return ConfigError(f"{len(problems)} settings are wrong:{lines}")


def _plain(word: str) -> str:
    return word.casefold().replace("_", "").replace("-", "")
