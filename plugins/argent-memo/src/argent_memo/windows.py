"""Windows: items with what stands around them, as a turn of a chat is half a thought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from types import MappingProxyType

from attrs import define, field, frozen

REACH = 2
"""Items before and after one whose words count for it."""

_SHARE_OF_WORDS = 0.5
_SHARE_OF_MEANING = (0.5, 0.25)
"""What a neighbour's cosine counts for, the nearest first."""
_K1, _B = 1.2, 0.75
_NO_COUNTS: Mapping[str, int] = MappingProxyType({})


@frozen
class Corpus:
    """What is known of all items.

    Args:
        mean_length: Terms in an item.
        rows_with: How many items have a term of the question, for those that some have.
    """

    items: int
    mean_length: float
    rows_with: Mapping[str, int]


@define
class Row:
    """An item that was read.

    Args:
        joined: Its terms, as they stand in the index.
        may_be_found: Whether it may be; if not, it is only beside what may.
        counts: How often it has which terms of the question.
    """

    id: int
    session: int | None
    position: int
    said_at: float
    speaker: str
    text: str
    joined: str
    may_be_found: bool
    length: int = field(init=False)
    counts: Mapping[str, int] = field(init=False, default=_NO_COUNTS)

    def __attrs_post_init__(self) -> None:
        self.length = self.joined.count(" ") + 1 if self.joined else 0


Beside = Sequence[tuple[int, int, int]]
"""The places of two rows of a session, the earlier first, and how far away they are."""


def count(rows: Sequence[Row], worth: Mapping[str, float]) -> None:
    """Count the terms of the question in each row, in the same order always."""
    wanted = frozenset(worth)
    for row in rows:
        said = row.joined.split()
        if has := wanted.intersection(said):
            row.counts = {term: said.count(term) for term in worth if term in has}


def beside(rows: Sequence[Row]) -> Beside:
    """Return which of the rows, which are in order, stand beside which."""
    return [
        (place, place + ahead, other.position - row.position)
        for ahead in range(1, REACH + 1)
        for place, (row, other) in enumerate(zip(rows, rows[ahead:], strict=False))
        if row.session == other.session is not None and other.position - row.position <= REACH
    ]


def by_words(
    rows: Sequence[Row], beside: Beside, *, worth: Mapping[str, float], corpus: Corpus
) -> list[float]:
    """Return BM25 over the window of each row, with the rarity of terms squared."""
    windows = [dict[str, float](row.counts) for row in rows]
    lengths = [float(row.length) for row in rows]
    for first, second, _ in beside:
        lengths[first] += _SHARE_OF_WORDS * rows[second].length
        lengths[second] += _SHARE_OF_WORDS * rows[first].length
        for one, other in ((first, second), (second, first)):
            window = windows[one]
            for term, n in rows[other].counts.items():
                window[term] = window.get(term, 0.0) + _SHARE_OF_WORDS * n
    mean = corpus.mean_length * (1 + 2 * REACH * _SHARE_OF_WORDS)
    found = []
    for window, length in zip(windows, lengths, strict=True):
        norm = _K1 * (1 - _B + _B * length / mean)
        parts = [worth[term] * n / (n + norm) for term, n in window.items()]
        found.append((_K1 + 1) * sum(parts))
    return found


def by_meaning(rows: Sequence[Row], beside: Beside, *, cosines: Mapping[int, float]) -> list[float]:
    """Return how near each is in meaning: by itself, or with what stands around it."""
    if not cosines:
        return [0.0] * len(rows)
    usual = fmean(cosines.values())  # that of what has no vector yet
    own = [cosines.get(row.id, usual) for row in rows]
    totals, counts = list(own), [1.0] * len(own)
    for first, second, away in beside:
        share = _SHARE_OF_MEANING[away - 1]
        totals[first] += share * own[second]
        totals[second] += share * own[first]
        counts[first] += share
        counts[second] += share
    windows = [total / count for total, count in zip(totals, counts, strict=True)]
    found = [place for place, row in enumerate(rows) if row.may_be_found]
    most_own = max([own[place] for place in found], default=0.0)
    most = max([windows[place] for place in found], default=0.0)
    return [
        max(0.0, a / most_own if most_own > 0 else 0.0, b / most if most > 0 else 0.0)
        for a, b in zip(own, windows, strict=True)
    ]


def window(rows: Sequence[Row], place: int) -> list[Row]:
    """Return a row with what stands around it."""
    row, start = rows[place], max(0, place - REACH)
    return [
        other
        for other in rows[start : place + REACH + 1]
        if other is row
        or (
            other.session == row.session is not None and abs(other.position - row.position) <= REACH
        )
    ]
