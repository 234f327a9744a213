"""Forgetting: what is deleted, what goes with it, and what comes back, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from argent_hookspecs import StorageError, Transaction
from argent_memo import entities, index, items

BACK = "mirror back"
"""The note of the first item that is live again, until the mirror has taken it up."""


@frozen
class Forgotten:
    """What went, and what was made of it and went too."""

    items: tuple[int, ...]
    made_of_them: tuple[int, ...]


def forget(tx: Transaction, ids: Sequence[int]) -> Forgotten:
    """Delete items, with what was made of them.

    What was made of several goes with each, as nobody can tell their parts apart; those that it
    had replaced come back, and so does what it had corrected.
    """
    found = going(tx, ids)
    all_of_them = [*found.items, *found.made_of_them]
    gone = json.dumps(all_of_them)
    named = entities.touched(tx, all_of_them)
    sessions = json.dumps(_ids(tx, _SESSIONS, gone))
    freed = _freed(tx, found)
    for id in all_of_them:
        index.take_out(tx, id)
    tx.execute("DELETE FROM items WHERE id IN (SELECT value FROM json_each(?))", (gone,))
    tx.execute(_EMPTY, (sessions,))
    entities.tidy(tx, named)
    for id, by in freed.items():
        if by is not None:
            tx.execute("UPDATE items SET superseded_by = ? WHERE id = ?", (by, id))
        elif _is_sound(tx, id):
            _bring_back(tx, id)
    return found


def going(tx: Transaction, ids: Iterable[int]) -> Forgotten:
    """Return what would go with items; nothing is deleted.

    With an item goes what it said before, and with the sum of many those that it sums up: what is
    shown are their words.
    """
    asked = _ids(tx, _EXISTING, json.dumps(list(ids)))
    meant = _ids(tx, _WITH_HISTORY, json.dumps(asked))
    summed_up = _ids(tx, _SUMMED_UP, json.dumps(meant))
    direct = dict.fromkeys((*asked, *meant, *_ids(tx, _WITH_HISTORY, json.dumps(summed_up))))
    made = [id for id in _ids(tx, _MADE_OF, json.dumps([*direct])) if id not in direct]
    return Forgotten(tuple(direct), tuple(made))


def are_in_history(tx: Transaction, ids: Sequence[int]) -> bool:
    """Tell whether the words of one of them may stand in the history of a conversation too."""
    return tx.execute(_IN_HISTORY, (json.dumps(list(ids)),)).fetchone() is not None


def of_source(tx: Transaction, source: str) -> list[int]:
    """Return the ids of all that came of one event, message or file alone, oldest first.

    What came from outside is no better for being said again: it may have been told from here.
    """
    return _ids(tx, _OF_SOURCE, source)


def forget_source(tx: Transaction, source: str) -> Forgotten:
    """Delete what came of one event, message or file; what was said elsewhere too stays as that."""
    found = forget(tx, of_source(tx, source))
    sessions = list[int]()
    for id in _ids(tx, "SELECT id FROM items WHERE source = ? ORDER BY id", source):
        sessions += _ids(tx, "SELECT session FROM items WHERE id = ? AND session NOT NULL", id)
        said = tx.execute(_ELSEWHERE, (id, source)).fetchone()
        tx.execute("DELETE FROM sayings WHERE key = ?", (said[0],))
        tx.execute(_LESS, (1, id))
        items.said_at_first(tx, id, said=said)
    for id, n in tx.execute(_SAID_AGAIN, (source,)).fetchall():
        tx.execute(_LESS, (n, id))
    tx.execute("DELETE FROM sayings WHERE source = ?", (source,))
    tx.execute(_EMPTY, (json.dumps(sessions),))
    return found


def came_back(tx: Transaction, id: int) -> None:
    """Have the mirror look at what is kept again, from an item on that was not live before."""
    tx.execute(_CAME_BACK, (BACK, id))


def _freed(tx: Transaction, found: Forgotten) -> dict[int, int | None]:
    """Return what items have replaced that go, and what holds in its place after them, if any."""
    gone = json.dumps([*found.items, *found.made_of_them])
    newer: dict[int, int | None] = dict(tx.execute(_NEWER, (gone,)).fetchall())
    freed: dict[int, int | None] = {}
    for id, by in tx.execute(_CORRECTED, (json.dumps(found.made_of_them), gone)).fetchall():
        freed[id] = _holding(by, newer)
    for id, by in tx.execute(_REPLACED, (gone,)).fetchall():
        if _holding(by, newer) is None:  # else it stays summed up by that
            freed[id] = None
    return freed


def _holding(by: int | None, newer: Mapping[int, int | None]) -> int | None:
    """Return what holds in place of an item after ``newer`` are gone."""
    passed = set[int]()
    while by is not None and by in newer:
        if by in passed:  # a damaged file may say anything
            return None
        passed.add(by)
        by = newer[by]
    return by


def _bring_back(tx: Transaction, id: int) -> None:
    tx.execute("UPDATE items SET state = 'live' WHERE id = ?", (id,))
    index.put(tx, id)
    tx.execute("UPDATE embedders SET done = MIN(done, ?)", (id - 1,))
    came_back(tx, id)


def _is_sound(tx: Transaction, id: int) -> bool:
    """Tell whether an item says what it said when it was written."""
    try:
        return items.is_sound(tx, id)
    except StorageError:  # it cannot be read
        return False


def _ids(tx: Transaction, sql: str, *given: str | int) -> list[int]:
    return [id for (id,) in tx.execute(sql, given).fetchall()]


_EXISTING = "SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
_WITH_HISTORY = (
    "WITH RECURSIVE older (id) AS (SELECT value FROM json_each(?)"
    " UNION SELECT items.id FROM older CROSS JOIN items ON superseded_by = older.id)"
    " SELECT id FROM older"
)
_SUMMED_UP = (
    "SELECT DISTINCT other FROM links JOIN items AS sum ON sum.id = links.item"
    " JOIN items AS one ON one.id = other WHERE relation = 'made of'"
    " AND links.item IN (SELECT value FROM json_each(?)) AND one.state = 'archived'"
    " AND sum.origin = 'consolidation' AND sum.state != 'archived' ORDER BY other"
)
_IN_HISTORY = (
    "SELECT 1 FROM items WHERE id IN (SELECT value FROM json_each(?)) AND (origin IN ('turn',"
    " 'tool', 'consolidation', 'reflection') OR EXISTS (SELECT 1 FROM uses WHERE item = items.id))"
    " LIMIT 1"
)
_MADE_OF = (
    "WITH RECURSIVE made (id) AS (SELECT value FROM json_each(?)"
    " UNION SELECT item FROM made CROSS JOIN links ON other = made.id AND relation = 'made of')"
    " SELECT id FROM made"
)
_REPLACED = (
    "WITH gone (id) AS (SELECT value FROM json_each(?)) SELECT other, sum.superseded_by FROM links"
    " JOIN items AS sum ON sum.id = links.item AND sum.origin = 'consolidation'"
    " JOIN items AS one ON one.id = other WHERE relation = 'made of' AND links.item IN gone"
    " AND other NOT IN gone AND one.state = 'archived' ORDER BY other"
)
_CORRECTED = (
    "SELECT id, superseded_by FROM items WHERE state = 'superseded'"
    " AND superseded_by IN (SELECT value FROM json_each(?))"
    " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id"
)
_NEWER = "SELECT id, superseded_by FROM items WHERE id IN (SELECT value FROM json_each(?))"
_SESSIONS = (
    "SELECT DISTINCT session FROM items WHERE id IN (SELECT value FROM json_each(?))"
    " AND session IS NOT NULL"
)
_EMPTY = (
    "DELETE FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
    " AND NOT EXISTS (SELECT 1 FROM items WHERE session = sessions.id)"
)
_OF_SOURCE = (
    "SELECT id FROM items WHERE source = ?1 AND (trust = 'outside' OR NOT EXISTS"
    " (SELECT 1 FROM sayings WHERE item = items.id AND source != ?1)) ORDER BY id"
)
_ELSEWHERE = (
    "SELECT key, said_at, source FROM sayings WHERE item = ? AND source != ?"
    " ORDER BY said_at, key LIMIT 1"
)
_SAID_AGAIN = "SELECT item, COUNT(*) FROM sayings WHERE source = ? GROUP BY item"
_LESS = (
    "UPDATE items SET count = MAX(1, count - ?1) WHERE id = ?2 OR origin = 'consolidation' AND id"
    " IN (SELECT item FROM links WHERE other = ?2 AND relation = 'made of')"
)
_CAME_BACK = (
    "INSERT INTO notes VALUES (?1, ?2) ON CONFLICT (name)"
    " DO UPDATE SET value = MIN(CAST(value AS INTEGER), ?2)"
)
