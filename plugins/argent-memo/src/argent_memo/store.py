"""The store: what is kept, corrected and deleted, each in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import define, evolve

from argent_hookspecs import Clock, Database, Memory, MemoryFilter, NewMemory, Transaction, Trust
from argent_memo import conflicts, index, items
from argent_memo.filters import conditions
from argent_memo.forgetting import Forgotten, forget, forget_source, of_source
from argent_memo.items import COLUMNS, Place


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
        """Delete items, what was made of them, and every trace of them in the file and its log."""
        gone = await self.database.write(partial(forget, ids=ids), durable=True)
        await self.database.flush()
        return gone

    async def forget_source(self, source: str) -> Forgotten:
        """Delete what came of one event, message or file, but for what was said elsewhere too."""
        gone = await self.database.write(partial(forget_source, source=source), durable=True)
        await self.database.flush()
        return gone

    async def of_source(self, source: str) -> list[int]:
        """Return the ids of all that came of one event, message or file alone, oldest first."""
        return await self.database.read(partial(of_source, source=source))

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
        say_again(tx, again, new=new, now=now)
        return again
    id = items.insert(tx, new, place=place, now=now)
    if new.supersedes is not None:
        supersede(tx, new.supersedes, by=id)
    index.put(tx, id)
    settled = conflicts.note(tx, id) if new.kind in conflicts.FACTS else None
    if settled is not None:
        supersede(tx, settled, by=id)
    return id


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


def say_again(tx: Transaction, id: int, *, new: NewMemory, now: float) -> None:
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
    new = evolve(new, **changes)
    by = add(tx, new, place=place, now=now)
    # The owner's own word is made of nothing, unless what it corrects came from outside.
    if old.trust is Trust.OUTSIDE or new.trust is not Trust.OWNER:
        tx.execute(_MADE_OF_THE_SAME, (by, id))
    return by


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


def archive(tx: Transaction, id: int) -> None:
    """Let an item be found no longer; it is kept."""
    index.take_out(tx, id)
    tx.execute("UPDATE items SET state = 'archived' WHERE id = ?", (id,))
    tx.execute("DELETE FROM vectors WHERE item = ?", (id,))


_KEY = (
    "SELECT id FROM items WHERE key = ?1 UNION ALL SELECT item FROM sayings WHERE key = ?1 LIMIT 1"
)
_DIGEST = "SELECT id FROM items WHERE digest = ? AND state = 'live'"
_MADE_OF_THE_SAME = (
    "INSERT OR IGNORE INTO links SELECT ?1, other, relation FROM links"
    " WHERE item = ?2 AND relation = 'made of' AND other != ?1"
)
_SAME_PLACE = (
    "UPDATE items SET (session, position) = (SELECT session, position FROM items WHERE id = ?)"
    " WHERE id = ?"
)
