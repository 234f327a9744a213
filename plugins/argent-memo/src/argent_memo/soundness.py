"""Soundness: whether the file still says what was written into it.

A page that is broken is found by SQLite, words that were changed by the checksum of their item, and
what was made of the items (the index, its counts, the vectors) by comparing it with them. Rows are
read in batches, each on a view of its own, so that the agent goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from attrs import define, field, frozen

from argent_hookspecs import Database, NewMemory, StorageError, Transaction
from argent_memo import items
from argent_memo.words import terms

Tell = Callable[[int, int], None]
"""Told how many rows are done, and how many there are."""

BATCH = 500
_SHOWN = 100
_OF_INDEX = "fts5"
_LARGEST = (1 << 63) - 1
STATES = (b"live", b"superseded", b"archived")
_OWN = ("items", "vectors")
"""Tables whose references are looked at with the items."""


@frozen(kw_only=True)
class Flaw:
    """Something that is wrong.

    Args:
        what: ``file``, ``item``, ``state``, ``index``, ``counts``, ``vector`` or ``reference``.
        id: Of the item, if it is about one.
        says: What is wrong.
    """

    what: str
    id: int | None = None
    says: str

    @property
    def mendable(self) -> bool:
        """Whether it can be made again from the items."""
        return self.what not in ("file", "item")


@define
class Soundness:
    """What was looked at, and what is wrong with it.

    Args:
        items: How many there are.
        flaws: The first hundred of each sort.
        counts: How many there are of each sort.
        spoilt: Ids of all items that do not say what they said.
    """

    items: int = 0
    flaws: list[Flaw] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)
    spoilt: list[int] = field(factory=list)

    def add(self, what: str, says: str, *, id: int | None = None) -> None:
        """Note what is wrong."""
        self.counts[what] += 1
        if what == "item" and id is not None:
            self.spoilt.append(id)
        if self.counts[what] <= _SHOWN:
            self.flaws.append(Flaw(what=what, id=id, says=says))


def children(tx: Transaction) -> dict[str, list[tuple[str, str]]]:
    """Return tables of what belongs to rows of others: by which columns, and to which tables."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, parent in tx.execute(_REFERENCES).fetchall():
        if table not in _OWN:
            found.setdefault(table, []).append((column, parent))
    return found


async def is_broken(database: Database) -> bool:
    """Tell whether there is something in the file that SQLite cannot read, the index apart."""
    damage = await database.check()
    return damage is not None and not damage.startswith(_OF_INDEX)


async def look(database: Database, tell: Tell) -> Soundness:
    """Look at all that is in the file."""
    found = Soundness()
    damage = await database.check()
    if damage is not None:
        found.add("index" if damage.startswith(_OF_INDEX) else "file", damage)
    sums = _Sums()
    try:
        await _look_at_items(database, found, sums=sums, tell=tell)
        for table in await database.read(children):
            if lost := await database.read(partial(_number, sql=_LOST.format(table))):
                found.add("reference", f"{table}: {lost} rows belong to what is not there")
    except StorageError as error:
        found.add("file", str(error))
        return found
    try:
        await _look_at_counts(database, found, sums=sums)
    except StorageError as error:
        found.add("counts", str(error))
    return found


async def _look_at_items(database: Database, found: Soundness, *, sums: _Sums, tell: Tell) -> None:
    """Look at the items, and at what is kept of each elsewhere."""
    total = await database.read(partial(_number, sql="SELECT COUNT(*) FROM items"))
    last = 0
    while ids := await database.read(partial(ids_after, after=last)):
        rows = await read_rows(database, ids, found=found)
        await asyncio.to_thread(_look_at, rows, found, sums=sums)
        await _look_beside(database, found, between=(last + 1, ids[-1]))
        last = ids[-1]
        found.items += len(ids)
        tell(found.items, total)
    await _look_beside(database, found, between=(last + 1, _LARGEST))


async def _look_beside(database: Database, found: Soundness, *, between: tuple[int, int]) -> None:
    """Look at what there is of items in the index and among the vectors."""
    for what, sql in (("index", _STRAYS), ("vector", WRONG_VECTORS)):
        for id, says in await database.read(partial(_pairs, sql=sql, given=between)):
            found.add(what, says, id=id)


@define
class _Sums:
    """What the index ought to count."""

    speakers: Counter[str] = field(factory=Counter)
    items: int = 0
    length: int = 0

    def add(self, speaker: str, length: int) -> None:
        self.speakers[speaker] += 1
        self.items += 1
        self.length += length


async def read_rows(database: Database, ids: Sequence[int], *, found: Soundness) -> list[Any]:
    """Return of each item what is checked and what is kept of it, of all that can be read."""
    try:
        return await database.read(partial(_rows, first=ids[0], last=ids[-1]))
    except StorageError:
        rows: list[Any] = []
    for id in ids:
        try:
            rows += await database.read(partial(_rows, first=id, last=id))
        except StorageError:
            found.add("item", "it cannot be read", id=id)
    return rows


def _look_at(rows: Sequence[Any], found: Soundness, *, sums: _Sums) -> None:
    for row in rows:
        _look_at_one(row, found, sums=sums)


