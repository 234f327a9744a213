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
from argent_memo.question import Question

_MOST = 3
"""Results whose past is looked at."""


def with_earlier(
    tx: Transaction, found: Sequence[Memory], *, asked: Question, filters: MemoryFilter
) -> list[Memory]:
    """Put in front of each result what held before it, if that is asked for; no more in all."""
    if not found or not (asked.formerly or asked.spans):
        return list(found)
    where, given = conditions(filters, state="superseded")
    sql = _OLDER.replace("MAY_BE_FOUND", where)
    ids = json.dumps([memory.id for memory in found[:_MOST]])
    older: dict[int, list[Memory]] = {}
    for newer, until, *row in tx.execute(sql, (ids, *given)).fetchall():
        old = items.memory(row)
        if asked.formerly or _held(old, until, asked=asked):
            ends = old.holds_until or items.moment(until)
            older.setdefault(newer, []).append(evolve(old, holds_until=ends))
    told: list[Memory] = []
    for memory in found:
        why = f"held before memory {memory.id}"
        told += [
            evolve(old, score=memory.score, sureness=memory.sureness, why=why)
            for old in older.get(memory.id, ())
        ]
        told.append(memory)
    return told[: max(len(found), 2 if older else 0)]


def _held(old: Memory, until: float, *, asked: Question) -> bool:
    """Tell whether something held at a time that is named."""
    since = (old.holds_from or old.said_at).timestamp()
    ends = until if old.holds_until is None else old.holds_until.timestamp()
    return any(since < end and start < ends for start, end in asked.spans)


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
