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
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from attrs import define, evolve

from argent_hookspecs import Clock, Database, Memory, MemoryFilter, Transaction
from argent_memo import items, question, ranking, times
from argent_memo.filters import conditions
from argent_memo.items import COLUMNS
from argent_memo.meaning import Meaning, Nearest
from argent_memo.question import Question
from argent_memo.ranking import Corpus, Row, Scored

_POSTINGS = 20_000
"""Rows that FTS5 may have to rank for one question."""
_ROWS = 100
"""Candidates of each kind."""
_ROWS_UNFILTERED = 400
_AROUND_DAYS = 3
_MOST_SPANS = 8
_DAY = 86400.0


@define(eq=False, repr=False)
class Search:
    """Finds items by their words, by what they mean, and by when they were said.

    Args:
        meaning: Finds items near in meaning; None to go by words alone.
    """

    database: Database
    clock: Clock
    meaning: Meaning | None = None

    async def find(
        self, query: str, k: int = 10, *, filters: MemoryFilter | None = None
    ) -> list[Memory]:
        """Return the items that answer a question best, best first; fewer where few fit."""
        wanted = filters or MemoryFilter()
        if k < 1:
            return []
        speakers = await self.database.read(_speakers)
        asked = question.read(query, speakers=speakers, asker=wanted.asker)
        nearest = None
        if self.meaning is not None and asked.rest.strip():
            nearest = await self.meaning.nearest(asked.rest, _ROWS)
        now = self.clock.now()
        return await self.database.read(
            partial(_find, asked=asked, nearest=nearest, filters=wanted, k=k, now=now)
        )


def _speakers(tx: Transaction) -> list[str]:
    rows = tx.execute("SELECT name FROM speakers WHERE n > 0 AND name != ''").fetchall()
    return [name for (name,) in rows]


def _find(
    tx: Transaction,
    *,
    asked: Question,
    nearest: Nearest | None,
    filters: MemoryFilter,
    k: int,
    now: datetime,
) -> list[Memory]:
    (count, length) = tx.execute("SELECT items, length FROM totals").fetchone()
    if not count:
        return []
    known = _known(tx, asked.terms)
    corpus = Corpus(items=count, mean_length=max(1.0, length / count), rows_with=known)
    match = _match(known)
    spans = _spans(tx, asked, now)
    found = _by_words(tx, match, filters=filters)
    for span in spans:
        found |= _by_time(tx, match, span=span)
    if nearest is not None:
        found |= set(nearest.ids)
    rows = _with_neighbours(tx, found)
    found = _that_may_be_found(tx, [row.id for row in rows], filters)
    cosines = {} if nearest is None else nearest.cosines(tx, [row.id for row in rows])
    scored = ranking.rank(
        rows, asked=asked, corpus=corpus, spans=spans, cosines=cosines, only=found
    )
    return _told(tx, scored[:k])


def _known(tx: Transaction, terms: Sequence[str]) -> dict[str, int]:
    """Return how many items have each of the terms, of those that any has, rare ones first."""
    sql = (
        "SELECT term, n FROM terms WHERE term IN (SELECT value FROM json_each(?)) AND n > 0"
        " ORDER BY n, term"
    )
    return dict(tx.execute(sql, (json.dumps(list(terms)),)).fetchall())


def _match(known: dict[str, int]) -> str:
    """Return the rare terms in FTS5's language; the rest of them only count in the ranking."""
    taken: list[str] = []
    postings = 0
    for term, n in known.items():
        if taken and postings + n > _POSTINGS:
            break
        taken.append(term)
        postings += n
    return " OR ".join(f'"{term}"' for term in taken)


def _spans(tx: Transaction, asked: Question, now: datetime) -> list[times.Span]:
    first, last = tx.execute("SELECT MIN(said_at), MAX(said_at) FROM items").fetchone()
    years = range(
        datetime.fromtimestamp(first, UTC).year, datetime.fromtimestamp(last, UTC).year + 1
    )
    return times.named_spans(asked.text, now=now, years=years)[:_MOST_SPANS]


def _by_words(tx: Transaction, match: str, *, filters: MemoryFilter) -> set[int]:
    """Return the best by their words; all are only filtered where too few of the best may be."""
    if not match:
        return set()
    rows = tx.execute(_BEST, (match, _ROWS_UNFILTERED)).fetchall()
    best = [id for (id,) in rows]
    where, given = conditions(filters)
    allowed = _that_may_be_found(tx, best, filters)
    if len(allowed) >= _ROWS or len(best) < _ROWS_UNFILTERED:
        return set([id for id in best if id in allowed][:_ROWS])
    sql = (
        "SELECT words.rowid FROM words JOIN items ON items.id = words.rowid"
        f" WHERE words MATCH ? AND {where} ORDER BY rank LIMIT ?"
    )
    return {id for (id,) in tx.execute(sql, (match, *given, _ROWS)).fetchall()}


def _by_time(tx: Transaction, match: str, *, span: times.Span) -> set[int]:
    """Return what was said around a time, what has the words of the question first."""
    start, end = span[0] - _AROUND_DAYS * _DAY, span[1] + _AROUND_DAYS * _DAY
    said = {id for (id,) in tx.execute(_SAID, (start, end, _ROWS)).fetchall()}
    first, last = tx.execute(_EDGES, (start, end)).fetchone()
    if match and first is not None:
        rows = tx.execute(_BEST_BETWEEN, (match, first, last, _ROWS)).fetchall()
        said |= {id for (id,) in rows}
    return said


def _that_may_be_found(tx: Transaction, ids: Iterable[int], filters: MemoryFilter) -> set[int]:
    where, given = conditions(filters)
    sql = f"SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) AND {where}"
    return {id for (id,) in tx.execute(sql, (json.dumps(list(ids)), *given)).fetchall()}


def _with_neighbours(tx: Transaction, ids: set[int]) -> list[Row]:
    """Read candidates, with what was said just before and after each in its session."""
    rows = tx.execute(_AROUND, (json.dumps(sorted(ids)),)).fetchall()
    return [Row(*row) for row in rows]


def _told(tx: Transaction, scored: Sequence[Scored]) -> list[Memory]:
    sql = f"SELECT {COLUMNS} FROM items WHERE id IN (SELECT value FROM json_each(?))"
    rows = tx.execute(sql, (json.dumps([one.id for one in scored]),)).fetchall()
    found = {row[0]: items.memory(row) for row in rows}
    return [
        evolve(found[one.id], score=one.score, why=one.why) for one in scored if one.id in found
    ]


_BEST = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?"
_BEST_BETWEEN = (
    "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rank LIMIT ?"
)
_SAID = "SELECT id FROM items WHERE said_at BETWEEN ? AND ? AND state = 'live' LIMIT ?"
_EDGES = "SELECT MIN(id), MAX(id) FROM items WHERE said_at BETWEEN ? AND ?"
_AROUND = (
    "WITH found AS (SELECT items.id, session, position FROM items"
    "  WHERE id IN (SELECT value FROM json_each(?))),"
    " near AS (SELECT id FROM found UNION SELECT items.id FROM found JOIN items"
    "  ON items.session = found.session"
    f"  AND items.position BETWEEN found.position - {ranking.REACH}"
    f"  AND found.position + {ranking.REACH})"
    " SELECT items.id, items.session, items.position, items.said_at, items.speaker, items.text,"
    "  words.terms FROM near JOIN items ON items.id = near.id JOIN words ON words.rowid = near.id"
)
