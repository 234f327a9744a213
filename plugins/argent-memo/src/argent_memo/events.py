"""Events: what a question counts time from: "before I moved", "two weeks after the wedding".

The words that put one thing before or after another are data (``lexicon.py``); what stands behind
them, or in front of them in some languages, is called an event here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from attrs import frozen

from argent_memo import periods
from argent_memo.common_words import asks_nothing
from argent_memo.lexicon import Piece
from argent_memo.periods import Span
from argent_memo.words import terms

_BREAK = re.compile(r"[;!?。，、！？؟।…\n]|[,:](?!\s*\d)|(?<!\d)\.")
"""Where a clause ends, but not in "August 11, 2023" or "7. Mai"."""
_DAY = 86400.0
_WEEK = 7 * _DAY
_AROUND = {"day": 1, "week": 3, "month": 15, "year": 180}
"""Days by which people are mistaken who count so."""
_SHORT = 2
"""Characters that name nothing: "我", "он"."""
_BEGINNING, _END = -1e12, 1e12
"""Long before and after everything."""


@frozen
class Event:
    """Something that a question names to say when.

    Args:
        relation: ``before``, ``after``, ``since``, ``until`` or ``while``.
        words: What it is called.
        number: How many of ``unit`` before or after it; 0 if that is not said ("the week before").
        unit: A day, a week, a month or a year; empty if that is not said either.
    """

    relation: str
    words: str
    number: int = 0
    unit: str = ""

    def times(self, at: Span) -> tuple[list[Span], list[Span]]:
        """Return the times that are meant, if it was then, and those that may be.

        What is meant is the week before it, or what is about so many weeks away. What may be is all
        that is before or after it, or between.
        """
        first, last = at
        ahead = self.relation in ("before", "until")
        if self.relation == "while":
            return [], [at]
        if self.unit and last - first <= _WEEK:
            begin, n = datetime.fromtimestamp(first, UTC), self.number or 1
            away = periods.before(begin, self.unit, n=n if ahead else -n).timestamp()
            between = min(away, first), max(away, first) + (0.0 if ahead else _DAY)
            if not self.number:
                return [between], []
            around = _AROUND[self.unit] * _DAY
            return [(away - around, away + around + _DAY)], [between]
        if ahead:
            return [], [(_BEGINNING, last)]
        return [], [(first, _END)]


def named(folded: str, found: Sequence[Piece]) -> Event | None:
    """Return the event that a question names, if it names one."""
    for at, piece in enumerate(found):
        for relation, in_front in piece.means("cue"):
            if relation == "while" and not piece.first and not in_front:
                continue  # "When did I move?"
            text = _before(folded, piece) if in_front else _behind(folded, piece)
            if terms(text) and not (piece.means("formerly") and alone(folded, piece)):
                number, unit = _how_long(found, at)
                return Event(relation, text, number, unit)
    return None


def alone(folded: str, piece: Piece) -> bool:
    """Tell whether nothing is named that a "before" could be about: "Where did I live before?"."""
    sides = {in_front for relation, in_front in piece.means("cue") if relation == "before"}
    texts = [_before(folded, piece) if side else _behind(folded, piece) for side in sides]
    return all(len(text) <= _SHORT or asks_nothing(terms(text)) for text in texts)


def _behind(folded: str, piece: Piece) -> str:
    end = _BREAK.search(folded, piece.end)
    return folded[piece.end : end.start() if end else None].strip()


def _before(folded: str, piece: Piece) -> str:
    start = max([match.end() for match in _BREAK.finditer(folded, 0, piece.start)], default=0)
    return folded[start : piece.start].strip()


def _how_long(found: Sequence[Piece], at: int) -> tuple[int, str]:
    """Read "two weeks before"."""
    if not at or found[at - 1].last != found[at].first:
        return 0, ""
    units = [unit for (unit,) in found[at - 1].means("unit") if unit != "weekend"]
    if not units:
        return 0, ""
    number = found[at - 2].number if at > 1 and found[at - 2].last == found[at - 1].first else 0
    return number, units[0]
