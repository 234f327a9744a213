"""Earlier: what held before what holds now, where a question asks for it.

What was corrected is in no index. It is found by way of what took its place: "where did I live
before" finds where one lives, and what that has superseded. It is told with the day until which it
held. What was corrected within a day was wrong from the start, and is never told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from attrs import evolve

from argent_hookspecs import Memory, MemoryFilter, Transaction
from argent_memo import items
from argent_memo.filters import conditions
from argent_memo.items import COLUMNS
from argent_memo.periods import Span
from argent_memo.question import Question
from argent_memo.words import terms

_MOST = 3
"""Results whose past is looked at."""
_MOST_OLDER = 2
"""Of what one has superseded, the last."""


def with_earlier(
    tx: Transaction, found: Sequence[Memory], *, asked: Question, filters: MemoryFilter, k: int
) -> list[Memory]:
    """Put beside each result what held before it, if that is asked for; no more than ``k`` in all.

    It stands in front where it is surely asked for, else behind; never without the result.
    """
    if not found or not (asked.formerly or asked.spans or asked.before):
        return list(found[:k])
    where, given = conditions(filters, state="superseded")
    sql = _OLDER.replace("MAY_BE_FOUND", where)
    ids = json.dumps([memory.id for memory in found[:_MOST]])
    older: dict[int, list[Memory]] = {}
    for newer, until, *row in tx.execute(sql, (ids, *given)).fetchall():
        old = items.memory(row)
        if asked.formerly or asked.before or _held(old, until, asked.spans):
            ends = old.holds_until or items.moment(until)
            older.setdefault(newer, []).append(evolve(old, holds_until=ends))
    told: list[Memory] = []
    for memory in found:
        versions = older.get(memory.id, [])[: min(_MOST_OLDER, k - len(told) - 1)]
        before = [one for one in versions if _is_meant(one, memory, asked=asked)]
        behind = [one for one in versions if one not in before]
        told += [*_like(memory, before), memory, *_like(memory, behind)]
        if len(told) >= k:
            break
    return told


def _like(memory: Memory, versions: Sequence[Memory]) -> list[Memory]:
    why = f"held before memory {memory.id}"
    return [evolve(old, score=memory.score, sureness=memory.sureness, why=why) for old in versions]


def _is_meant(old: Memory, newer: Memory, *, asked: Question) -> bool:
    """Tell whether it is surely asked for, and not what took its place.

    "Before Berlin" means what does not name Berlin, if what took its place does. "Before breakfast"
    may stand in both.
    """
    if asked.formerly or (
        old.holds_until is not None and _held(old, old.holds_until.timestamp(), asked.past)
    ):
        return True
    named = asked.before.intersection(terms(newer.text))
    return not named.issubset(terms(old.text))


def _held(old: Memory, until: float, spans: Sequence[Span]) -> bool:
    """Tell whether something held at one of some times."""
    since = (old.holds_from or old.said_at).timestamp()
    ends = until if old.holds_until is None else old.holds_until.timestamp()
    return any(since < end and start < ends for start, end in spans)


_HELD = (  # an edit leaves the day on which it was said: then it counts when it was written
    "iif(newer.said_at = items.said_at, items.created_at, items.said_at),"
    " iif(newer.said_at = items.said_at, newer.created_at, newer.said_at)"
)
_OLDER = (  # CROSS JOIN: in this order (https://www.sqlite.org/optoverview.html)
    "WITH RECURSIVE older (old, newest, since, until) AS ("
    f" SELECT items.id, newer.id, {_HELD} FROM json_each(?) AS named"
    "  CROSS JOIN items AS newer ON newer.id = named.value"
    "  CROSS JOIN items ON items.superseded_by = newer.id"
    f" UNION SELECT items.id, older.newest, {_HELD} FROM older"
    "  CROSS JOIN items AS newer ON newer.id = older.old"
    "  CROSS JOIN items ON items.superseded_by = newer.id)"
    f" SELECT newest, until, {COLUMNS} FROM older CROSS JOIN items ON items.id = old"
    " WHERE since + 86400 <= until AND MAY_BE_FOUND ORDER BY items.said_at DESC, items.id DESC"
)
