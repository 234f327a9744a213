"""Consolidation: many episodes that say the same become one item.

No model has a part in it: episodes of one speaker belong together where one of them says all that
the others say, nearly all of its words are theirs, and no number, time, name or negation differs
(``likeness.py``). What comes of them has its text, counts all of them, and is linked to each. As
they add nothing to it, they are archived, which takes them out of the search; what adds anything
stays. When it goes, because one of them is forgotten, the others come back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from attrs import define, frozen

from argent_hookspecs import Memory, MemoryKind, NewMemory, Transaction
from argent_memo import index, items, likeness, store
from argent_memo.items import COLUMNS, Place
from argent_memo.words import terms

ORIGIN = "consolidation"
_NOTE = "consolidation"
_BATCH = 20
_MOST_BATCHES = 100
_LEAST = 3
_LEAST_EQUAL = 0.8
_POSTINGS = 1000
_CANDIDATES = 30


@frozen
class _Near:
    """An episode, and what may say the same."""

    episode: Memory
    others: tuple[Memory, ...]


@define(eq=False, repr=False)
class Consolidation:
    """Goes through what was kept since the last time."""

    store: store.Store

    async def run(self) -> int:
        """Make one of many, wherever there are many; return how many came of it.

        Where very much was kept, the rest is left to the next time.
        """
        made, last = 0, await self.store.database.read(_position)
        for _ in range(_MOST_BATCHES):
            batch = await self.store.database.read(partial(_look, after=last))
            if not batch:
                break
            groups = await asyncio.to_thread(_groups, batch)
            last = batch[-1].episode.id
            now = self.store.clock.now().timestamp()
            work = partial(_make_all, groups=groups, last=last, now=now)
            made += await self.store.database.write(work)
        return made


def _look(tx: Transaction, *, after: int) -> list[_Near]:
    """Read the next episodes with what is like them by their rare words."""
    rows = tx.execute(_NEXT, (after, _BATCH)).fetchall()
    return [_Near(one, tuple(_like(tx, one))) for one in map(items.memory, rows)]


def _like(tx: Transaction, one: Memory) -> list[Memory]:
    mine = terms(one.text)
    wanted = json.dumps(sorted(set(mine)))
    taken: list[str] = []
    postings = 0
    for term, n in tx.execute(_RARE, (wanted,)).fetchall():
        postings += n
        if postings > _POSTINGS:
            break
        taken.append(term)
    if not taken:
        return []
    match = " OR ".join(f'"{term}"' for term in taken)
    given = (match, one.id, one.speaker, one.audience, one.private, one.trust, ORIGIN)
    joined = " ".join(mine)
    rows = tx.execute(_LIKE, (*given, _CANDIDATES)).fetchall()
    return [
        items.memory(row)
        for *row, theirs in rows
        if likeness.may_be_like(joined, theirs, least=_LEAST_EQUAL)
    ]


def _groups(batch: Sequence[_Near]) -> list[list[int]]:
    """Return the ids of what says the same; no item is in two of them."""
    found, taken = [], set[int]()
    for near in batch:
        if near.episode.id in taken:
            continue
        same = [one.id for one in near.others if one.id not in taken and _is_same(near, one)]
        if same:
            found.append([near.episode.id, *same])
            taken |= set(found[-1])
    return found


def _is_same(near: _Near, other: Memory) -> bool:
    alike = likeness.compare(near.episode.text, other.text, least=_LEAST_EQUAL)
    within = not (alike.adds and alike.lacks)
    return within and alike.share >= _LEAST_EQUAL and not alike.values_differ


def _make_all(tx: Transaction, *, groups: Sequence[Sequence[int]], last: int, now: float) -> int:
    made = sum(_make(tx, group, now=now) for group in groups)
    tx.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (_NOTE, str(last)))
    return made


def _make(tx: Transaction, ids: Sequence[int], *, now: float) -> bool:
    """Make one item of a group, and of those that an earlier one was made of."""
    earlier = [id for (id,) in tx.execute(_EARLIER, (json.dumps(ids), ORIGIN)).fetchall()]
    rows = tx.execute(_SOURCES, (json.dumps(ids), json.dumps(earlier))).fetchall()
    known = [items.memory(row) for row in rows]
    if len(known) < _LEAST:
        return False
    whole = max(known, key=lambda one: (len(terms(one.text)), one.said_at))
    sources = [one for one in known if not likeness.compare(whole.text, one.text).adds]
    if len(sources) < _LEAST or (earlier and len(sources) < len(known)):
        return False
    id = store.add(tx, _sum(sources, whole), place=Place(origin=ORIGIN), now=now, merge=False)
    tx.execute("UPDATE items SET count = ? WHERE id = ?", (sum(s.count for s in sources), id))
    for old in earlier:
        _replace(tx, old, by=id)
    for one in sources:
        tx.execute("INSERT INTO links VALUES (?, ?, 'made of')", (id, one.id))
        index.take_out(tx, one.id)
        tx.execute("UPDATE items SET state = 'archived' WHERE id = ?", (one.id,))
        tx.execute("DELETE FROM vectors WHERE item = ?", (one.id,))
    return True


def _replace(tx: Transaction, old: int, *, by: int) -> None:
    """Put a new item in the place of an earlier one, for what was made of that and its uses."""
    tx.execute("UPDATE OR IGNORE links SET other = ? WHERE other = ?", (by, old))
    tx.execute("UPDATE uses SET item = ? WHERE item = ?", (by, old))
    index.take_out(tx, old)
    tx.execute("DELETE FROM items WHERE id = ?", (old,))


def _sum(sources: Sequence[Memory], whole: Memory) -> NewMemory:
    said: list[datetime] = [one.said_at for one in sources]
    return NewMemory(
        text=whole.text,
        kind=MemoryKind.SEMANTIC,
        speaker=whole.speaker,
        said_at=max(said),
        holds_from=min(said),
        trust=whole.trust,
        audience=whole.audience,
        private=whole.private,
        importance=max(one.importance for one in sources),
    )


def _position(tx: Transaction) -> int:
    row: Any = tx.execute("SELECT value FROM notes WHERE name = ?", (_NOTE,)).fetchone()
    return 0 if row is None else int(row[0])


_NEXT = (
    f"SELECT {COLUMNS} FROM items WHERE id > ? AND kind = 'episodic' AND state = 'live'"
    " ORDER BY id LIMIT ?"
)
_RARE = (
    "SELECT term, n FROM terms WHERE term IN (SELECT value FROM json_each(?)) AND n > 1"
    " ORDER BY n, term"
)
_LIKE = (
    f"SELECT {COLUMNS}, words.terms FROM words JOIN items ON items.id = words.rowid"
    " WHERE words MATCH ? AND items.id != ? AND speaker = ? AND audience = ? AND private = ?"
    " AND trust = ? AND state = 'live' AND (kind = 'episodic' OR origin = ?)"
    " ORDER BY rank LIMIT ?"
)
_EARLIER = "SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) AND origin = ?"
_SOURCES = (
    f"SELECT {COLUMNS} FROM items WHERE kind = 'episodic' AND state IN ('live', 'archived')"
    " AND (id IN (SELECT value FROM json_each(?1)) OR id IN (SELECT other FROM links"
    "  WHERE relation = 'made of' AND item IN (SELECT value FROM json_each(?2))))"
    " ORDER BY id"
)
