"""Ranking: how well items answer a question, as a weighted sum of what each is worth.

Every part lies between 0 and 1. Words and meaning are taken over a window: what stands in the two
items before and after one in its session counts half. The weights are round numbers from a plateau;
halving or doubling any one of them costs little, see the memory benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from heapq import heappush, heappushpop
from statistics import fmean

from attrs import astuple, define, evolve, field, frozen

from argent_memo import times
from argent_memo.question import Question
from argent_memo.words import substance, substance_at_most

REACH = 2
"""Items before and after one whose words count for it."""
FEW_ITEMS = 300
"""Where fewer are known, how rare a word is can hardly be told from them."""

_AROUND = (-2, -1, 1, 2)
_SHARE_OF_WORDS = 0.5
_SHARE_OF_MEANING = (0.5, 0.25)
"""What a neighbour's cosine counts for, the nearest first."""
_K1, _B = 1.2, 0.75
_DAYS = 7.0
_DAY = 86400.0
_AT_THAT_TIME = 0.9
_LEAST_COSINE = 0.2
_ENOUGH_TERMS = 8
_NAMED_WORDS = 3


@frozen(kw_only=True)
class Weights:
    """What the parts of a score count for.

    Args:
        words: Of the question, in the window: BM25, the best of all is 1.
        alone: Added to ``words`` where nothing compares by meaning, or not in this script.
        meaning: The cosine, the item's own or that of its window, whichever is nearer its best.
        speaker: It was said by whom the question names, or by who asks, if it says I.
        time: It was said when the question says: e^(-days away / 7).
        when: The question asks for a time, and it tells one.
        substance: It tells something: twenty terms outside of questions are full.
        life: It matters, and is fresh or was of use.
    """

    words: float = 1.0
    alone: float = 0.5
    meaning: float = 1.25
    speaker: float = 0.3
    time: float = 1.0
    when: float = 0.2
    substance: float = 0.5
    life: float = 0.1


WEIGHTS = Weights()


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
    counts: dict[str, int] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.length = self.joined.count(" ") + 1 if self.joined else 0


@frozen
class Scored:
    """An item, how well it answers, from 0 to 1, and why it was found.

    Args:
        sureness: How sure it is that it has to do with the question at all, from 0 to 1: the share
            of the question's terms that the window has, by what they are worth; or its own cosine,
            less what unlike texts have in common.
    """

    id: int
    score: float
    sureness: float
    why: str


_Fitting = tuple[float, Row, Sequence[tuple[int, Row]]]
"""How well an item fits by all but its text, and what stands around it, by how far away."""


def weigh(weights: Weights, asked: Question, *, known: float) -> Weights:
    """Return what the parts count for with a question; those that it does not ask for, nothing.

    Args:
        known: The share of the question that what compares by meaning can read.
    """
    return evolve(
        weights,
        words=weights.words + weights.alone * (1 - known),
        alone=0.0,
        meaning=weights.meaning * known,
        speaker=weights.speaker if asked.speakers else 0.0,
        time=weights.time if asked.spans else 0.0,
        when=weights.when if asked.asks_when else 0.0,
    )


def rank(
    rows: Sequence[Row],
    k: int,
    *,
    asked: Question,
    corpus: Corpus,
    cosines: Mapping[int, float],
    weights: Weights,
) -> list[Scored]:
    """Return the items that fit, best first.

    Args:
        k: How many.
        cosines: How near each is to the question in meaning, where that is known.
        weights: Of this question; see ``weigh``.
    """
    worth = {term: _rarity(n, corpus.items) for term, n in corpus.rows_with.items()}
    wanted = frozenset(worth)
    for row in rows:
        said = row.joined.split()
        if has := wanted.intersection(said):  # counted in the same order always
            row.counts = {term: said.count(term) for term in worth if term in has}
    place = {(row.session, row.position): row for row in rows if row.session is not None}
    near = [(row, _neighbours(row, place)) for row in rows if row.may_be_found]
    by_words = [_bm25(row, around, worth, corpus=corpus) for row, around in near]
    by_meaning = _by_meaning(near, cosines)
    most_words = max(by_words, default=0.0) or 1.0
    scores = [
        weights.words * words / most_words
        + weights.meaning * meaning
        + (weights.speaker if row.speaker in asked.speakers else 0.0)
        + (weights.time * _nearness(row.said_at, asked.spans) if asked.spans else 0.0)
        for (row, _), words, meaning in zip(near, by_words, by_meaning, strict=True)
    ]
    fitting = [
        (score, row, around)
        for (row, around), words, score in zip(near, by_words, scores, strict=True)
        if words or (score > 0.0 and _fits(row, asked, cosines))
    ]
    leading = _by_text(fitting, k, weights=weights)
    shares, highest = _shares(asked, corpus), sum(astuple(weights))
    found = []
    for score, row, around in leading:
        cosine = cosines.get(row.id, 0.0)
        at_that_time = _nearness(row.said_at, asked.spans) > _AT_THAT_TIME
        sure = max(_covered(row, around, shares), cosine - _LEAST_COSINE, float(at_that_time))
        why = _why(row, asked, worth=worth, cosine=cosine)
        found.append(Scored(row.id, score / highest, min(1.0, sure), why))
    return found


def _fits(row: Row, asked: Question, cosines: Mapping[int, float]) -> bool:
    """Tell whether something that has no word of the question may have to do with it."""
    return cosines.get(row.id, 0.0) >= _LEAST_COSINE or _nearness(row.said_at, asked.spans) > 0


