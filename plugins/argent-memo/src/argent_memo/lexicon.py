"""Lexicon: names of times in many languages, and where they stand in a text.

``lexicon.json`` is made by ``maintenance/memory_lexicon.py``. A text is read once, word by word,
and the longest phrase that begins at a word is taken.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import Any

from attrs import frozen

from argent_memo.words import UNSPACED, words

NUMBER = "#"
"""Stands for any number in a phrase: "# weeks ago"."""

_YEAR = re.compile(r"(?:19|20)\d\d")
_MOST_DIGITS = 3
_SHORT = 3
_INSIDE = "in_month"
_NOTHING: Sequence[Any] = ()

Meanings = Mapping[str, Sequence[Sequence[Any]]]
"""What a phrase may mean: ``{"relative": [["week", -1]]}``."""


@frozen
class Piece:
    """A phrase in a text, with what it may mean.

    Args:
        first: The number of its first word, counted from 0.
        last: The number of the word behind it.
        start: Where it begins in the text, in characters.
        end: Where it ends.
        number: What stands for the ``#`` in it, or the number that it is.
    """

    first: int
    last: int
    start: int
    end: int
    meanings: Meanings
    number: int = 0

    def means(self, kind: str) -> Sequence[Sequence[Any]]:
        """Return what it means, if it may be one of these."""
        return self.meanings.get(kind, _NOTHING)


@frozen
class Lexicon:
    """Names of times, folded.

    Args:
        months: Numbers of the months that a name may mean.
        words: Words that say when something was or will be.
        phrases: By how they begin, the longest first: the words of a phrase, and its meanings.
        numbers: What words for numbers come to.
        ends: The last words of phrases that say when something was or will be, with the first ones.
        times: Names of times, where a script has no spaces.
        inside: What in front of a month says that something was in it.
        written: How words are spelt that are others where they are folded: "dříve" is no "drive".
        feasts: Their dates, the day of a year or all of them, and how many days they last.
    """

    months: Mapping[str, Sequence[int]]
    words: frozenset[str]
    phrases: Mapping[str, Sequence[tuple[Sequence[str], Meanings]]]
    numbers: Mapping[str, int]
    ends: Mapping[str, Collection[str]]
    times: Sequence[str]
    inside: frozenset[str]
    written: Mapping[str, Sequence[str]]
    feasts: Mapping[str, tuple[str | Sequence[str], int]]


@functools.cache
def lexicon() -> Lexicon:
    """Read it, once."""
    raw: dict[str, Any] = json.loads(files(__package__).joinpath("lexicon.json").read_text("utf-8"))
    phrases: dict[str, list[tuple[Sequence[str], Meanings]]] = {}
    numbers: dict[str, int] = {}
    same: dict[str, Meanings] = {}  # most phrases mean what one in another language does
    for phrase, meant in raw["entries"].items():
        parts, meanings = _parts(phrase.split()), dict[str, list[Sequence[Any]]]()
        for kind, *value in meant:
            meanings.setdefault(kind, []).append(value)
        if len(parts) == 1 and "number" in meanings:
            numbers[phrase] = meanings["number"][0][0]
        meant_alike = same.setdefault(repr(meant), meanings)
        phrases.setdefault(_key(*parts[:2]), []).append((parts, meant_alike))
    for name, months in raw["months"].items():
        parts = _parts(words(name))
        if len(name) <= _SHORT and name.isascii() and name != "may":
            continue  # "set" is September only where something else says so
        alike = same.setdefault(f"month {months}", {"month": [[month] for month in months]})
        phrases.setdefault(parts[0], []).append((parts, alike))
    for known in phrases.values():
        known.sort(key=lambda one: -len(one[0]))
    times = [phrase for phrase, meant in raw["entries"].items() if meant[0][0] == "relative"]
    names = [*raw["time_words"], *times, *raw["months"]]
    return Lexicon(
        months=raw["months"],
        words=frozenset(raw["time_words"]),
        phrases=phrases,
        numbers=numbers,
        ends=_ends(times),
        times=[name for name in names if UNSPACED.fullmatch(name)],
        inside=frozenset(phrase for phrase, meant in raw["entries"].items() if [_INSIDE] in meant),
        written=raw["written"],
        feasts={name: (dates, days) for name, (dates, days) in raw["feasts"].items()},
    )


def may_say_when(said: Collection[str]) -> bool:
    """Tell quickly whether one of the phrases that say when may be among some words."""
    there, ends = frozenset(said), lexicon().ends
    return any(
        first == NUMBER or first in there
        for last in there.intersection(ends)
        for first in ends[last]
    )


def tells(folded: str) -> bool:
    """Tell whether a text in a script without spaces has the name of a time."""
    return UNSPACED.search(folded) is not None and _times().search(folded) is not None


def read(folded: str) -> list[Piece]:
    """Find the phrases in a text that is folded."""
    found, at = list[Piece](), 0
    known, tokens = lexicon(), _tokens(folded)
    while at < len(tokens):
        piece = _longest(tokens, at, known)
        if piece is not None:
            found.append(piece)
        at = piece.last if piece is not None else at + 1
    return found


def _longest(tokens: Sequence[tuple[str, int, int]], at: int, known: Lexicon) -> Piece | None:
    """Return the longest phrase that begins at a word."""
    text, start, end = tokens[at]
    number = _number(text, known)
    best: tuple[Sequence[str], Meanings] | None = None
    after = tokens[at + 1][0] if at + 1 < len(tokens) else ""
    for key in (text, _key(NUMBER, after)) if number else (text,):
        for parts, meanings in known.phrases.get(key, _NOTHING):
            if best is not None and len(parts) <= len(best[0]):
                break
            if _stand_at(parts, tokens, at, known=known):
                best = parts, meanings
                break
    if best is not None:
        parts, meanings = best
        last = at + len(parts)
        if NUMBER in parts:
            number = _number(tokens[at + parts.index(NUMBER)][0], known)
        return Piece(at, last, start, tokens[last - 1][2], meanings, number)
    if _YEAR.fullmatch(text):
        return Piece(at, at + 1, start, end, {"year": [[int(text)]]})
    return Piece(at, at + 1, start, end, {"number": [[number]]}, number) if number else None


def _ends(phrases: Sequence[str]) -> Mapping[str, Collection[str]]:
    found: dict[str, set[str]] = {}
    for phrase in phrases:
        parts = phrase.split()
        last = next(part for part in reversed(parts) if part != NUMBER)
        found.setdefault(last, set()).add(parts[0])
    return found


def _key(first: str, second: str = "") -> str:
    """Return what a phrase is looked up by; many begin with a number."""
    return f"{NUMBER} {second}" if first == NUMBER else first


def _stand_at(
    parts: Sequence[str], tokens: Sequence[tuple[str, int, int]], at: int, *, known: Lexicon
) -> bool:
    if at + len(parts) > len(tokens):
        return False
    return all(
        part == token[0] or (part == NUMBER and _number(token[0], known) > 0)
        for part, token in zip(parts, tokens[at:], strict=False)
    )


def _number(text: str, known: Lexicon) -> int:
    """Return the number that a word is; 0 if it is none."""
    if text.isdecimal() and len(text) <= _MOST_DIGITS:
        return int(text)
    return known.numbers.get(text, 0)


def _tokens(folded: str) -> list[tuple[str, int, int]]:
    """Return the words of a text with where they stand, and what is known of unspaced ones."""
    found, end = list[tuple[str, int, int]](), 0
    for word in words(folded):
        start = folded.find(word, end)
        if start < 0:  # folded twice it is another word
            continue
        end = start + len(word)
        if word.isascii() or not UNSPACED.search(word):
            found.append((word, start, end))
            continue
        matches = _pieces().finditer(folded, start, end)
        found += [(match[0], match.start(), match.end()) for match in matches]
    return found


@functools.cache
def _times() -> re.Pattern[str]:
    return _any_of(lexicon().times)


@functools.cache
def _pieces() -> re.Pattern[str]:
    """Return what finds the words that phrases are made of, where a script has no spaces."""
    words = {part for known in lexicon().phrases.values() for parts, _ in known for part in parts}
    return _any_of([word for word in words if UNSPACED.fullmatch(word)], r"\d+")


def _any_of(names: Sequence[str], *others: str) -> re.Pattern[str]:
    """Return what finds the longest of some names."""
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile("|".join([*others, *map(re.escape, longest_first)]))


def _parts(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(sys.intern, given))
