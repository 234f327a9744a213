"""Exports: all that is remembered, for people to read or for another memory to take in.

``markdown`` makes a folder: ``MEMORY.md`` with what is known, and a file for each day with what was
said and happened, whose points an import knows again (``pages.py``); long files go on in others.
``jsonl`` makes a file with nothing left out: after a line that says what it is,
a line for each item, with when it was said again and told, then one for each link. Entities are not
in it, as they are made of the items. Both hold private memories too: who has them has everything.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from argent_hookspecs import ArgentError, MemoryKind, Transaction, Trust
from argent_memo import pages
from argent_memo.identity import identity
from argent_memo.imports.jsonl import FORMAT, VERSION
from argent_memo.store import Store

FORMS = ("markdown", "jsonl")

_BATCH = 500
_LONGEST_PAGE = 4_000_000
"""Bytes of a page after which another goes on; an import takes none in that is larger than 8 MB."""
_FIELDS = (
    "key, kind, state, text, speaker, place, said_at, holds_from, holds_until, origin, source,"
    " trust, audience, private, importance, count, superseded_by, created_at"
)
_NAMES = _FIELDS.replace(" ", "").split(",")


class ExportRefused(ArgentError):
    """Report that nothing was exported, and why."""


async def export(store: Store, target: Path, *, form: str) -> int:
    """Write all that is remembered to a new file or folder; return how many memories that are.

    Args:
        form: ``markdown`` for a folder, with what holds now; ``jsonl`` for a file, with all.

    Raises:
        ExportRefused: It cannot be written there, or something is there already.
    """
    if form not in FORMS:
        raise ExportRefused(f"there is no form {form!r}; the forms are: {', '.join(FORMS)}")
    draft = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
    try:
        await asyncio.to_thread(_demand_free, target)
        await asyncio.to_thread(_sweep, target)
        if form == "jsonl":
            n = await _write_jsonl(store, draft)
        else:
            n = await _write_markdown(store, draft)
        await asyncio.to_thread(draft.replace, target)
    except OSError as error:
        why = error.strerror or str(error)
        raise ExportRefused(f"{target} cannot be written: {why}") from error
    finally:
        await asyncio.to_thread(_take_away, draft)
    return n


def _demand_free(target: Path) -> None:
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise ExportRefused(f"{target} is there already; name another place")
    if not target.parent.is_dir():
        raise ExportRefused(f"there is no folder {target.parent}")
    if target.is_dir():
        target.rmdir()


def _sweep(target: Path) -> None:
    """Take away what an export to here left that was killed: it may hold all that is remembered."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{16}}")
    for path in target.parent.iterdir():
        if pattern.fullmatch(path.name):
            _take_away(path)