def _by_text(fitting: Sequence[_Fitting], k: int, *, weights: Weights) -> list[_Fitting]:
    """Return the best, with what their texts are worth; only those that may be best are read."""
    most = [
        score + weights.when + weights.substance * substance_at_most(row.length)
        for score, row, _ in fitting
    ]
    best: list[tuple[float, int, int]] = []
    for place in sorted(range(len(fitting)), key=lambda i: -most[i]):
        if len(best) == k and most[place] < best[0][0]:
            break
        score, row, _ = fitting[place]
        score += weights.substance * substance(row.text, row.length)
        score += weights.when * times.tells_time(row.text) if weights.when else 0.0
        (heappush if len(best) < k else heappushpop)(best, (score, row.id, place))
    return [(score, *fitting[place][1:]) for score, _, place in sorted(best, reverse=True)]


def by_life(
    scored: Sequence[Scored], lives: Mapping[int, float], *, weights: Weights
) -> list[Scored]:
    """Return items in the order that how much each matters gives them, too."""
    highest = sum(astuple(weights))
    moved = [
        evolve(one, score=one.score + weights.life * lives.get(one.id, 0.0) / highest)
        for one in scored
    ]
    return sorted(moved, key=_best_first)


def _best_first(one: Scored) -> tuple[float, int]:
    return -one.score, -one.id


def _rarity(n: int, items: int) -> float:
    """Return what a term is worth: its inverse document frequency, squared.

    Squared, it leaves nothing of words that stand nearly everywhere, and does without lists of
    them (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, for the plain one).
    """
    return math.log(1 + (items - n + 0.5) / (n + 0.5)) ** 2


def _neighbours(row: Row, place: Mapping[tuple[int, int], Row]) -> list[tuple[int, Row]]:
    """Return what stands around an item, with how far away it is."""
    if row.session is None:
        return []
    ways = [(abs(d), (row.session, row.position + d)) for d in _AROUND]
    return [(away, place[where]) for away, where in ways if where in place]


def _bm25(
    row: Row, around: Sequence[tuple[int, Row]], worth: Mapping[str, float], *, corpus: Corpus
) -> float:
    """Return BM25 over the window, with the rarity of terms squared."""
    counts = {term: float(n) for term, n in row.counts.items()}
    length = float(row.length)
    for _, other in around:
        length += _SHARE_OF_WORDS * other.length
        for term, n in other.counts.items():
            counts[term] = counts.get(term, 0.0) + _SHARE_OF_WORDS * n
    mean = corpus.mean_length * (1 + 2 * REACH * _SHARE_OF_WORDS)
    norm = _K1 * (1 - _B + _B * length / mean)
    return sum([worth[term] * n / (n + norm) for term, n in counts.items()]) * (_K1 + 1)


def _by_meaning(
    near: Sequence[tuple[Row, Sequence[tuple[int, Row]]]], cosines: Mapping[int, float]
) -> list[float]:
    """Return how near each is in meaning: by itself, or with what stands around it."""
    if not cosines:
        return [0.0] * len(near)
    usual = fmean(cosines.values())  # that of what has no vector yet
    own = [cosines.get(row.id, usual) for row, _ in near]
    windows = [
        _mean(one, [(away, cosines.get(other.id, usual)) for away, other in around])
        for one, (_, around) in zip(own, near, strict=True)
    ]
    most_own, most = max(own, default=0.0), max(windows, default=0.0)
    return [
        max(0.0, a / most_own if most_own > 0 else 0.0, b / most if most > 0 else 0.0)
        for a, b in zip(own, windows, strict=True)
    ]


def _mean(own: float, around: Sequence[tuple[int, float]]) -> float:
    total, count = own, 1.0
    for away, cosine in around:
        share = _SHARE_OF_MEANING[away - 1]
        total += share * cosine
        count += share
    return total / count


def _shares(asked: Question, corpus: Corpus) -> Mapping[str, float]:
    """Return which share of a question each of its terms is, by what it is worth.

    Of a long text the terms that are worth most are enough.
    """
    items = max(corpus.items, FEW_ITEMS)
    worth = {term: _rarity(corpus.rows_with.get(term, 0), items) for term in asked.terms}
    whole = sum(sorted(worth.values())[-_ENOUGH_TERMS:]) or 1.0
    return {term: one / whole for term, one in worth.items()}


def _covered(row: Row, around: Sequence[tuple[int, Row]], shares: Mapping[str, float]) -> float:
    """Return the share of the question that the window has."""
    found = set(row.counts).union(*(other.counts for _, other in around))
    return sum(shares[term] for term in sorted(found))


def _nearness(said_at: float, spans: Sequence[times.Span]) -> float:
    away = [max(0.0, start - said_at, said_at - end) for start, end in spans]
    return math.exp(-min(away) / _DAY / _DAYS) if away else 0.0


def _why(row: Row, asked: Question, *, worth: Mapping[str, float], cosine: float) -> str:
    """Say in words how an item was found; the same for the same result."""
    said = []
    if row.counts:
        best = sorted(row.counts, key=lambda term: (-worth[term], term))[:_NAMED_WORDS]
        said.append("words " + ", ".join(best))
    if cosine >= _LEAST_COSINE:
        said.append(f"meaning {cosine:.1f}")
    if row.speaker in asked.speakers:
        said.append(f"said by {row.speaker}")
    if _nearness(row.said_at, asked.spans) > _AT_THAT_TIME:
        said.append("said at that time")
    return "; ".join(said) or "said beside what was asked for"
