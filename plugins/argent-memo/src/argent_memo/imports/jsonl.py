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

from argent_hookspecs import NewMemory
from argent_memo import items
from argent_memo.confidential import is_confidential
from argent_memo.imports.keeping import Row, keep, link_all
from argent_memo.imports.records import Imported, ImportRefused, when
from argent_memo.items import Place
from argent_memo.store import Store

FORMAT = "argent-memory"
VERSION = 1

_BATCH = 300
_LONGEST_LINE = 16 << 20
_LARGEST_TEXT = 1_000_000
_STAYS = "it was corrected or set aside here since, and stays so; see: argent memory show {}"
_STATES = ("live", "superseded", "archived")
_RELATIONS = ("made of", "conflicts with", "about")


@frozen
class Line:
    """What stands in an export.

    Args:
        name: Of the line, for a person.
        memory: Whose export it is.
        said: An item or a link; empty, if it cannot be read.
        wrong: Why that is, then.
    """

    name: str
    memory: str
    said: Mapping[str, Any]
    wrong: str = "it is no JSON object, or cut off"


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

    def sort(self, lines: Sequence[Line]) -> list[Row]:
        """Return the items of some lines, and keep what comes last."""
        rows = list[Row]()
        for line in lines:
            try:
                if "link" in line.said:
                    self.links.append((line.memory, *_link(line.said["link"])))
                else:
                    rows += self._rows(line)
            except items.ODD as error:
                missing = " is missing" if isinstance(error, KeyError) else ""
                why = f"{error!s:.100}{missing}" if line.said else line.wrong
                self.imported.complain(f"{line.name}: {why}")
        return rows

    def _rows(self, line: Line) -> list[Row]:
        row = _row(line)
        linked = [_link((row.id, *link)) for link in line.said.get("links", ())]
        if is_confidential(row.new.text):
            self.imported.leave_out(line.name)
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
        now = store.clock.now().timestamp()
        kept = await database.write(partial(keep, rows=rows, now=now))
        for row, one in zip(rows, kept, strict=True):
            reading.ids[row.memory, row.id] = one.id
            if one.stays:
                imported.complain(f"{row.name}: {_STAYS.format(one.id)}")
            imported.items += one.new
            imported.skipped += not (one.new or one.stays)
        progress(imported.seen)
    ids = reading.ids
    for start in range(0, len(reading.links), _BATCH):
        links = reading.links[start : start + _BATCH]
        known = [(ids.get((of, one)), ids.get((of, other)), how) for of, one, other, how in links]
        await database.write(partial(link_all, links=known))
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


def _row(read: Line) -> Row:
    """Read an item. Raises one of ``items.ODD`` where it is wrong."""
    line, memory = read.said, read.memory
    id, state, count = _whole(line["item"]), line["state"], _whole(line["count"])
    if state not in _STATES or count < 1:
        raise ValueError("a field has no sense")
    superseded = line["superseded_by"]
    key = f"memory:{memory}/{id}" if line["key"] is None else _text(line["key"])
    changed, created_at = line.get("changed", False), _time(line["created_at"]).timestamp()
    corrects = (key, created_at) if changed else None
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
    return Row(
        name=read.name,
        memory=memory,
        id=id,
        key=key,
        corrects=corrects,
        new=items.storable(new),
        place=Place(origin=_text(line["origin"]), name=_text(line["place"])),
        state=state,
        count=1 if changed else count,
        created_at=created_at,
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
