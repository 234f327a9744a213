"""Mending: what is made of the items is made anew, and what no longer says what it said set aside.

It can be broken off anywhere: a note says that it is under way, and it goes on at the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import define, field

from argent_hookspecs import Database, Transaction
from argent_memo import forgetting, index, items, soundness
from argent_memo.soundness import Soundness, Tell

_NOTE = "reindex"


@define
class Mended:
    """What was made anew.

    Args:
        items: How many were gone through.
        set_aside: Ids of those that no longer say what they said; they are archived.
        vectors: How many vectors were taken out, to be made again.
    """

    items: int = 0
    set_aside: list[int] = field(factory=list)
    vectors: int = 0


async def is_under_way(database: Database) -> bool:
    """Tell whether mending was begun and never ended."""
    return await database.read(_is_noted)


async def mend(database: Database, tell: Tell, *, all_vectors: bool = False) -> Mended:
    """Make the index anew, and take out vectors that are wrong.

    Args:
        all_vectors: Whether to take out all of them.
    """
    await database.write(_begin)
    return await go_on(database, tell, all_vectors=all_vectors)


async def end(database: Database) -> None:
    """Do what is left of it, unseen."""
    await go_on(database, lambda done, total: None)


async def go_on(database: Database, tell: Tell, *, all_vectors: bool = False) -> Mended:
    """Do what is left of it."""
    done, last = Mended(), 0
    total = await database.read(_count)
    while ids := await database.read(partial(soundness.ids_after, after=last)):
        found = Soundness()
        rows = await soundness.read_rows(database, ids, found=found)
        digests = await asyncio.to_thread(_digests, rows)
        spoilt = sorted({*found.spoilt, *(row[0][0] for row in rows)} - {id for _, id in digests})
        between = (last + 1, ids[-1])
        work = partial(_mend_some, spoilt=spoilt, digests=digests, between=between)
        await database.write(work)
        done.vectors += await database.write(
            partial(_take_out_vectors, between=between, all_of_them=all_vectors)
        )
        done.set_aside += spoilt
        done.items += len(ids)
        last = ids[-1]
        tell(done.items, total)
    await database.write(_end)
    return done


def _digests(rows: Sequence[Any]) -> list[tuple[bytes, int]]:
    """Return the digests of the items that say what they said, and their ids."""
    return [
        (soundness.digest_of(fields), id)
        for (id, checksum, *fields), _ in rows
        if checksum == items.checksum(fields)
    ]


def _is_noted(tx: Transaction) -> bool:
    return tx.execute("SELECT 1 FROM notes WHERE name = ?", (_NOTE,)).fetchone() is not None


def _count(tx: Transaction) -> int:
    return int(tx.execute("SELECT COUNT(*) FROM items").fetchone()[0])


def _begin(tx: Transaction) -> None:
    """Take the index down, in whatever state it is, and put up an empty one."""
    tx.execute("INSERT OR REPLACE INTO notes VALUES (?, '')", (_NOTE,))
    (sql,) = tx.execute("SELECT sql FROM sqlite_schema WHERE name = 'words'").fetchone()
    tx.execute("DROP TABLE words")
    tx.execute(sql)
    tx.execute("INSERT INTO words (words, rank) VALUES ('secure-delete', 1)")
    index.clear(tx)
    tx.execute("INSERT OR IGNORE INTO totals VALUES (1, 0, 0)")
    tx.execute("REINDEX")


def _mend_some(
    tx: Transaction,
    *,
    spoilt: Sequence[int],
    digests: Sequence[tuple[bytes, int]],
    between: tuple[int, int],
) -> None:
    for sql in _STATES:
        tx.execute(sql, between)
    tx.executemany("UPDATE items SET digest = ?1 WHERE id = ?2 AND digest != ?1", digests)
    for id in spoilt:
        tx.execute("UPDATE items SET state = 'archived' WHERE id = ? AND state = 'live'", (id,))
    for _, id in digests:
        index.put(tx, id)


def _take_out_vectors(tx: Transaction, *, between: tuple[int, int], all_of_them: bool) -> int:
    if all_of_them:
        return int(tx.execute(_ALL_VECTORS, between).rowcount)
    wrong = {id for id, _ in tx.execute(soundness.WRONG_VECTORS, between).fetchall()}
    tx.executemany("DELETE FROM vectors WHERE item = ?", [(id,) for id in wrong])
    return len(wrong)


def _end(tx: Transaction) -> None:
    tx.execute("DELETE FROM vectors WHERE item NOT IN (SELECT id FROM items)")
    for table, parents in soundness.children(tx).items():
        for column, parent in parents:
            tx.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM {parent})")
    tx.execute("DELETE FROM notes WHERE name = ?", (_NOTE,))
    # The mirror may lack what is live again, and have what was lost.
    forgetting.came_back(tx, 1)
    tx.execute("DELETE FROM notes WHERE name GLOB 'mirror of *'")


_STATES = (
    "UPDATE items SET importance = 0.5 WHERE id BETWEEN ? AND ?"
    " AND (typeof(importance) != 'real' OR importance NOT BETWEEN 0 AND 1)",
    "UPDATE items SET count = 1 + (SELECT COUNT(*) FROM sayings WHERE item = items.id)"
    " WHERE id BETWEEN ? AND ? AND (typeof(count) != 'integer' OR count < 1)",
    "UPDATE items SET superseded_by = NULL WHERE id BETWEEN ? AND ?"
    " AND superseded_by IS NOT NULL AND superseded_by NOT IN (SELECT id FROM items)",
    "UPDATE items SET session = NULL WHERE id BETWEEN ? AND ?"
    " AND session IS NOT NULL AND session NOT IN (SELECT id FROM sessions)",
    "UPDATE items SET state = iif(superseded_by IS NULL, 'live', 'superseded')"
    " WHERE id BETWEEN ? AND ? AND state NOT IN ('live', 'superseded', 'archived')",
)
_ALL_VECTORS = "DELETE FROM vectors WHERE item BETWEEN ? AND ?"
