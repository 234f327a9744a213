"""The store: what is kept, corrected and deleted, each in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import define, evolve, frozen

from argent_hookspecs import Clock, Database, Memory, MemoryFilter, NewMemory, Transaction
from argent_memo import conflicts, entities, index, items
from argent_memo.filters import conditions
from argent_memo.items import COLUMNS, Place


@frozen
class Forgotten:
    """What went, and what was made of it and went too."""

    items: tuple[int, ...]
    made_of_them: tuple[int, ...]


@define(eq=False, repr=False)
class Store:
    """Items in ``data/memory.db``."""

    database: Database
    clock: Clock

    async def add(self, new: NewMemory, place: Place) -> int:
        """Keep something; return its id, or that of what it repeats."""
        return (await self.add_all([(new, place)]))[0]

    async def add_all(self, all: Sequence[tuple[NewMemory, Place]]) -> list[int]:
        """Keep several things in one transaction."""
        now = self.clock.now().timestamp()

        def work(tx: Transaction) -> list[int]:
            return [add(tx, new, place=place, now=now) for new, place in all]

        return await self.database.write(work)

    async def get(self, ids: Sequence[int]) -> list[Memory]:
        """Return items, in the order asked for; those that are gone are left out."""

        def read(tx: Transaction) -> list[Any]:
            sql = f"SELECT {COLUMNS} FROM items WHERE id IN (SELECT value FROM json_each(?))"
            return list(tx.execute(sql, (json.dumps(list(ids)),)).fetchall())

        found = {row[0]: items.memory(row) for row in await self.database.read(read)}
        return [found[id] for id in ids if id in found]

    async def correct(self, id: int, **changes: Any) -> int:
        """Put a corrected item in the place of another, which is kept as its history.

        Args:
            changes: Fields of ``NewMemory``.

        Returns:
            The id of the new one.

        Raises:
            KeyError: There is no such item, or it was corrected before.
        """
        now = self.clock.now().timestamp()
        return await self.database.write(partial(_correct, id=id, changes=changes, now=now))

    async def forget(self, ids: Sequence[int]) -> Forgotten:
        """Delete items, what was made of them, and every trace of them in this file."""
        return await self.database.write(partial(forget, ids=ids), durable=True)

    async def of_source(self, source: str) -> list[int]:
        """Return the ids of all that came of one event, message or file, oldest first."""
        sql = (
            "SELECT id FROM items WHERE source = ?1"
            " UNION SELECT item FROM sayings WHERE source = ?1 ORDER BY 1"
        )
        rows = await self.database.read(lambda tx: tx.execute(sql, (source,)).fetchall())
        return [id for (id,) in rows]

    async def latest(self, place: str, limit: int) -> list[int]:
        """Return the ids of what was kept last of a place, newest first."""
        sql = "SELECT id FROM items WHERE place = ? ORDER BY id DESC LIMIT ?"
        rows = await self.database.read(lambda tx: tx.execute(sql, (place, limit)).fetchall())
        return [id for (id,) in rows]

    async def timeline(
        self, filters: MemoryFilter, *, limit: int, newest: bool = False
    ) -> list[Memory]:
        """Return what was said or happened, oldest first.

        Args:
            newest: Whether the newest are returned where there are more, and not the oldest.
        """
        where, given = conditions(filters)
        order = "said_at DESC, id DESC" if newest else "said_at, id"
        sql = f"SELECT {COLUMNS} FROM items WHERE {where} ORDER BY {order} LIMIT ?"

        def read(tx: Transaction) -> list[Any]:
            return list(tx.execute(sql, (*given, limit)).fetchall())

        rows = await self.database.read(read)
        return [items.memory(row) for row in (reversed(rows) if newest else rows)]

    async def history(self, id: int) -> list[Memory]:
        """Return what an item said before it was corrected, newest first."""

        def read(tx: Transaction) -> list[Any]:
            return list(tx.execute(_HISTORY, (id,)).fetchall())

        return [items.memory(row) for row in await self.database.read(read)]


def add(tx: Transaction, new: NewMemory, *, place: Place, now: float, merge: bool = True) -> int:
    """Keep something, in a transaction; return its id, or that of what it repeats.

    Args:
        merge: Whether what says the same is the same; not, if only what it answers says what it
            means.
    """
    new = items.storable(new)
    known = _known(tx, new)
    if known is not None:
        return known
    again = _same(tx, new) if merge else None
    if again is not None:
        say_again(tx, again, new, now=now)
        return again
    id = items.insert(tx, new, place=place, now=now)
    if new.supersedes is not None:
        supersede(tx, new.supersedes, by=id)
    index.put(tx, id)
    settled = conflicts.note(tx, id)
    if settled is not None:
        supersede(tx, settled, by=id)
    return id


def forget(tx: Transaction, ids: Sequence[int]) -> Forgotten:
    """Delete items, with what was made of them, in a transaction.

    What was made of several goes with each, as nobody can tell their parts apart; those that it
    had replaced come back.
    """
    found = going(tx, ids)
    gone = (*found.items, *found.made_of_them)
    named = entities.touched(tx, gone)
    replaced = [id for (id,) in tx.execute(_REPLACED, (json.dumps(gone),)).fetchall()]
    for id in gone:
        index.take_out(tx, id)
        tx.execute("DELETE FROM items WHERE id = ?", (id,))
    entities.tidy(tx, named)
    for id in replaced:
        tx.execute("UPDATE items SET state = 'live' WHERE id = ?", (id,))
        index.put(tx, id)
        tx.execute("UPDATE embedders SET done = MIN(done, ?)", (id - 1,))
    return found


def going(tx: Transaction, ids: Sequence[int]) -> Forgotten:
    """Return what would go with items; nothing is deleted."""
    asked = [id for (id,) in tx.execute(_EXISTING, (json.dumps(list(ids)),)).fetchall()]
    earlier = [old for id in asked for (old,) in tx.execute(_SUPERSEDED, (id,)).fetchall()]
    direct = list(dict.fromkeys([*asked, *earlier]))
    gone, made = list(direct), list[int]()
    for id in gone:  # grows while it is gone through
        for (other,) in tx.execute(_MADE_OF, (id, json.dumps(gone))).fetchall():
            gone.append(other)
            made.append(other)
    return Forgotten(tuple(direct), tuple(made))


def is_known(tx: Transaction, new: NewMemory) -> bool:
    """Tell whether what has this key was kept before."""
    return _known(tx, new) is not None


def _known(tx: Transaction, new: NewMemory) -> int | None:
    if new.key is None:
        return None
    row = tx.execute(_KEY, (new.key,)).fetchone()
    return None if row is None else int(row[0])


def _same(tx: Transaction, new: NewMemory) -> int | None:
    row = tx.execute(_DIGEST, (items.digest(new),)).fetchone()
    return None if row is None or new.supersedes is not None else int(row[0])


def say_again(tx: Transaction, id: int, new: NewMemory, *, now: float) -> None:
    """Note that the same was said once more."""
    at = now if new.said_at is None else new.said_at.timestamp()
    key = new.key or f"{id}/{at}"
    said = "INSERT OR IGNORE INTO sayings VALUES (?, ?, ?, ?)"
    if tx.execute(said, (id, key, at, new.source)).rowcount:
        tx.execute("UPDATE items SET count = count + 1 WHERE id = ?", (id,))


def _correct(tx: Transaction, *, id: int, changes: dict[str, Any], now: float) -> int:
    sql = f"SELECT {COLUMNS}, place FROM items WHERE id = ? AND superseded_by IS NULL"
    known = _known(tx, NewMemory(text="", key=changes.get("key")))
    if known is not None:
        return known
    row = tx.execute(sql, (id,)).fetchone()
    if row is None:
        raise KeyError(id)
    old = items.memory(row[:-1])
    new = NewMemory(
        text=old.text,
        kind=old.kind,
        speaker=old.speaker,
        said_at=old.said_at,
        holds_from=old.holds_from,
        holds_until=old.holds_until,
        source=old.source,
        trust=old.trust,
        audience=old.audience,
        private=old.private,
        importance=old.importance,
        supersedes=id,
    )
    place = Place(origin="hand", name=row[-1])
    return add(tx, evolve(new, **changes), place=place, now=now)


def supersede(tx: Transaction, id: int, *, by: int) -> None:
    """Let an item be no longer true by another, which takes its place; it is kept as history."""
    index.take_out(tx, id)
    tx.execute(
        "UPDATE items SET state = 'superseded', superseded_by = ? WHERE id = ? AND id != ?",
        (by, id, by),
    )
    tx.execute("DELETE FROM vectors WHERE item = ?", (id,))
    # The new one stands where the old one stood, among what was said around it.
    tx.execute(_SAME_PLACE, (id, by))


_KEY = (
    "SELECT id FROM items WHERE key = ?1 UNION ALL SELECT item FROM sayings WHERE key = ?1 LIMIT 1"
)
_DIGEST = "SELECT id FROM items WHERE digest = ? AND state = 'live'"
_EARLIER = "SELECT text FROM items WHERE session = ? AND id < ? ORDER BY id DESC LIMIT ?"
_EXISTING = "SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
_SUPERSEDED = (
    "WITH RECURSIVE older (id) AS (SELECT id FROM items WHERE superseded_by = ?"
    " UNION SELECT items.id FROM items JOIN older ON superseded_by = older.id)"
    " SELECT id FROM older"
)
_MADE_OF = (
    "SELECT item FROM links WHERE other = ?1 AND relation = 'made of'"
    " AND item NOT IN (SELECT value FROM json_each(?2))"
)
_REPLACED = (
    "WITH gone (id) AS (SELECT value FROM json_each(?)) SELECT DISTINCT other FROM links"
    " JOIN items ON items.id = other WHERE relation = 'made of' AND item IN gone"
    " AND other NOT IN gone AND state = 'archived'"
)
_SAME_PLACE = (
    "UPDATE items SET (session, position) = (SELECT session, position FROM items WHERE id = ?)"
    " WHERE id = ?"
)
_HISTORY = (
    f"WITH RECURSIVE older (n) AS (SELECT id FROM items WHERE superseded_by = ?"
    " UNION SELECT items.id FROM items JOIN older ON superseded_by = older.n)"
    f" SELECT {COLUMNS} FROM items JOIN older ON items.id = older.n ORDER BY id DESC"
)
