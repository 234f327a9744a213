"""The index of the words, and what is counted of it; all of it can be made again from the items."""

from __future__ import annotations

import json

from argent_hookspecs import Transaction
from argent_memo.words import terms


def put(tx: Transaction, id: int) -> None:
    """Put an item that is live into the index; harmless if it is there."""
    row = tx.execute(_ITEM, (id,)).fetchone()
    if row is None:
        return
    text, speaker = row
    found = terms(text)
    tx.execute("INSERT INTO words (rowid, terms) VALUES (?, ?)", (id, " ".join(found)))
    _count(tx, found, speaker=speaker, by=1)


def take_out(tx: Transaction, id: int) -> None:
    """Take an item out of the index, before it is deleted; harmless if it is not in it."""
    row = tx.execute(_INDEXED, (id,)).fetchone()
    if row is None:
        return
    joined, speaker = row
    tx.execute("DELETE FROM words WHERE rowid = ?", (id,))
    _count(tx, joined.split(), speaker=speaker or "", by=-1)


def clear(tx: Transaction) -> None:
    """Empty the index."""
    tx.execute("DELETE FROM words")
    tx.execute("DELETE FROM terms")
    tx.execute("DELETE FROM speakers")
    tx.execute("UPDATE totals SET items = 0, length = 0")


def _count(tx: Transaction, found: list[str], *, speaker: str, by: int) -> None:
    different = json.dumps(sorted(set(found)))
    tx.execute(_TERMS, (by, different))
    tx.execute(_SPEAKER, (speaker, by))
    tx.execute("UPDATE totals SET items = items + ?, length = length + ?", (by, by * len(found)))
    if by < 0:  # a word that only what is deleted had must stand nowhere
        tx.execute(_UNUSED, (different,))
        tx.execute("DELETE FROM speakers WHERE name = ? AND n <= 0", (speaker,))


_ITEM = (
    "SELECT text, speaker FROM items WHERE id = ? AND state = 'live'"
    " AND id NOT IN (SELECT rowid FROM words WHERE rowid = items.id)"
)
_INDEXED = (
    "SELECT terms, (SELECT speaker FROM items WHERE id = words.rowid) FROM words WHERE rowid = ?"
)
_TERMS = (
    "INSERT INTO terms SELECT value, ? FROM json_each(?) WHERE true"
    " ON CONFLICT (term) DO UPDATE SET n = n + excluded.n"
)
_UNUSED = "DELETE FROM terms WHERE term IN (SELECT value FROM json_each(?)) AND n <= 0"
_SPEAKER = "INSERT INTO speakers VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n"
