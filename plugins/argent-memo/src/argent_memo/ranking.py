"""Ranking: how well items answer a question, as a weighted sum of what each is worth.

Every part lies between 0 and 1. Words and meaning are taken over a window: what stands in the two
items before and after one in its session counts half. The weights are round numbers from a plateau;
halving or doubling any one of them costs little, see the memory benchmark.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean

from attrs import define, field, frozen

from argent_memo import times
from argent_memo.question import Question
from argent_memo.words import substance

REACH = 2
"""Items before and after one whose words count for it."""

_WORDS = 1.0
_MEANING = 1.5
_SPEAKER = 0.3
_TIME = 1.0
_WHEN = 0.2
_SUBSTANCE = 0.5
_SHARE_OF_WORDS = {-2: 0.5, -1: 0.5, 1: 0.5, 2: 0.5}
_SHARE_OF_MEANING = {-2: 0.25, -1: 0.5, 1: 0.5, 2: 0.25}
_K1, _B = 1.2, 0.75
_DAYS = 7.0
_DAY = 86400.0
_LEAST_COVERED = 0.12
_LEAST_COSINE = 0.25
_LEAST_ITEMS = 1000
"""Where fewer are known, how rare a word is cannot be told from them."""
_NAMED_WORDS = 3


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
    """

    id: int
    session: int | None
    position: int
    said_at: float
    speaker: str
    text: str
    joined: str
    length: int = field(init=False)
    counts: Counter[str] = field(init=False, factory=Counter)

    def __attrs_post_init__(self) -> None:
        self.length = self.joined.count(" ") + 1 if self.joined else 0


@frozen
class Scored:
    """An item, how well it answers, from 0 to 1, and why it was found."""

    id: int
    score: float
    why: str


def rank(
    rows: Sequence[Row],
    *,
    asked: Question,
    corpus: Corpus,
    spans: Sequence[times.Span],
    cosines: Mapping[int, float],
    only: Collection[int],
) -> list[Scored]:
    """Return the items that fit, best first.

    Args:
        cosines: How near each is to the question in meaning, where that is known.
        only: Those of the rows that may be found; the others are their neighbours.
    """
    weights = {term: _rarity(corpus, n) for term, n in corpus.rows_with.items()}
    by_place: dict[tuple[int | None, int], Row] = {
        (row.session, row.position): row for row in rows if row.session is not None
    }
    for row in rows:
        row.counts = Counter(term for term in row.joined.split() if term in weights)
    near = [(row, _neighbours(row, by_place)) for row in rows if row.id in only]
    by_words = [_bm25(row, around, weights, corpus=corpus) for row, around in near]
    usual = fmean(cosines.values()) if cosines else 0.0  # that of what has no vector yet
    by_meaning = [_mean_cosine(row, around, cosines, usual=usual) for row, around in near]
    most_words = max(by_words, default=0.0) or 1.0
    most_meaning = max(by_meaning, default=0.0) or 1.0
    whole = sum(_rarity(corpus, corpus.rows_with.get(term, 0)) for term in asked.terms) or 1.0
    highest = _WORDS + _SUBSTANCE + (_MEANING if cosines else 0.0)
    highest += (_SPEAKER if asked.speakers else 0.0) + (_TIME if spans else 0.0)
    highest += _WHEN if asked.asks_when else 0.0
    found = []
    for (row, around), words, meaning in zip(near, by_words, by_meaning, strict=True):
        time = _nearness(row.said_at, spans)
        said_by = row.speaker in asked.speakers
        covered = _covered(row, around, weights) / whole
        if covered < _LEAST_COVERED and cosines.get(row.id, 0.0) < _LEAST_COSINE and not time:
            continue
        score = (
            _WORDS * words / most_words
            + _MEANING * max(0.0, meaning) / most_meaning
            + _SPEAKER * said_by
            + _TIME * time
            + (_WHEN * times.tells_time(row.text) if asked.asks_when else 0.0)
            + _SUBSTANCE * substance(row.text, row.length)
        )
        why = _why(row, weights, cosine=cosines.get(row.id), said_by=said_by, time=time)
        found.append(Scored(row.id, round(score / highest, 4), why))
    found.sort(key=lambda one: (-one.score, -one.id))
    return found


def _rarity(corpus: Corpus, n: int) -> float:
    """Return what a term is worth: its inverse document frequency, squared.

    Squared, it leaves nothing of words that stand nearly everywhere, and does without lists of
    them (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, for the plain one).
    """
    items = max(corpus.items, _LEAST_ITEMS)
    return math.log(1 + (items - n + 0.5) / (n + 0.5)) ** 2


def _neighbours(row: Row, by_place: Mapping[tuple[int | None, int], Row]) -> list[tuple[int, Row]]:
    if row.session is None:
        return []
    places = ((d, (row.session, row.position + d)) for d in _SHARE_OF_WORDS)
    return [(d, by_place[place]) for d, place in places if place in by_place]


def _bm25(
    row: Row, around: Sequence[tuple[int, Row]], weights: Mapping[str, float], *, corpus: Corpus
) -> float:
    """Return BM25 over the window, with the rarity of terms squared."""
    counts: dict[str, float] = dict(row.counts)
    length = float(row.length)
    for distance, other in around:
        share = _SHARE_OF_WORDS[distance]
        length += share * other.length
        for term, n in other.counts.items():
            counts[term] = counts.get(term, 0.0) + share * n
    mean = corpus.mean_length * (1 + sum(_SHARE_OF_WORDS.values()))
    norm = _K1 * (1 - _B + _B * length / mean)
    return sum(weights[term] * n * (_K1 + 1) / (n + norm) for term, n in counts.items())


def _mean_cosine(
    row: Row, around: Sequence[tuple[int, Row]], cosines: Mapping[int, float], *, usual: float
) -> float:
    total, count = cosines.get(row.id, usual), 1.0
    for distance, other in around:
        share = _SHARE_OF_MEANING[distance]
        total += share * cosines.get(other.id, usual)
        count += share
    return total / count


def _covered(row: Row, around: Sequence[tuple[int, Row]], weights: Mapping[str, float]) -> float:
    """Return the worth of the question's terms that the window has."""
    found = set(row.counts).union(*(other.counts for _, other in around))
    return sum(weights[term] for term in found)


def _nearness(said_at: float, spans: Sequence[times.Span]) -> float:
    away = [max(0.0, start - said_at, said_at - end) for start, end in spans]
    return math.exp(-min(away) / _DAY / _DAYS) if away else 0.0


def _why(
    row: Row, weights: Mapping[str, float], *, cosine: float | None, said_by: bool, time: float
) -> str:
    """Say in words how an item was found; the same for the same result."""
    said = []
    if row.counts:
        best = sorted(row.counts, key=lambda term: (-weights[term], term))[:_NAMED_WORDS]
        said.append("words " + ", ".join(best))
    if cosine is not None and cosine >= _LEAST_COSINE:
        said.append(f"meaning {cosine:.1f}")
    if said_by:
        said.append(f"said by {row.speaker}")
    if time > 0.5:
        said.append("said at that time")
    return "; ".join(said) or "said beside what was asked for"