def _look_at_one(row: Sequence[Any], found: Soundness, *, sums: _Sums) -> None:
    checked, kept = row
    id, checksum, *fields = checked
    state, digest, importance, count, indexed, lost = kept
    if checksum != items.checksum(fields):
        found.add("item", "it does not say what it said when it was written", id=id)
        return
    text, speaker = fields[2], fields[3]
    if digest != digest_of(fields):
        found.add("state", "what it is compared by when it is said again is wrong", id=id)
    if not isinstance(importance, float) or not 0 <= importance <= 1:
        found.add("state", f"its importance is {importance!r}", id=id)
    if not isinstance(count, int) or count < 1:
        found.add("state", f"it is said to have been said {count!r} times", id=id)
    if state not in STATES or lost:
        found.add("state", "its state, or what came before or after it, is wrong", id=id)
    elif state != STATES[0]:
        if indexed is not None:
            found.add("index", f"the index has it, and it is {state.decode()}", id=id)
    else:
        known = terms(text)
        sums.add(speaker, len(known))
        if indexed is None:
            found.add("index", "the index does not have it", id=id)
        elif indexed != " ".join(known).encode():
            found.add("index", "the index has other words of it", id=id)


def digest_of(fields: Sequence[Any]) -> bytes:
    """Return the digest that an item ought to have, of what is checked of it."""
    _, kind, text, speaker, *_, trust, audience, private = fields
    return items.digest(
        NewMemory(
            text=text,
            kind=kind,
            speaker=speaker,
            trust=trust,
            audience=audience,
            private=bool(private),
        )
    )


async def _look_at_counts(database: Database, found: Soundness, *, sums: _Sums) -> None:
    """Compare what is counted of the index with what it has."""
    last = ""
    while batch := await database.read(partial(_terms, after=last)):
        last, wrong = batch
        for term in wrong:
            found.add("counts", f"it is counted wrongly how many items have {term!r}")
    if await database.read(partial(_agrees, sums=sums)):
        return
    if not await database.read(partial(_agrees, sums=None)):  # or it was added to meanwhile
        found.add("counts", "the totals of the index are not those of the items")


def _terms(tx: Transaction, *, after: str) -> tuple[str, list[str]] | None:
    rows = tx.execute(_NEXT_TERMS, (after, BATCH)).fetchall()
    if not rows:
        beyond = tx.execute(_BEYOND, (after,)).fetchall()
        return (beyond[-1][0], [term for (term,) in beyond]) if beyond else None
    counted = dict(rows)
    last = max(counted)
    found = dict(tx.execute(_IN_INDEX, (after, last)).fetchall())
    wrong = [one for one in {*counted, *found} if counted.get(one) != found.get(one)]
    return last, sorted(wrong)


def _agrees(tx: Transaction, *, sums: _Sums | None) -> bool:
    if sums is None:
        sums = _Sums()
        for text, speaker in tx.execute(_LIVE):
            sums.add(speaker or "", len(terms(str(text or ""))))
    totals = tx.execute("SELECT items, length FROM totals").fetchone()
    speakers = dict(tx.execute("SELECT name, n FROM speakers").fetchall())
    return totals == (sums.items, sums.length) and speakers == dict(sums.speakers)


def _rows(tx: Transaction, *, first: int, last: int) -> list[Any]:
    checked = tx.execute(items.CHECKED, (first - 1, last - first + 1)).fetchall()
    kept = {id: rest for id, *rest in tx.execute(_KEPT, (first, last)).fetchall()}
    return [(row, kept[row[0]]) for row in checked if row[0] in kept]


def ids_after(tx: Transaction, *, after: int) -> list[int]:
    """Return the next ids."""
    sql = "SELECT id FROM items WHERE id > ? ORDER BY id LIMIT ?"
    return [id for (id,) in tx.execute(sql, (after, BATCH)).fetchall()]


def _number(tx: Transaction, *, sql: str) -> int:
    return int(tx.execute(sql).fetchone()[0])


def _pairs(tx: Transaction, *, sql: str, given: Sequence[Any]) -> list[Any]:
    return list(tx.execute(sql, given).fetchall())


_KEPT = (
    "SELECT items.id, CAST(state AS BLOB), digest, importance, count, CAST(terms AS BLOB),"
    " superseded_by IS NOT NULL AND superseded_by NOT IN (SELECT id FROM items)"
    "  OR session IS NOT NULL AND session NOT IN (SELECT id FROM sessions)"
    " FROM items LEFT JOIN words ON words.rowid = items.id WHERE items.id BETWEEN ? AND ?"
)
_STRAYS = (
    "SELECT rowid, 'the index has it, and there is no such item' FROM words"
    " WHERE rowid BETWEEN ? AND ? AND rowid NOT IN (SELECT id FROM items)"
)
WRONG_VECTORS = (
    "SELECT item, 'a vector of it has the wrong length, or is of nothing that is live'"
    " FROM vectors LEFT JOIN embedders ON embedders.id = embedder"
    " LEFT JOIN items ON items.id = item AND state = 'live' WHERE item BETWEEN ? AND ?"
    " AND (items.id IS NULL OR dimensions IS NULL"
    "  OR typeof(vector) != 'blob' OR length(vector) != dimensions)"
)
_REFERENCES = (
    'SELECT m.name, f."from", f."table" FROM sqlite_schema AS m,'
    " pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table' ORDER BY m.name"
)
_LOST = "SELECT COUNT(*) FROM pragma_foreign_key_check('{}')"
_NEXT_TERMS = "SELECT term, n FROM terms WHERE term > ? ORDER BY term LIMIT ?"
_IN_INDEX = "SELECT term, doc FROM vocabulary WHERE term > ? AND term <= ?"
_BEYOND = "SELECT term FROM vocabulary WHERE term > ?"
_LIVE = "SELECT text, speaker FROM items WHERE state = 'live'"
