"""The memory's own exports, as lines or as pages, read back with all that belongs to each item.

Numbers are given anew, so what an item was called in the file is kept beside it until the end of
the import: by what it was superseded, and what it is linked with, is put in last.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from argent_hookspecs import NewMemory, Transaction
from argent_memo import index, items
from argent_memo.confidential import is_confidential
from argent_memo.identity import identity
from argent_memo.imports.records import Imported, ImportRefused, when
from argent_memo.items import Place
from argent_memo.store import Store

FORMAT = "argent-memory"
VERSION = 1

_BATCH = 300
_LONGEST_LINE = 16 << 20
_LARGEST_TEXT = 1_000_000
_STATES = ("live", "superseded", "archived")
_RELATIONS = ("made of", "conflicts with", "about")


@frozen(kw_only=True)
class _Row:
    """An item as it stands in a file.

    Args:
        memory: Whose export it is.
        id: Its number there.
        key: What it is known by, here too.
        others: Keys, times and sources of when it was said again.
        uses: When it was told, in which turn, why, and whether that mattered.
    """

    memory: str
    id: int
    key: str
    new: NewMemory
    place: Place
    state: str
    count: int
    created_at: float
    superseded_by: int | None
    others: Sequence[tuple[str, float, str]]
    uses: Sequence[tuple[float, str, str, int]]


@frozen
class Line:
    """What stands in an export.

    Args:
        name: Of the line, for a person.
        memory: Whose export it is.
        said: An item or a link; empty, if it cannot be read.
    """

    name: str
    memory: str
    said: Mapping[str, Any]


@define
class _Reading:
    """An import that goes on.

    Args:
        ids: Numbers here, by whose export it is and those in it.
        links: Of those: the item, what it is linked with, how; ``superseded by`` among them.
    """

    imported: Imported = field(factory=Imported)
    ids: dict[tuple[str, int], int] = field(factory=dict)
    links: list[tuple[str, int, int, str]] = field(factory=list)

    def sort(self, lines: Sequence[Line]) -> list[_Row]:
        """Return the items of some lines, and keep what comes last."""
        rows = list[_Row]()
        for line in lines:
            try:
                if "link" in line.said:
                    self.links.append((line.memory, *_link(line.said["link"])))
                else:
                    rows += self._rows(line)
            except items.ODD as error:
                self.imported.complain(f"{line.name}: {error!s:.100}" if line.said else line.name)
        return rows

    def _rows(self, line: Line) -> list[_Row]:
        row = _row(line.said, line.memory)
        linked = [_link((row.id, *link)) for link in line.said.get("links", ())]
        if is_confidential(row.new.text):
            self.imported.left_out += 1
            return []
        if row.superseded_by is not None:
            linked.append((row.id, row.superseded_by, "superseded by"))
        self.links += [(line.memory, *link) for link in linked]
        return [row]


async def import_jsonl(store: Store, path: Path, *, progress: Callable[[int], None]) -> Imported:
    """Import an export of a memory; see ``import_``."""
    with closing(_lines(path)) as lines:
        return await take_in(store, lines, progress=progress)


async def take_in(
    store: Store, lines: Iterator[Line], *, progress: Callable[[int], None]
) -> Imported:
    """Take in what stands in an export."""
    reading = _Reading()
    database, imported = store.database, reading.imported
    while batch := await asyncio.to_thread(lambda: [*islice(lines, _BATCH)]):
        rows = await asyncio.to_thread(reading.sort, batch)
        kept = await database.write(partial(_keep, rows=rows))
        for row, (id, new) in zip(rows, kept, strict=True):
            reading.ids[row.memory, row.id] = id
            imported.items += new
            imported.skipped += not new
        progress(imported.seen)
    ids = reading.ids
    for start in range(0, len(reading.links), _BATCH):
        links = reading.links[start : start + _BATCH]
        known = [(ids.get((of, one)), ids.get((of, other)), how) for of, one, other, how in links]
        await database.write(partial(_link_all, links=known))
    return imported


def _lines(path: Path) -> Generator[Line, None, None]:
    """Return the lines of a file; what is no object is an empty one."""
    memory = None
    for n, said in _objects(path):
        if memory is None:
            memory = _check(said, path)
        else:
            yield Line(f"line {n}", memory, said)


def _objects(path: Path) -> Generator[tuple[int, Mapping[str, Any]], None, None]:
    try:
        with path.open("rb") as file:
            n = 0
            while raw := file.readline(_LONGEST_LINE):
                n += 1
                whole = raw.endswith(b"\n") or len(raw) < _LONGEST_LINE
                while not raw.endswith(b"\n") and len(raw) == _LONGEST_LINE:
                    raw = file.readline(_LONGEST_LINE)
                if raw.strip():
                    yield n, _object(raw) if whole else {}
            if not n:
                yield 1, {}
    except OSError as error:
        raise ImportRefused(f"{path.name} cannot be read: {error.strerror}") from error


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _check(head: Mapping[str, Any], path: Path) -> str:
    """Return whose export a file is, by its first line."""
    version = head.get("version")
    if head.get("format") != FORMAT or not isinstance(version, int):
        raise ImportRefused(f"{path.name} is no export of a memory of Argent's")
    if version > VERSION:
        raise ImportRefused(f"{path.name} was made by a newer Argent; update this one first")
    return str(head.get("memory", ""))


def _row(line: Mapping[str, Any], memory: str) -> _Row:
    """Read an item. Raises one of ``items.ODD`` where it is wrong."""
    id, state, count = _whole(line["item"]), line["state"], _whole(line["count"])
    if state not in _STATES or count < 1:
        raise ValueError("a field has no sense")
    superseded = line["superseded_by"]
    key = f"memory:{memory}/{id}" if line["key"] is None else _text(line["key"])
    changed = line.get("changed", False)
    if changed:  # a hand has changed its words: it is another one, said once
        key = f"{key}/{blake2b(_text(line['text']).encode(), digest_size=8).hexdigest()}"
    new = NewMemory(
        text=_text(line["text"]),
        kind=line["kind"],
        key=key,
        speaker=_text(line["speaker"]),
        said_at=_time(line["said_at"]),
        holds_from=when(line["holds_from"]),
        holds_until=when(line["holds_until"]),
        source=_text(line["source"]),
        trust=line["trust"],
        audience=_text(line["audience"]),
        private=bool(_whole(line["private"])),
        importance=line["importance"],
    )
    if not new.text or not new.audience:
        raise ValueError("a field is empty")
    return _Row(
        memory=memory,
        id=id,
        key=key,
        new=items.storable(new),
        place=Place(origin=_text(line["origin"]), name=_text(line["place"])),
        state=state,
        count=1 if changed else count,
        created_at=_time(line["created_at"]).timestamp(),
        superseded_by=None if superseded is None else _whole(superseded),
        others=[] if changed else [_saying(*saying) for saying in line["said_again"]],
        uses=[(_seconds(at), _text(t), _text(w), _whole(m)) for at, t, w, m in line["uses"]],
    )


def _saying(key: Any, at: Any, source: Any) -> tuple[str, float, str]:
    return _text(key), _seconds(at), _text(source)


def _time(value: Any) -> datetime:
    at = when(value)
    if at is None:
        raise ValueError("a time is missing")
    return items.clamped(at)


def _seconds(value: Any) -> float:
    return _time(value).timestamp()


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LARGEST_TEXT:
        raise ValueError("a field is no text, or too long")
    return value.encode(errors="replace").decode()


def _whole(value: Any) -> int:
    if not isinstance(value, int) or abs(value) > 2**62:
        raise ValueError("a field is no number")
    return int(value)


def _link(link: Any) -> tuple[int, int, str]:
    one, other, relation = link
    if relation not in _RELATIONS:
        raise ValueError("there is no such relation")
    return _whole(one), _whole(other), relation


def _keep(tx: Transaction, *, rows: Sequence[_Row]) -> list[tuple[int, bool]]:
    """Keep items; return their numbers, and which of them are new."""
    own = identity(tx)
    return [_keep_one(tx, row, own=_own(row, own)) for row in rows]


def _own(row: _Row, memory: str) -> int | None:
    """Return the number that an item had in this memory, if it came from here; from afar too."""
    if row.memory == memory:
        return row.id
    number = row.key.removeprefix(f"memory:{memory}/")
    return int(number) if number != row.key and number.isdecimal() and len(number) < 19 else None


def _keep_one(tx: Transaction, row: _Row, *, own: int | None) -> tuple[int, bool]:
    found = tx.execute(_KNOWN, (row.key, own, row.new.text)).fetchone()
    if found is not None:
        return int(found[0]), False
    same = tx.execute(_SAME, (items.digest(row.new),)).fetchone()
    if same is not None and row.state == "live":
        at = row.new.said_at.timestamp() if row.new.said_at else row.created_at
        _say_again(tx, same[0], [(row.key, at, row.new.source), *row.others])
        return int(same[0]), False
    id = items.insert(tx, row.new, place=row.place, now=row.created_at)
    tx.execute("UPDATE items SET state = ? WHERE id = ?", (row.state, id))
    _say_again(tx, id, row.others)
    tx.execute("UPDATE items SET count = ? WHERE id = ?", (row.count, id))
    tx.executemany("INSERT INTO uses VALUES (?, ?, ?, ?, ?)", [(id, *use) for use in row.uses])
    index.put(tx, id)
    return id, True


def _say_again(tx: Transaction, id: int, others: Sequence[tuple[str, float, str]]) -> None:
    said = "INSERT OR IGNORE INTO sayings VALUES (?, ?, ?, ?)"
    new = sum(tx.execute(said, (id, *other)).rowcount for other in others)
    tx.execute("UPDATE items SET count = count + ? WHERE id = ?", (new, id))


def _link_all(tx: Transaction, *, links: Sequence[tuple[int | None, int | None, str]]) -> None:
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
_SAME = "SELECT id FROM items WHERE digest = ? AND state = 'live'"
_SUPERSEDED = (
    "UPDATE items SET superseded_by = ? WHERE id = ? AND state = 'superseded'"
    " AND superseded_by IS NULL"
)