def _take_away(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        draft.unlink(missing_ok=True)


async def _write_jsonl(store: Store, draft: Path) -> int:
    database, n = store.database, 0
    name = await database.write(identity)
    file = await asyncio.to_thread(_create, draft)
    try:
        head = {"format": FORMAT, "version": VERSION, "memory": name}
        await asyncio.to_thread(_put, file, [head])
        for read in (_items, _links):
            async for lines in _all(store, read):
                await asyncio.to_thread(_put, file, [line for _, line in lines])
                n += len(lines) if read is _items else 0
        await asyncio.to_thread(_settle, file)
    finally:
        await asyncio.to_thread(file.close)
    return n


async def _all(store: Store, read: Any) -> AsyncIterator[list[tuple[Any, dict[str, Any]]]]:
    """Return what a table has, in batches."""
    last: Any = None
    while lines := await store.database.read(partial(read, after=last)):
        yield lines
        last = lines[-1][0]


def _items(tx: Transaction, *, after: int | None) -> list[tuple[int, dict[str, Any]]]:
    sql = f"SELECT id, {_FIELDS} FROM items WHERE id > ? ORDER BY id LIMIT ?"
    lines = []
    for id, *fields in tx.execute(sql, (after or 0, _BATCH)).fetchall():
        line = {"item": id, **dict(zip(_NAMES, fields, strict=True))}
        line["said_again"] = tx.execute(_SAYINGS, (id,)).fetchall()
        line["uses"] = tx.execute(_USES, (id,)).fetchall()
        lines.append((id, line))
    return lines


def _links(tx: Transaction, *, after: Any) -> list[tuple[Any, dict[str, Any]]]:
    rows = tx.execute(_LINKS, (*(after or (0, 0, "")), _BATCH)).fetchall()
    return [(tuple(row), {"link": list(row)}) for row in rows]


async def _write_markdown(store: Store, draft: Path) -> int:
    await asyncio.to_thread(_make_folder, draft)
    head = pages.head(await store.database.write(identity))
    facts, n = list[dict[str, Any]](), 0
    last: tuple[float, int] = (float("-inf"), 0)
    while rows := await store.database.read(partial(_told, after=last)):
        last, n = (rows[-1]["said_at"], rows[-1]["item"]), n + len(rows)
        said = [row for row in rows if row["kind"] in (MemoryKind.EPISODIC, MemoryKind.EVENT)]
        facts += [row for row in rows if row not in said]
        for day, group in groupby(said, key=lambda row: _day(row["said_at"])):
            path = draft / "memory" / f"{day}.md"
            await asyncio.to_thread(_append, path, f"{head}# {day}\n\n", list(map(_point, group)))
    facts.sort(key=lambda row: str(row["kind"]))
    for kind, group in groupby(facts, key=lambda row: str(row["kind"])):
        lines = [f"## {kind.capitalize()}\n\n", *map(_point, group), "\n"]
        await asyncio.to_thread(_append, draft / "MEMORY.md", f"{head}# Memory\n\n", lines)
    return n


def _told(tx: Transaction, *, after: tuple[float, int]) -> list[dict[str, Any]]:
    told = []
    for id, *fields in tx.execute(_TOLD, (*after, _BATCH)).fetchall():
        item = {"item": id, **dict(zip(_NAMES, fields, strict=True))}
        item["said_again"] = tx.execute(_SAYINGS, (id,)).fetchall()
        item["links"] = tx.execute(_LINKED, (id,)).fetchall()
        told.append(item)
    return told


def _point(item: Mapping[str, Any]) -> str:
    audience = item["audience"]
    notes = [] if item["kind"] == MemoryKind.EPISODIC else [_day(item["said_at"])]
    notes += [item["speaker"]] if item["speaker"] else []
    notes += ["not verified"] if item["trust"] == Trust.OUTSIDE else []
    notes += [f"told in {audience}"] if audience != "owner" else []
    notes += ["private"] if item["private"] else []
    return pages.point(item, note=" ".join(", ".join(notes).split()))


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().date().isoformat()


def _create(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


def _put(file: IO[bytes], lines: Sequence[dict[str, Any]]) -> None:
    for line in lines:
        file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _settle(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "memory").mkdir(mode=0o700)


def _append(path: Path, head: str, lines: Sequence[str]) -> None:
    """Write lines to the end of a page, and of those that follow it; each begins with the head."""
    part, todo = 1, list(reversed(lines))
    while todo:
        page = path.with_stem(f"{path.stem}-{part}") if part > 1 else path
        handle = os.open(page, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "ab") as file:
            room = _LONGEST_PAGE - file.tell()
            if room == _LONGEST_PAGE:
                file.write(head.encode())
            while todo and room > 0:
                room -= file.write(todo.pop().encode())
        part += 1


_SAYINGS = "SELECT key, said_at, source FROM sayings WHERE item = ? ORDER BY said_at, key"
_USES = "SELECT at, turn, why, mattered FROM uses WHERE item = ? ORDER BY at, rowid"
_LINKS = (
    "SELECT item, other, relation FROM links WHERE (item, other, relation) > (?, ?, ?)"
    " ORDER BY item, other, relation LIMIT ?"
)
_LINKED = "SELECT other, relation FROM links WHERE item = ? ORDER BY other, relation"
_TOLD = (
    f"SELECT id, {_FIELDS} FROM items WHERE state = 'live' AND (said_at, id) > (?, ?)"
    " ORDER BY said_at, id LIMIT ?"
)
