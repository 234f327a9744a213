"""Ranking: how well items answer a question, as a weighted sum of what each is worth.

Every part lies between 0 and 1. Words and meaning are taken over a window: what stands in the two
items before and after one in its session counts half. The weights are round numbers from a plateau;
halving or doubling any one of them costs little, see the memory benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from heapq import heappush, heappushpop

from attrs import astuple, evolve, frozen

from argent_memo import sureness, times, windows
from argent_memo.learned import AGENT
from argent_memo.question import Question
from argent_memo.windows import Corpus, Row
from argent_memo.words import substance, substance_at_most

_DAYS = 7.0
_DAY = 86400.0
_AT_THAT_TIME = 0.9
_LONGEST = 100 * _DAY
"""A season is one; nobody asks for all that was said in a year."""
_SHARE_OF_LOOSE = 0.5
_LEAST_COSINE = 0.2
_ONLY_ASKS = 0.25
"""What an item that only asks counts for, beside one that tells."""
_OF_THE_AGENT = 1 / 3
"""What an item counts for that the agent said, beside somebody's own word; not if it is named."""
_NAMED_WORDS = 3
_LEAST_WORTH = 0.01
"""Of what the rarest term is worth; commoner ones are not counted."""


@frozen(kw_only=True)
class Weights:
    """What the parts of a score count for.

    Args:
        words: Of the question, in the window: BM25, the best of all is 1.
        alone: Added to ``words`` where nothing compares by meaning, or not in this script.
        meaning: The cosine, the item's own or that of its window, whichever is nearer its best.
        speaker: It was said by whom the question names, or by who asks, if it says I.
        time: It was said when the question says: e^(-days away / 7); half of that, where the
            question leaves open which time it means.
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
class Scored:
    """An item, how well it answers, from 0 to 1, and why it was found.

    Args:
        sureness: How sure it is that it has to do with the question at all, from 0 to 1; what was
            said at the time that is asked about has.
        own: The same of the item itself, without what stands around it, and whenever it was said.
    """

    id: int
    score: float
    sureness: float
    why: str
    own: float


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
        time=weights.time if asked.spans or asked.loose else 0.0,
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
    worth = {term: sureness.rarity(n, corpus.items) for term, n in corpus.rows_with.items()}
    rows = sorted(rows, key=lambda row: (row.session or 0, row.position, row.id))
    telling = worth if corpus.items < sureness.FEW_ITEMS else _telling(worth)
    windows.count(rows, telling)
    beside = windows.beside(rows)
    by_words = windows.by_words(rows, beside, worth=worth, corpus=corpus)
    by_meaning = windows.by_meaning(rows, beside, cosines=cosines)
    found = [place for place, row in enumerate(rows) if row.may_be_found]
    enough = sureness.enough(asked, corpus.rows_with, items=corpus.items)
    most_words = max([enough, *(by_words[place] for place in found)])
    fitting = []
    for place in found:
        row, words = rows[place], by_words[place]
        score = weights.words * words / most_words + weights.meaning * by_meaning[place]
        if row.speaker in asked.speakers:
            score += weights.speaker
        if weights.time:
            score += weights.time * _timely(row.said_at, asked)
        if words or (score > 0.0 and _fits(row, asked, cosines)):
            fitting.append((score, place))
    leading = _by_text(rows, fitting, k, asked=asked, weights=weights)
    shares = sureness.shares(asked, corpus.rows_with, items=corpus.items)
    having = [(row.counts, row.text) for row in rows if row.may_be_found and row.counts]
    known = sureness.known_names(asked, having, rows_with=corpus.rows_with)
    highest = sum(astuple(weights))
    told = []
    for score, place in leading:
        row, cosine = rows[place], cosines.get(rows[place].id, 0.0)
        at_that_time = _nearness(row.said_at, asked.past, _LONGEST) > _AT_THAT_TIME
        there = frozenset[str]().union(*(other.counts for other in windows.window(rows, place)))
        alike = sureness.sureness(there, cosine, shares=shares, known=known)
        own = sureness.sureness(row.counts, cosine, shares=shares, known=known)
        why = _why(row, asked, worth=worth, cosine=cosine)
        told.append(Scored(row.id, score / highest, max(alike, float(at_that_time)), why, own))
    return told


def _telling(worth: Mapping[str, float]) -> dict[str, float]:
    """Leave out the terms that are worth next to nothing."""
    least = _LEAST_WORTH * max(worth.values(), default=0.0)
    return {term: one for term, one in worth.items() if one >= least}


def _fits(row: Row, asked: Question, cosines: Mapping[int, float]) -> bool:
    """Tell whether something that has no word of the question may have to do with it."""
    return cosines.get(row.id, 0.0) >= _LEAST_COSINE or _nearness(row.said_at, asked.spans) > 0


def _by_text(
    rows: Sequence[Row],
    fitting: Sequence[tuple[float, int]],
    k: int,
    *,
    asked: Question,
    weights: Weights,
) -> list[tuple[float, int]]:
    """Return the best, with what their texts are worth; only those that may be best are read."""
    more = weights.when + weights.substance
    best: list[tuple[float, int, int]] = []
    for score, place in sorted(fitting, reverse=True):
        if len(best) == k and score + more < best[0][0]:
            break
        row = rows[place]
        most = score + weights.when + weights.substance * substance_at_most(row.length)
        if len(best) == k and most < best[0][0]:
            continue
        told = substance(row.text, row.length)
        score = score * (1.0 if told else _ONLY_ASKS) + weights.substance * told
        score += weights.when * times.tells_time(row.text) if weights.when else 0.0
        score *= _OF_THE_AGENT if row.speaker == AGENT not in asked.speakers else 1.0
        (heappush if len(best) < k else heappushpop)(best, (score, row.id, place))
    return [(score, place) for score, _, place in sorted(best, reverse=True)]


def _timely(said_at: float, asked: Question) -> float:
    return max(_nearness(said_at, asked.spans), _SHARE_OF_LOOSE * _nearness(said_at, asked.loose))


def _nearness(said_at: float, spans: Sequence[times.Span], longest: float = math.inf) -> float:
    away = [
        max(0.0, start - said_at, said_at - end) for start, end in spans if end - start <= longest
    ]
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
