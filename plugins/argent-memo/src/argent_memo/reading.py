"""Reading: what is read of the items that may answer, and of the best of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from attrs import evolve

from argent_hookspecs import Memory, MemoryFilter, Transaction
from argent_memo import items
from argent_memo.filters import conditions, heard
from argent_memo.items import COLUMNS
from argent_memo.meaning import Near
from argent_memo.ranking import Scored
from argent_memo.windows import REACH, Row


def with_neighbours(
    tx: Transaction, ids: set[int], *, filters: MemoryFilter
) -> tuple[list[Row], bool]:
    """Read candidates, with what was said just before and after each in its session.

    What may not come up there counts for nothing that does.

    Returns:
        Them, and whether one of them is private.
    """
    where, given = conditions(filters)
    beside, given_beside = conditions(heard(filters))
    sql = _AROUND.replace("MAY_BE_FOUND", where).replace("IS_HEARD", beside)
    rows = tx.execute(sql, (json.dumps(sorted(ids)), *given, *given_beside)).fetchall()
    return [Row(*row) for *row, _ in rows], any(row[-1] for row in rows)


def cosines(tx: Transaction, near: Near | None, *, rows: Sequence[Row]) -> dict[int, float]:
    """Return how near rows are in meaning, less where the question can be read in part only."""
    if near is None or not near.known:
        return {}
    found = near.cosines(tx, [row.id for row in rows])
    return {id: near.known * cosine for id, cosine in found.items()}


def told(tx: Transaction, scored: Sequence[Scored]) -> list[Memory]:
    """Return the memories that were chosen, with how well each answers, and why."""
    sql = f"SELECT {COLUMNS} FROM items WHERE id IN (SELECT value FROM json_each(?))"
    rows = tx.execute(sql, (json.dumps([one.id for one in scored]),)).fetchall()
    found = {row[0]: items.memory(row) for row in rows}
    return [
        evolve(
            found[one.id],
            score=round(one.score, 4),
            sureness=round(one.sureness, 2),
            why=one.why,
        )
        for one in scored
        if one.id in found
    ]


_AROUND = (
    "WITH found AS (SELECT items.id, session, position FROM items"
    "  WHERE id IN (SELECT value FROM json_each(?))),"
    " near AS (SELECT id FROM found UNION SELECT items.id FROM found JOIN items"
    "  ON items.session = found.session"
    f"  AND items.position BETWEEN found.position - {REACH}"
    f"  AND found.position + {REACH})"
    " SELECT items.id, items.session, items.position, items.said_at, items.speaker, items.text,"
    "  words.terms, MAY_BE_FOUND, items.private"
    " FROM near JOIN items ON items.id = near.id JOIN words ON words.rowid = near.id"
    " WHERE IS_HEARD"
)
