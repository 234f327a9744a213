"""Search: from a question to the items that answer it.

1. Candidates: FTS5 is asked for the rare terms of the question, within a budget of rows, so that it
   stays quick at a million items; the vectors give those nearest in meaning; a time that is named
   gives what was said around it.
2. With each candidate the items just before and after it in its session are read: a turn of a
   chat is half a thought, its question stands before it and its detail behind. Nothing of this is
   stored, so that what is added or deleted changes no other row.
3. What was read is ranked (``ranking.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from attrs import define, evolve, field, frozen

from argent_hookspecs import Clock, Database, Memory, MemoryFilter, Transaction
from argent_memo import anchors, life, ranking, reading, sureness, times
from argent_memo.earlier import with_earlier
from argent_memo.filters import conditions
from argent_memo.meaning import Meaning, Near
from argent_memo.question import Question
from argent_memo.ranking import WEIGHTS, Scored, Weights
from argent_memo.speakers import Speakers
from argent_memo.windows import Corpus

_POSTINGS = 1000
"""Rows that FTS5 ranks for one question, unless its rarest term has more; 20,000 find no more."""
_MOST_POSTINGS = 10_000
"""Rows that it ranks for the rarest term; of what is said oftener, the newest are looked at."""
_BY_WORDS, _BY_MEANING, _BY_TIME = 60, 20, 100
"""Candidates of each kind; with twice as many, the right one is no oftener among the first ten."""
_PARTS = 10
"""Of a busy time, of each of which something is looked at."""
_UNFILTERED = 4
"""Times as many are looked at first, as the filter may leave few."""
_MOST_UNFILTERED = 1000
_MOST_SAID = 5000
"""Rows of one time that are looked through."""
_RUNNERS_UP = 10
"""Items after the best that may come before them, for how much they matter."""
_AROUND_DAYS = 3
_DAY = 86400.0
_SURE = 0.15
_DOUBTFUL = 2


@frozen(kw_only=True)
class _Query:
    """What is looked for in the file.

    Args:
        near: Compares it with items by meaning.
        event: Does so with the event that it counts time from, if it names one.
        alone: See ``Search.find``.
    """

    asked: Question
    near: Near | None
    filters: MemoryFilter
    weights: Weights
    now: datetime
    floor: float
    half_life: float
    event: Near | None = None
    south: bool = False
    alone: bool = False


@define(eq=False, repr=False)
class Search:
    """Finds items by their words, by what they mean, and by when they were said.

    Args:
        meaning: Finds items near in meaning; None to go by words alone.
        weights: What the parts of a score count for.
        half_life: Days after which what was never used counts half.
        south: Whether it is summer in January.
    """

    database: Database
    clock: Clock
    meaning: Meaning | None = None
    weights: Weights = WEIGHTS
    half_life: float = life.HALF_LIFE
    south: bool = False
    _speakers: Speakers = field(factory=Speakers)

    async def find(
        self,
        query: str,
        k: int = 10,
        *,
        filters: MemoryFilter | None = None,
        floor: float = 0.0,
        alone: bool = False,
    ) -> list[Memory]:
        """Return the items that answer a question best, best first; fewer where few fit.

        Args:
            floor: Nothing is returned unless one of them is so sure to have to do with the
                question, from 0 to 1, see ``Scored``, and no more than two unless one is sure
                enough; less is asked of a small memory.
            alone: Whether what stands around an item, and when it was said, make nobody surer that
                it is meant.
        """
        wanted = filters or MemoryFilter()
        found, _ = await self._found(query, k, wanted=wanted, floor=floor, alone=alone)
        return found

    async def find_apart(
        self, query: str, k: int, *, filters: MemoryFilter, floor: float
    ) -> tuple[list[Memory], list[Memory]]:
        """Find as ``find`` does; return that, and what is found as if nothing private were there.

        Where the question is for models of this machine only, both are the same.
        """
        found, has_private = await self._found(query, k, wanted=filters, floor=floor)
        if filters.private or not has_private:
            return found, found
        without = evolve(filters, without_private=True)
        return found, await self.find(query, k, filters=without, floor=floor)

    async def _found(
        self, query: str, k: int, *, wanted: MemoryFilter, floor: float, alone: bool = False
    ) -> tuple[list[Memory], bool]:
        """Return what is found, and whether what is private may have had to do with it."""
        if k < 1:
            return [], False
        ask = partial(self._speakers.ask, query=query, filters=wanted)
        asked = await self.database.read(ask)
        look = partial(self._find, wanted=wanted, floor=floor, alone=alone)
        found, has_private = await look(asked, k)
        whole = asked.with_names
        if whole.terms != asked.terms and _most_sure(found) < _SURE:
            again, too = await look(whole, k)
            found, has_private = max(found, again, key=_most_sure), has_private or too
        return found, has_private

    async def _find(
        self, asked: Question, k: int, *, wanted: MemoryFilter, floor: float, alone: bool
    ) -> tuple[list[Memory], bool]:
        near = event = None
        if self.meaning is not None and asked.rest.strip():
            near = await self.meaning.near(asked.rest, private=wanted.private)
            named = times.named_event(asked.text) if near is not None else None
            if named is not None:
                event = await self.meaning.near(named.words, private=wanted.private)
        looked_for = _Query(
            asked=asked,
            near=near,
            event=event,
            filters=wanted,
            weights=self.weights,
            now=self.clock.now(),
            floor=floor,
            half_life=self.half_life,
            south=self.south,
            alone=alone,
        )
        return await self.database.read(partial(_find, query=looked_for, k=k))


def _most_sure(found: Sequence[Memory]) -> float:
    return max((one.sureness for one in found), default=0.0)


def _find(tx: Transaction, *, query: _Query, k: int) -> tuple[list[Memory], bool]:
    (count, length) = tx.execute("SELECT items, length FROM totals").fetchone()
    if not count:
        return [], False
    asked = anchors.timed(
        tx, query.asked, near=query.event, filters=query.filters, now=query.now, south=query.south
    )
    asked = _without_dates(asked) if asked.spans else asked
    corpus = Corpus(
        items=count, mean_length=max(1.0, length / count), rows_with=_known(tx, asked.terms)
    )
    candidates = _candidates(tx, evolve(query, asked=asked), rows_with=corpus.rows_with)
    rows, has_private = reading.with_neighbours(tx, candidates, filters=query.filters)
    cosines = reading.cosines(tx, query.near, rows=rows)
    known = query.near.known if query.near is not None and cosines else 0.0
    weights = ranking.weigh(query.weights, asked, known=known)
    scored = ranking.rank(
        rows, k + _RUNNERS_UP, asked=asked, corpus=corpus, cosines=cosines, weights=weights
    )
    if query.alone:
        scored = [evolve(one, sureness=one.own) for one in scored]
    if weights.life:
        ids, now = [one.id for one in scored], query.now.timestamp()
        lives = life.weights(tx, ids, now=now, half_life=query.half_life)
        scored = life.ordered(scored, lives, weights=weights)
    told = reading.told(tx, _sure(scored[:k], floor=query.floor, items=count))
    found = with_earlier(tx, told, asked=asked, filters=query.filters, k=k)
    by_event = (asked.spans or asked.loose) and times.named_event(asked.text) is not None
    return found, bool(has_private or by_event or any(one.private for one in found))


def _without_dates(asked: Question) -> Question:
    """Leave the numbers of a time that is named out of the words: 12 is said of much else."""
    words = tuple(term for term in asked.terms if not term[0].isdigit())
    return evolve(asked, terms=words) if words else asked


def _sure(scored: Sequence[Scored], *, floor: float, items: int) -> Sequence[Scored]:
    """Return all where one of them is sure, the two best where that is doubtful, or none."""
    size = min(1.0, items / sureness.FEW_ITEMS)
    most = max((one.sureness for one in scored), default=0.0)
    if most < floor * size:
        return []
    return scored if most >= _SURE * size else scored[:_DOUBTFUL]


def _known(tx: Transaction, terms: Sequence[str]) -> dict[str, int]:
    """Return how many items have each of the terms, of those that any has, rare ones first."""
    sql = (
        "SELECT term, n FROM terms WHERE term IN (SELECT value FROM json_each(?)) AND n > 0"
        " ORDER BY n, term"
    )
    return dict(tx.execute(sql, (json.dumps(list(terms)),)).fetchall())


def _candidates(tx: Transaction, query: _Query, *, rows_with: Mapping[str, int]) -> set[int]:
    """Return what may answer: by its words, by what it means, by when it was said."""
    match = _match(tx, rows_with)
    found = _by_words(tx, match, filters=query.filters)
    for span in query.asked.spans:
        found |= _by_time(tx, match, span=span, filters=query.filters)
    for span in query.asked.loose:
        found |= _by_words_between(tx, match, span=span, filters=query.filters)
    if query.near is not None and query.near.known:
        found |= _by_meaning(tx, query.near, filters=query.filters)
    return found


def _match(tx: Transaction, known: Mapping[str, int]) -> tuple[str, int]:
    """Return the rare terms in FTS5's language, and the id after which they are looked for.

    The rest of the terms only count in the ranking.
    """
    taken: list[str] = []
    postings = 0
    for term, n in known.items():
        if taken and postings + n > _POSTINGS:
            break
        taken.append(term)
        postings += n
    after = 0
    if postings > _MOST_POSTINGS:
        newest = tx.execute("SELECT MAX(id) FROM items").fetchone()[0]
        after = round(newest * (1 - _MOST_POSTINGS / postings))
    return " OR ".join(f'"{term}"' for term in taken), after


def _by_words(tx: Transaction, match: tuple[str, int], *, filters: MemoryFilter) -> set[int]:
    """Return the best by their words; all are only filtered where too few of the best may be."""
    if not match[0]:
        return set()
    best = [id for (id,) in tx.execute(_BEST, (*match, _UNFILTERED * _BY_WORDS)).fetchall()]
    allowed = _that_may_be_found(tx, best, filters)
    if len(allowed) >= _BY_WORDS or len(best) < _UNFILTERED * _BY_WORDS:
        return set([id for id in best if id in allowed][:_BY_WORDS])
    where, given = conditions(filters)
    sql = (
        "SELECT words.rowid FROM words CROSS JOIN items ON items.id = words.rowid"
        f" WHERE words MATCH ? AND words.rowid > ? AND {where} ORDER BY rank LIMIT ?"
    )
    return {id for (id,) in tx.execute(sql, (*match, *given, _BY_WORDS)).fetchall()}


def _by_meaning(tx: Transaction, near: Near, *, filters: MemoryFilter) -> set[int]:
    """Return the nearest in meaning; more are looked at where too few of them may be found."""
    for many in (_UNFILTERED * _BY_MEANING, _MOST_UNFILTERED):
        nearest = near.nearest(tx, many)
        allowed = _that_may_be_found(tx, nearest, filters)
        if len(allowed) >= _BY_MEANING or len(nearest) < many or not _leaves_out(filters):
            return set([id for id in nearest if id in allowed][:_BY_MEANING])
    # A group's few among the many of others, or what is not private: the newest are compared.
    where, given = conditions(filters)
    rows = tx.execute(_NEWEST.replace("MAY_BE_FOUND", where), (*given, _MOST_UNFILTERED)).fetchall()
    cosines = near.cosines(tx, [id for (id,) in rows])
    return set(sorted(cosines, key=lambda id: -cosines[id])[:_BY_MEANING])


def _leaves_out(filters: MemoryFilter) -> bool:
    return filters.audiences is not None or filters.without_private


def _by_time(
    tx: Transaction, match: tuple[str, int], *, span: times.Span, filters: MemoryFilter
) -> set[int]:
    """Return what was said at a time, then just before it and after, and what has the words."""
    start, end, far = *span, _AROUND_DAYS * _DAY
    where, given = conditions(filters)

    def said(sql: str, since: float, until: float, n: int) -> list[int]:
        asked = (since, until, _MOST_SAID, *given, n)
        rows = tx.execute(sql.replace("MAY_BE_FOUND", where), asked).fetchall()
        return [id for (id,) in rows]

    newest = said(_SAID, start, end, _BY_TIME)
    found = set(newest)
    if len(newest) == _BY_TIME:  # half of them are the last, so that others are of all of the time
        part, few = (end - start) / _PARTS, _BY_TIME // 2
        parts = [start + n * part for n in range(_PARTS)]
        found = {id for at in parts for id in said(_SAID, at, at + part, few // _PARTS)}
        found |= set(newest[:few])
    for sql, since, until in ((_SAID, start - far, start), (_AFTER, end, end + far)):
        if len(newest) < _BY_TIME > len(found):
            found |= set(said(sql, since, until, _BY_TIME - len(found)))
    around = (start - far, end + far)
    return found | _by_words_between(tx, match, span=around, filters=filters)


def _by_words_between(
    tx: Transaction, match: tuple[str, int], *, span: times.Span, filters: MemoryFilter
) -> set[int]:
    if not match[0]:
        return set()
    where, given = conditions(filters)
    sql = _BEST_BETWEEN.replace("MAY_BE_FOUND", where)
    rows = tx.execute(sql, (*match, *span, *given, _BY_TIME)).fetchall()
    return {id for (id,) in rows}


def _that_may_be_found(tx: Transaction, ids: Iterable[int], filters: MemoryFilter) -> set[int]:
    where, given = conditions(filters)
    sql = f"SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) AND {where}"
    return {id for (id,) in tx.execute(sql, (json.dumps(list(ids)), *given)).fetchall()}


_BEST = "SELECT rowid FROM words WHERE words MATCH ? AND rowid > ? ORDER BY rank LIMIT ?"
_BEST_BETWEEN = (  # CROSS JOIN: the index is read first (https://www.sqlite.org/optoverview.html)
    "SELECT words.rowid FROM words CROSS JOIN items ON items.id = words.rowid"
    " WHERE words MATCH ? AND words.rowid > ? AND items.said_at BETWEEN ? AND ?"
    " AND MAY_BE_FOUND ORDER BY rank LIMIT ?"
)
_SAID = (
    "SELECT items.id FROM (SELECT id FROM items WHERE said_at BETWEEN ? AND ?"
    "  ORDER BY said_at DESC LIMIT ?) AS said JOIN items ON items.id = said.id"
    " WHERE MAY_BE_FOUND ORDER BY items.said_at DESC LIMIT ?"
)
_AFTER = _SAID.replace(" DESC", "")
_NEWEST = "SELECT id FROM items WHERE MAY_BE_FOUND ORDER BY id DESC LIMIT ?"
