"""Likeness: whether two texts say the same, or the same but for one value.

It goes by the words in their order, of any language: what is equal, and what one has where the
other has something else. A value is a number, a time, a name where the script shows names, or a
negation; the words that negate come from ``negations.json``, a list for each language, without
those that are common words of another. What it cannot tell counts as a difference that says
nothing.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from importlib.resources import files

from attrs import frozen

from argent_memo import times
from argent_memo.names import bare
from argent_memo.words import SPOKEN, UNSPACED, fold

NUMBER, TIME, NAME, NEGATION = "number", "time", "name", "negation"
_LONGEST = 120
"""Words; what is longer says more than one thing."""
_STEM = 4
_MARGIN = 0.6
_LEAST_EQUAL = 2
_MOST_BESIDE = 2
_MOST_OF_A_NAME = 3
_CONTRACTED = re.compile(r"n['’]t$")  # as in don't
_TOKEN = re.compile(r"\d+(?:[.,:/-]\d+)*|\w{1,64}['’]\w+|" + SPOKEN.pattern)


@frozen
class Word:
    """A word of a text: as it is written, and as it is compared."""

    written: str
    key: str
    begins: bool

    @property
    def is_number(self) -> bool:
        """Whether it is one."""
        return self.written[0].isdecimal()

    @property
    def is_name(self) -> bool:
        """Whether its writing shows a name."""
        return len(self.written) > 1 and self.written[0].isupper() and not self.is_time

    @property
    def is_time(self) -> bool:
        """Whether it says when: a weekday, a month."""
        return times.tells_time(self.written)

    @property
    def negates(self) -> bool:
        """Whether it makes the opposite of what is said."""
        return (
            fold(self.written) in _negations()
            or _CONTRACTED.search(self.written.lower()) is not None
        )


@frozen
class Likeness:
    """How two texts compare.

    Args:
        share: How much of both is equal, from 0 to 1.
        value: What kind of value is all that differs; empty if it is something else, or nothing.
        adds: Whether the second says anything that the first does not.
        lacks: Whether it leaves out anything that the first says.
        values_differ: Whether any value is only in one of them.
        equal: The words that are equal, as they are compared.
    """

    share: float
    value: str
    adds: bool
    lacks: bool
    values_differ: bool
    equal: frozenset[str] = frozenset()


def may_be_like(joined: str, other: str, *, least: float) -> bool:
    """Tell by their terms, as the index has them, whether it is worth to compare two texts.

    A sign that differs changes two terms where no spaces are written, hence the wide margin.
    """
    a, b = set(joined.split()), set(other.split())
    return 2 * len(a & b) >= _MARGIN * least * (len(a) + len(b))


_UNLIKE = Likeness(0.0, "", adds=True, lacks=True, values_differ=True)


def compare(first: str, second: str, *, least: float = 0.0) -> Likeness:
    """Compare two texts.

    Args:
        least: Share that has to be equal; texts that cannot reach it are not looked at closely.
    """
    a, b = _words(first), _words(second)
    if not a or not b or max(len(a), len(b)) > _LONGEST:
        return _UNLIKE
    matcher = SequenceMatcher(None, [w.key for w in a], [w.key for w in b], autojunk=False)
    if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
        return _UNLIKE
    codes = matcher.get_opcodes()
    same = [code for code in codes if code[0] == "equal"]
    pairs = [(a[i:j], b[k:m]) for tag, i, j, k, m in codes if tag != "equal"]
    equal = len(a) - sum(len(left) for left, _ in pairs)
    values = {w.key for left, right in pairs for w in (*left, *right) if _is_value(w)}
    return Likeness(
        share=2 * equal / (len(a) + len(b)),
        value=_value(pairs) if equal >= _LEAST_EQUAL else "",
        adds=any(right for _, right in pairs),
        lacks=any(left for left, _ in pairs),
        values_differ=bool(values),
        equal=frozenset(w.key for _, i, j, _, _ in same for w in a[i:j]),
    )


def _value(pairs: Sequence[tuple[Sequence[Word], Sequence[Word]]]) -> str:
    """Return what kind of value differs, if that is all that does."""
    negating = [
        [word for part in side for word in part if word.negates]
        for side in zip(*pairs, strict=True)
    ]
    if pairs and bool(negating[0]) != bool(negating[1]):
        beside = [w for pair in pairs for side in pair for w in side if not w.negates]
        plain = not any(_is_value(w) for w in beside)
        return NEGATION if plain and len(beside) <= _MOST_BESIDE else ""
    if len(pairs) != 1:
        return ""
    left, right = pairs[0]
    if not left or not right or max(len(left), len(right)) > _MOST_OF_A_NAME:
        return ""
    if all(w.is_number for w in (*left, *right)):
        return NUMBER
    if all(w.is_time for w in (*left, *right)):
        return TIME
    if all(w.is_name and not w.begins for w in (*left, *right)):
        return NAME
    return ""


def _is_value(word: Word) -> bool:
    named = word.is_name and not word.begins
    return word.is_number or word.is_time or word.negates or named


def _words(text: str) -> list[Word]:
    found: list[Word] = []
    for match in _TOKEN.finditer(text):
        written = bare(match[0])
        begins = match.start() == 0
        if UNSPACED.search(written):  # where no spaces are written, each sign stands for a word
            found += [Word(sign, fold(sign) or sign, begins=False) for sign in written]
        else:
            found.append(Word(written, _key(written), begins))
        if len(found) > _LONGEST:
            break
    return found


def _key(written: str) -> str:
    """Return what is compared of a word: the stem, but all of a name or a number."""
    folded = fold(written) or written
    return folded[:_STEM] if written[0].islower() and len(folded) > _STEM else folded


@functools.cache
def _negations() -> frozenset[str]:
    listed = json.loads(files("argent_memo").joinpath("negations.json").read_text("utf-8"))
    return frozenset(fold(word) for words in listed.values() for word in words)
