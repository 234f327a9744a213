"""Items of another memory, or of this one, as an import keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from argent_hookspecs import NewMemory, Transaction
from argent_memo import index, items
from argent_memo.identity import identity
from argent_memo.items import Place
from argent_memo.store import supersede


@frozen(kw_only=True)
class Row:
    """An item as it stands in a file.

    Args:
        name: Of its line, for a person.
        memory: Whose export it is.
        id: Its number there.
        key: What it is known by, here too.
        corrects: What the item is known by whose words a hand has changed, and when that was kept;
            None, if it says what it said.
        others: Keys, times and sources of when it was said again.
        uses: When it was told, in which turn, why, and whether that mattered.
    """

    name: str
    memory: str
    id: int
    key: str
    corrects: tuple[str, float] | None
    new: NewMemory
    place: Place
    state: str
    count: int
    created_at: float
    superseded_by: int | None
    others: Sequence[tuple[str, float, str]]
    uses: Sequence[tuple[float, str, str, int]]


@frozen
class Kept:
    """What came of an item: its number, and whether it is new, or what is here stays."""

    id: int
    new: bool = False
    stays: bool = False


def keep(tx: Transaction, *, rows: Sequence[Row], now: float) -> list[Kept]:
    """Keep items."""
    own = identity(tx)
    return [_keep_one(tx, row, own=_own(row, own), now=now) for row in rows]


def _own(row: Row, memory: str) -> int | None:
    """Return the number that an item had in this memory, if it came from here; from afar too."""
    if row.memory == memory:
        return row.id
    key = row.key if row.corrects is None else row.corrects[0]
    number = key.removeprefix(f"memory:{memory}/")
    return int(number) if number != key and number.isdecimal() and len(number) < 19 else None


def _keep_one(tx: Transaction, row: Row, *, own: int | None, now: float) -> Kept:
    found = tx.execute(_KNOWN, (row.key, own, row.new.text)).fetchone()
    if found is not None:
        return Kept(int(found[0]))
    if row.corrects is None:
        return _put(tx, row, now=row.created_at)
    key, created_at = row.corrects
    versions = tx.execute(_VERSIONS, (key, own, created_at)).fetchall()
    if not versions:
        return _put(tx, row, now=now)
    old, state, by_hand = versions[-1]
    if state != "live" or not (len(versions) == 1 or by_hand):  # what is here is newer
        return Kept(int(old), stays=True)
    kept = _put(tx, row, now=now)
    supersede(tx, old, by=kept.id)
    return kept


def _put(tx: Transaction, row: Row, *, now: float) -> Kept:
    same = tx.execute(_SAME, (items.digest(row.new),)).fetchone()
    if same is not None and row.state == "live":
        at = row.new.said_at.timestamp() if row.new.said_at else row.created_at
        _say_again(tx, same[0], [(row.key, at, row.new.source), *row.others])
        return Kept(int(same[0]))
    id = items.insert(tx, row.new, place=row.place, now=now)
    tx.execute("UPDATE items SET state = ? WHERE id = ?", (row.state, id))
    _say_again(tx, id, row.others)
    tx.execute("UPDATE items SET count = ? WHERE id = ?", (row.count, id))
    tx.executemany("INSERT INTO uses VALUES (?, ?, ?, ?, ?)", [(id, *use) for use in row.uses])
    index.put(tx, id)
    return Kept(id, new=True)


def _say_again(tx: Transaction, id: int, others: Sequence[tuple[str, float, str]]) -> None:
    said = "INSERT OR IGNORE INTO sayings VALUES (?, ?, ?, ?)"
    new = sum(tx.execute(said, (id, *other)).rowcount for other in others)
    tx.execute("UPDATE items SET count = count + ? WHERE id = ?", (new, id))


def link_all(tx: Transaction, *, links: Sequence[tuple[int | None, int | None, str]]) -> None:
    """Link items; what is not known here is linked with nothing."""
    for one, other, relation in links:
        if one is None or other is None or one == other:
            continue
        if relation == "superseded by":
            tx.execute(_SUPERSEDED, (other, one))
        else:
            tx.execute("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", (one, other, relation))


_KNOWN = (
    "SELECT id FROM items WHERE key = ?1 UNION ALL SELECT item FROM sayings WHERE key = ?1"
    " UNION ALL SELECT id FROM items WHERE id = ?2 AND text = ?3 LIMIT 1"
)
_VERSIONS = (  # of what a page shows: itself, and what took its place; then, if by such a page
    "WITH RECURSIVE shown (id) AS (SELECT id FROM items"
    "  WHERE key = ?1 OR (id = ?2 AND abs(created_at - ?3) < 0.01)"
    "  UNION ALL SELECT item FROM sayings WHERE key = ?1 LIMIT 1),"
    " versions (id) AS (SELECT id FROM shown UNION SELECT superseded_by FROM items"
    "  JOIN versions ON items.id = versions.id WHERE superseded_by IS NOT NULL)"
    " SELECT items.id, state, substr(key, 1, length(?1) + 1) = ?1 || '/'"
    " FROM versions JOIN items ON items.id = versions.id"
)
_SAME = "SELECT id FROM items WHERE digest = ? AND state = 'live'"
_SUPERSEDED = (
    "UPDATE items SET superseded_by = ? WHERE id = ? AND state = 'superseded'"
    " AND superseded_by IS NULL"
)
