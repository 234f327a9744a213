"""Anchors: when an event was that a question counts time from, as far as the memory knows.

It is looked for by its words, once, and where nothing has most of them, by what they mean. What is
not like it is not it, and then the question is one like any other. Of an event that was spoken of
several times nobody knows which of them it was: "before" is then before the last of them, and
"after" behind the first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from attrs import evolve

from argent_hookspecs import MemoryFilter, Transaction
from argent_memo import items, times
from argent_memo.events import Event
from argent_memo.filters import conditions
from argent_memo.meaning import Near
from argent_memo.periods import Span
from argent_memo.question import Question
from argent_memo.sureness import FEW_ITEMS, rarity
from argent_memo.words import terms

_MOST_SPANS = 8
_LONGEST = 8
"""Terms of an event that are looked for."""
_POSTINGS = 500
"""Rows that FTS5 ranks for it."""
_COVERED = 0.5
"""The share of its words, by what they are worth, that must be in what tells of it."""
_AS_GOOD = 0.9
_ALIKE = 0.35
"""The cosine of what tells of it in other words; what has nothing to do with it stays below 0.3."""
_NEAREST = 50
_FEW = 4
"""Of the texts that fit best, in which a time is looked for."""
_AROUND = 200
"""Characters before and after the event's words there."""
_LONGEST_EVENT = 31 * 86400.0
_DAY = 86400.0

_When = tuple[Span, bool]
"""When something was, and whether that was said, or is when it was spoken of."""


def timed(
    tx: Transaction,
    asked: Question,
    *,
    near: Near | None,
    filters: MemoryFilter,
    now: datetime,
    south: bool = False,
) -> Question:
    """Return a question with the times that it names.

    Args:
        near: Compares with the event that it counts time from, if it names one.
        filters: What may be found.
        south: Whether it is summer in January.
    """
    told = times.told(asked.text, now=now, years=_years(tx), south=south, people=asked.speakers)
    spans, loose = list(told.spans), list(told.loose)
    if told.maybe and told.event is None and not loose:
        loose = _months(tx, told.maybe)
    if told.event is not None and not spans:
        at = when(tx, told.event, near=near, filters=filters)
        spans, loose = told.event.times(at) if at is not None else ([], [])
    most = sorted(spans, reverse=True)[:_MOST_SPANS]
    return evolve(
        asked,
        spans=tuple(most),
        past=tuple([span for span in most if span[1] <= now.timestamp()]),
        loose=tuple(loose[:_MOST_SPANS]),
        formerly=told.formerly,
        before=frozenset(told.before),
    )


def _months(tx: Transaction, maybe: Sequence[tuple[str, Span]]) -> list[Span]:
    """Return the months that may be meant; one whose name was ever said is found by that."""
    names = json.dumps([term for name, _ in maybe for term in terms(name)])
    spoken = {term for term, _ in tx.execute(_KNOWN, (names,)).fetchall()}
    return [span for name, span in maybe if spoken.isdisjoint(terms(name))]


def _years(tx: Transaction) -> list[int]:
    """Return the last years of which something is kept; one odd date is no more than its year."""
    years, before = list[int](), float("inf")
    sql = "SELECT MAX(said_at) FROM items WHERE said_at < ?"
    while len(years) < _MOST_SPANS:
        (at,) = tx.execute(sql, (before,)).fetchone()
        if at is None:
            break
        years.append(items.moment(at).year)
        before = datetime(years[-1], 1, 1, tzinfo=UTC).timestamp()
    return years


def when(tx: Transaction, event: Event, *, near: Near | None, filters: MemoryFilter) -> Span | None:
    """Return when an event was, or from when until when it was spoken of; None if nobody told.

    Args:
        near: Compares with its words by meaning.
        filters: What may be found; what says when and what was said may be of anybody.
    """
    who = evolve(filters, since=None, until=None, kinds=(), speaker="")
    told = _by_words(tx, event, filters=who)
    if not told and near is not None and near.known:
        told = _by_meaning(tx, near, filters=who)
    spans = [span for span, is_named in told if is_named] or [span for span, _ in told]
    return (min(s for s, _ in spans), max(e for _, e in spans)) if spans else None


