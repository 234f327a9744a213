"""Conflicts: facts that cannot both hold.

Two facts are set against each other when one is kept that says the same as an older one of the same
people, about the same, but for one value (``likeness.py``). The owner's newer word of a later day
settles it, and the older fact becomes its history. All else stays as it is: a link tells that they
do not agree, and whoever reads them is told both, with their dates. What is said within a day may
be a list, "she has seen Rome", "she has seen Paris", and so is what several disagree on already;
more than a few are one, and do not disagree at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from argent_hookspecs import Memory, MemoryKind, Transaction, Trust
from argent_memo import items, likeness
from argent_memo.items import COLUMNS
from argent_memo.words import terms

RELATION = "conflicts with"
FACTS = (MemoryKind.FACT, MemoryKind.PERSON, MemoryKind.PREFERENCE, MemoryKind.DECISION)
_LASTING = (MemoryKind.FACT, MemoryKind.PERSON, MemoryKind.PREFERENCE)
_LEAST_EQUAL = 0.6
_POSTINGS = 2000
_CANDIDATES = 30
_MOST = 3
_LATER = 86400.0


@frozen
class Conflict:
    """Two facts that do not agree, the older one first."""

    older: Memory
    newer: Memory


def note(tx: Transaction, id: int) -> int | None:
    """Link a new item with the facts that it does not agree with.

    Returns:
        The id of the older fact that it settles, and that it is to supersede; None if none.
    """
    new = _fact(tx, id)
    if new is None:
        return None
    against = [old for old in _candidates(tx, new) if _disagree(tx, new, old)]
    if len(against) > _MOST:
        _is_a_list(tx, [id, *(old.id for old in against)])
        return None
    rows = [(id, old.id, RELATION) for old in against]
    tx.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", rows)
    if len(against) != 1 or _others(tx, against[0].id, besides=id):
        return None
    return against[0].id if _settles(new, against[0]) else None


def _is_a_list(tx: Transaction, ids: Sequence[int]) -> None:
    """Take back what was said of facts of which there are too many to be one that changed."""
    named = json.dumps(list(ids))
    tx.execute(_UNLINK, (RELATION, named, named))


def unsettled(
    tx: Transaction, *, audiences: Sequence[str] | None = None, limit: int = 100
) -> list[Conflict]:
    """Return the conflicts between what is live, newest first."""
    named = None if audiences is None else json.dumps(list(audiences))
    pairs = tx.execute(_OPEN, (named, named, limit)).fetchall()
    found = _memories(tx, [id for pair in pairs for id in pair])
    return [Conflict(*_by_date(found[one], found[other])) for one, other in pairs]


def count(tx: Transaction) -> int:
    """Return how many conflicts there are between what is live."""
    (n,) = tx.execute(f"SELECT COUNT(*) FROM ({_OPEN})", (None, None, -1)).fetchone()
    return int(n)


def against(tx: Transaction, ids: Iterable[int]) -> dict[int, list[Memory]]:
    """Return what is live and does not agree with items, by their ids."""
    pairs = tx.execute(_AGAINST, (json.dumps(list(ids)), RELATION)).fetchall()
    found = _memories(tx, [other for _, other in pairs])
    by_id: dict[int, list[Memory]] = {}
    for id, other in pairs:
        by_id.setdefault(id, []).append(found[other])
    return by_id


def _disagree(tx: Transaction, new: Memory, old: Memory) -> bool:
    alike = likeness.compare(old.text, new.text, least=_LEAST_EQUAL)
    if not alike.value or alike.share < _LEAST_EQUAL:
        return False
    return old.speaker == new.speaker or _names_somebody(tx, alike.equal, new.audience)


def _names_somebody(tx: Transaction, words: Iterable[str], audience: str) -> bool:
    """Tell whether somebody known is among words: "I live" is said of whoever says it."""
    row = tx.execute(_KNOWN, (json.dumps(sorted(words)), audience)).fetchone()
    return row is not None


def _settles(new: Memory, old: Memory) -> bool:
    """Tell whether a new fact puts an old one to rest."""
    lasting = new.kind in _LASTING and old.kind in _LASTING
    later = (new.said_at - old.said_at).total_seconds() >= _LATER
    return lasting and later and new.trust is Trust.OWNER and new.speaker == old.speaker


def _fact(tx: Transaction, id: int) -> Memory | None:
    found = _memories(tx, [id]).get(id)
    return found if found is not None and found.kind in FACTS else None


def _candidates(tx: Transaction, new: Memory) -> list[Memory]:
    """Return facts that have rare words of it, and are for the same people.

    What has only words that very many items have is compared with none, as that would take long.
    """
    mine = terms(new.text)
    wanted = json.dumps(sorted(set(mine)))
    taken: list[str] = []
    postings = 0
    for term, n in tx.execute(_RARE, (wanted,)).fetchall():
        if postings + n > _POSTINGS:
            break
        taken.append(term)
        postings += n
    if not taken:
        return []
    match = " OR ".join(f'"{term}"' for term in taken)
    kinds = json.dumps([str(kind) for kind in FACTS])
    given = (match, new.id, new.audience, new.private, kinds, _CANDIDATES)
    joined = " ".join(mine)
    return [
        items.memory(row)
        for *row, theirs in tx.execute(_LIKE, given).fetchall()
        if likeness.may_be_like(joined, theirs, least=_LEAST_EQUAL)
    ]


def _others(tx: Transaction, id: int, *, besides: int) -> bool:
    return any(one.id != besides for one in against(tx, [id]).get(id, []))


def _memories(tx: Transaction, ids: Iterable[int]) -> dict[int, Memory]:
    sql = f"SELECT {COLUMNS} FROM items WHERE id IN (SELECT value FROM json_each(?))"
    rows: list[Any] = tx.execute(sql, (json.dumps(list(ids)),)).fetchall()
    return {row[0]: items.memory(row) for row in rows}


def _by_date(one: Memory, other: Memory) -> tuple[Memory, Memory]:
    older, newer = sorted((one, other), key=lambda memory: (memory.said_at, memory.id))
    return older, newer


_UNLINK = (
    "DELETE FROM links WHERE relation = ? AND item IN (SELECT value FROM json_each(?))"
    " AND other IN (SELECT value FROM json_each(?))"
)
_RARE = (
    "SELECT term, n FROM terms WHERE term IN (SELECT value FROM json_each(?)) AND n > 1"
    " ORDER BY n, term"
)
_LIKE = (
    f"SELECT {COLUMNS}, words.terms FROM words JOIN items ON items.id = words.rowid"
    " WHERE words MATCH ? AND items.id != ? AND audience = ? AND private = ? AND state = 'live'"
    " AND kind IN (SELECT value FROM json_each(?)) ORDER BY rank LIMIT ?"
)
_KNOWN = (
    "SELECT 1 FROM aliases JOIN entities ON id = entity"
    " WHERE alias IN (SELECT value FROM json_each(?)) AND audience = ? LIMIT 1"
)
_OPEN = (
    "SELECT links.item, links.other FROM links JOIN items AS a ON a.id = links.item"
    " JOIN items AS b ON b.id = links.other WHERE links.relation = 'conflicts with'"
    " AND a.state = 'live' AND b.state = 'live'"
    " AND (? IS NULL OR a.audience IN (SELECT value FROM json_each(?)))"
    " ORDER BY links.item DESC, links.other DESC LIMIT ?"
)
_AGAINST = (
    "WITH asked (id) AS (SELECT value FROM json_each(?1)),"
    " pairs (id, other) AS ("
    "  SELECT item, other FROM links WHERE item IN asked AND relation = ?2"
    "  UNION SELECT other, item FROM links WHERE other IN asked AND relation = ?2)"
    " SELECT pairs.id, other FROM pairs JOIN items ON items.id = other WHERE state = 'live'"
    " ORDER BY pairs.id, other"
)
