"""File uses: which event, with its turn and its reply, refers to which attachment."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from argent_hookspecs import File, Transaction


def record(tx: Transaction, turn: str, *, parts: Iterable[object]) -> None:
    """Note the files among what an event or a reply holds, in the transaction that stores it."""
    rows = [(turn, part.id) for part in parts if isinstance(part, File)]
    if rows:
        tx.executemany("INSERT OR IGNORE INTO file_uses VALUES (?, ?)", rows)


def forget(tx: Transaction, turn: str) -> None:
    """Note that an event is gone, with all that its turn left."""
    tx.execute("DELETE FROM file_uses WHERE turn = ?", (turn,))


def by_file(tx: Transaction) -> dict[str, str]:
    """Return, by the id of each file that is referred to, the last event that does."""
    return dict(tx.execute("SELECT file, MAX(turn) FROM file_uses GROUP BY file").fetchall())


def used(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Return which of some files are referred to."""
    sql = "SELECT DISTINCT file FROM file_uses WHERE file IN (SELECT value FROM json_each(?))"
    return {id for (id,) in tx.execute(sql, (json.dumps(list(ids)),)).fetchall()}