def _by_words(tx: Transaction, event: Event, *, filters: MemoryFilter) -> list[_When]:
    wanted = list(dict.fromkeys(terms(event.words)))[:_LONGEST]
    (count,) = tx.execute("SELECT items FROM totals").fetchone()
    known = dict(tx.execute(_KNOWN, (json.dumps(wanted),)).fetchall())
    worth = {term: rarity(known.get(term, 0), max(count, FEW_ITEMS)) for term in wanted}
    whole = sum(worth.values()) or 1.0
    rare = _rare(known)
    if sum(worth[term] for term in rare) < _COVERED * whole:
        return []
    where, given = conditions(filters)
    match = " OR ".join(f'"{term}"' for term in rare)
    rows = tx.execute(_BEST.replace("MAY_BE_FOUND", where), (match, *given)).fetchall()
    fits = [(_share(joined, worth) / whole, at, text) for at, text, joined in rows]
    return _best(fits, least=_COVERED, names=rare)


def _by_meaning(tx: Transaction, near: Near, *, filters: MemoryFilter) -> list[_When]:
    where, given = conditions(filters)
    cosines = near.cosines(tx, near.nearest(tx, _NEAREST))
    rows = tx.execute(
        _NAMED.replace("MAY_BE_FOUND", where), (json.dumps(list(cosines)), *given)
    ).fetchall()
    return _best([(cosines[id], at, text) for id, at, text in rows], least=_ALIKE)


def _best(
    fits: Sequence[tuple[float, float, str]], *, least: float, names: Sequence[str] = ()
) -> list[_When]:
    """Return when the best of what fits was, and what fits nearly as well.

    Args:
        names: Terms of the event, the rarest first.
    """
    best = max([fit for fit, *_ in fits], default=0.0)
    if best < least:
        return []
    told = list[_When]()
    for fit, at, text in sorted(fits, key=lambda one: -one[0]):
        if fit >= _AS_GOOD * best:
            told.append(_told(at, _part(text, names) if len(told) < _FEW else ""))
    return told


def _part(text: str, names: Sequence[str]) -> str:
    """Return what stands around the event's words; how a text begins, where they are not found."""
    folded = text.casefold()
    hit = next((place for name in names if (place := folded.find(name)) >= 0), 0)
    return text[max(0, hit - _AROUND) : hit + _AROUND]


def _rare(known: dict[str, int]) -> list[str]:
    """Return the rarest terms, as many as are looked for within the budget."""
    taken, postings = list[str](), 0
    for term, n in known.items():
        if postings + n > _POSTINGS and taken:
            break
        taken.append(term)
        postings += n
    return taken if postings <= 2 * _POSTINGS else []


def _share(joined: str, worth: dict[str, float]) -> float:
    said = set(joined.split())
    return sum(one for term, one in worth.items() if term in said)


def _told(at: float, text: str) -> _When:
    """Return when it was that somebody told then, and whether they named the time."""
    said = datetime.fromtimestamp(at, UTC)
    named = times.told(text, now=said, years=(said.year,)).spans
    if len(named) == 1 and named[0][1] - named[0][0] <= _LONGEST_EVENT:
        return named[0], True
    day = at - at % _DAY
    return (day, day + _DAY), False


_KNOWN = (
    "SELECT term, n FROM terms WHERE term IN (SELECT value FROM json_each(?)) AND n > 0"
    " ORDER BY n, term"
)
_NAMED = (
    "SELECT id, said_at, text FROM items"
    " WHERE id IN (SELECT value FROM json_each(?)) AND MAY_BE_FOUND"
)
_BEST = (
    "SELECT items.said_at, items.text, words.terms FROM words"
    " CROSS JOIN items ON items.id = words.rowid"
    " WHERE words MATCH ? AND MAY_BE_FOUND ORDER BY rank LIMIT 20"
)
