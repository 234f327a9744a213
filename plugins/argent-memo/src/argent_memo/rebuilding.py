"""Rebuilding: of a file with broken pages, all that can be read goes into a new one.

The new one takes the place of the broken one at the next start, before either is open; the broken
one is kept beside it. Until then nothing is written into the broken one, as that would be undone;
it is searched as before. The turns that end in between are not lost: how far the journal was
followed stands in the new file too, and it is followed from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, field

from argent_hookspecs import Database, PluginContext, StorageError, Transaction
from argent_memo import broken_file, mending, soundness
from argent_memo.followed import Followed
from argent_memo.mirror_merge import LOST
from argent_memo.schema import MIGRATIONS
from argent_memo.soundness import Soundness, Tell

NAME = broken_file.REBUILT
_MARKER = "rebuilt"
_PAGE = 4096
_CLOSED = (
    "the memory was broken and is made anew; until the new one takes its place nothing is kept,"
    " corrected or forgotten: restart Argent first"
)
_MOST_EMPTY = 100
"""Batches without a row, after which a number is taken to be a broken one."""
_ODD_NUMBER = 1 << 48
_BESIDE = ("-wal", "-shm", "")
_FIRST = ("sessions", "embedders", "entities", "items")
"""Tables that rows of others belong to; all others come after them."""


@define
class Rebuilt:
    """What came of it.

    Args:
        lost: Ids of items that cannot be read; some may never have been.
        found: What is wrong with what could be.
    """

    lost: list[int] = field(factory=list)
    found: Soundness = field(factory=Soundness)


async def rebuild(ctx: PluginContext, broken: Followed, *, tell: Tell) -> Rebuilt:
    """Make the new file, and have it take over at the next start; nothing is written till then."""
    broken.closed = _CLOSED
    done: Rebuilt | None = None
    try:
        await broken.database.write(lambda tx: None)  # what was begun before is in the file now
        done = await _rebuild(ctx, broken, tell=tell)
    finally:
        if done is None:
            broken.closed = ""
    return done


async def _rebuild(ctx: PluginContext, broken: Database, *, tell: Tell) -> Rebuilt:
    done = Rebuilt()
    await asyncio.to_thread((ctx.data / _MARKER).unlink, missing_ok=True)
    path = Path(await broken.read(broken_file.path_of))
    await asyncio.to_thread(_remove, path.with_name(f"{NAME}.db"))
    async with ctx.database(NAME, MIGRATIONS) as new:
        names = sorted(await new.read(_tables), key=lambda name: (_order(name), name))
        for name in names:
            lost = await _copy(broken, new, table=name)
            done.lost += lost if name == "items" else []
        kept = await new.read(partial(_select, sql="SELECT COUNT(*) FROM items", given=()))
        if len(done.lost) > kept[0][0]:
            raise StorageError(_TOO_FEW.format(kept[0][0], path, path.with_name(f"{NAME}.db")))
        await mending.go_on(new, tell)
        done.found = await soundness.look(new, tell)
        await new.write(lambda tx: None, durable=True)
    await asyncio.to_thread(_mark, ctx.data / _MARKER, str(path))
    return done


async def take_over(ctx: PluginContext) -> None:
    """Put the new file in the place of the broken one, if there is one; neither is open."""
    try:
        kept = await asyncio.to_thread(_take_over, ctx.data / _MARKER)
    except OSError as error:
        words = f"{error.filename}: cannot be put in its place: {error.strerror}"
        raise StorageError(words) from error
    if kept is not None:
        ctx.log.warning("the memory is made anew of what could be read; %s is the old one", kept)


def _take_over(marker: Path) -> Path | None:
    if not marker.exists():
        return None
    path = Path(marker.read_text("utf-8"))
    new, kept = path.with_name(f"{NAME}.db"), path.with_name(f"{path.name}.broken")
    if new.exists():  # or the last try was broken off just before the end
        for end in _BESIDE:
            if (old := path.with_name(path.name + end)).exists():
                old.replace(kept.with_name(kept.name + end))
        new.replace(path)
    marker.unlink()
    return kept


async def _copy(broken: Database, new: Database, *, table: str) -> list[int]:
    """Copy what can be read of a table; return the numbers of the rows that cannot."""
    columns, sql = await new.read(partial(_insert, table=table))
    lost: list[int] = []
    if await new.read(partial(_is_numbered, table=table)):
        last = await _last(broken, table)
        every = f"SELECT {columns} FROM {table}"
        session = _SESSION.format(columns, ", ".join("?" * len(columns.split(", "))))
        async for rows in _numbered(broken, every, last=last, lost=lost):
            if table == "items":
                await new.write(partial(_put, sql=session, rows=rows))
            await new.write(partial(_put, sql=sql, rows=rows))
        if table == "items":
            await _connect(broken, new, last=last)
            gone = await _gone(broken, new)
            lost += sorted(gone.difference(lost))
            given = max([await _given(broken), last, *gone])
            await new.write(partial(_note_lost, ids=sorted(gone), given=given))
        return lost
    for order in ("", " DESC"):  # a broken page is met from both sides
        async for rows in _until_broken(broken, _ALL.format(columns, table, order)):
            await new.write(partial(_put, sql=sql, rows=rows))
    return lost


async def _until_broken(broken: Database, sql: str) -> AsyncIterator[list[Any]]:
    """Yield the rows up to the first that cannot be read."""
    limit, offset = _PAGE, 0
    while limit:
        try:
            rows = await broken.read(partial(_select, sql=sql, given=(limit, offset)))
        except StorageError:
            limit //= 2
            continue
        yield rows
        offset += len(rows)
        if len(rows) < limit:
            return


async def _numbered(
    broken: Database, sql: str, *, last: int, lost: list[int]
) -> AsyncIterator[list[Any]]:
    """Yield the rows of a table, by their numbers."""
    start, empty = 1, 0
    while start <= last and empty < _MOST_EMPTY:
        between = (start, min(last, start + soundness.BATCH - 1))
        if rows := await _rows(broken, sql, between=between, lost=lost):
            yield rows
        empty = 0 if rows else empty + 1
        start = between[1] + 1


async def _rows(
    broken: Database, sql: str, *, between: tuple[int, int], lost: list[int]
) -> list[Any]:
    """Return the rows in between; where not all can be read, look at each half."""
    first, last = between
    read = partial(_select, sql=f"{sql} WHERE rowid BETWEEN ? AND ?", given=between)
    try:
        return await broken.read(read)
    except StorageError:
        if first == last:
            lost.append(first)
            return []
    middle = (first + last) // 2
    before = await _rows(broken, sql, between=(first, middle), lost=lost)
    return before + await _rows(broken, sql, between=(middle + 1, last), lost=lost)


async def _connect(broken: Database, new: Database, *, last: int) -> None:
    """Copy which item took the place of which, and measure the sessions, now that all are there."""
    every = "SELECT superseded_by, id FROM items"
    async for rows in _numbered(broken, every, last=last, lost=[]):
        later = [pair for pair in rows if pair[0] is not None]
        await new.write(partial(_put, sql=_SUPERSEDE, rows=later))
    await new.write(partial(_put, sql=_MEASURE, rows=[()]))


async def _gone(broken: Database, new: Database) -> set[int]:
    """Return items that only the index still knows: what was forgotten is not in it."""
    had = set[int]()
    for order in ("", " DESC"):
        async for rows in _until_broken(broken, _INDEXED.format(order)):
            had.update(id for (id,) in rows)
    there = await new.read(partial(_select, sql="SELECT id FROM items", given=()))
    return had.difference(id for (id,) in there)


async def _last(broken: Database, table: str) -> int:
    """Return the highest number of a row, as far as two places know it."""
    found = await _numbers(broken, f"SELECT MAX(rowid) FROM {table}", _SEQUENCE.format(table))
    return min(found, default=0)


async def _given(broken: Database) -> int:
    """Return the highest number that an item was given, it may be forgotten; 0 if nobody knows."""
    found = await _numbers(broken, _SEQUENCE.format("items"))
    return max((n for n in found if n < _ODD_NUMBER), default=0)


async def _numbers(broken: Database, *sqls: str) -> list[int]:
    """Return the numbers above zero that can be read."""
    found = list[int]()
    for sql in sqls:
        try:
            rows = await broken.read(partial(_select, sql=sql, given=()))
        except StorageError:
            continue
        found += [n for (n,) in rows if isinstance(n, int) and n > 0]
    return found


def _note_lost(tx: Transaction, *, ids: Sequence[int], given: int) -> None:
    """Note what the mirror may still have, and give nothing new the number of what was there."""
    tx.executemany("INSERT OR IGNORE INTO notes VALUES (?, '')", [(LOST.format(i),) for i in ids])
    tx.execute("UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = 'items'", (given,))


def _tables(tx: Transaction) -> list[str]:
    return [name for (name,) in tx.execute(_KEPT).fetchall()]


def _order(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _insert(tx: Transaction, *, table: str) -> tuple[str, str]:
    """Return the columns of a table, and what puts a row into it if what it belongs to is there."""
    names = [row[1] for row in tx.execute(f"PRAGMA table_info({table})").fetchall()]
    values, conditions = [f"?{n}" for n in range(1, len(names) + 1)], ["1"]
    for _, _, parent, column, *_ in tx.execute(f"PRAGMA foreign_key_list({table})").fetchall():
        n = names.index(column)
        if table != "items":
            conditions.append(f"?{n + 1} IN (SELECT id FROM {parent})")
        elif parent == "items":
            values[n] = "NULL"
    columns = ", ".join(names)
    where = " AND ".join(conditions)
    sql = f"INSERT OR IGNORE INTO {table} ({columns}) SELECT {', '.join(values)} WHERE {where}"
    return columns, sql


def _put(tx: Transaction, *, sql: str, rows: Sequence[Any]) -> None:
    tx.executemany(sql, rows)


def _select(tx: Transaction, *, sql: str, given: Sequence[Any]) -> list[Any]:
    return list(tx.execute(sql, given).fetchall())


def _is_numbered(tx: Transaction, *, table: str) -> bool:
    """Tell whether the rows of a table have numbers."""
    sql = "SELECT wr FROM pragma_table_list WHERE name = ? AND schema = 'main'"
    return not tx.execute(sql, (table,)).fetchone()[0]


def _remove(path: Path) -> None:
    for end in _BESIDE:
        path.with_name(path.name + end).unlink(missing_ok=True)


def _mark(marker: Path, words: str) -> None:
    marker.parent.mkdir(parents=True, exist_ok=True)
    draft = marker.with_suffix(".new")
    draft.write_text(words, "utf-8")
    draft.replace(marker)


_TOO_FEW = (
    "only {} memories can be read of {}, and so nothing is changed. Put a backup in its place; if"
    " there is none, stop Argent and put {} there, which has what can be read"
)
_KEPT = (
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
    " AND name NOT GLOB 'words*' AND name NOT IN ('vocabulary', 'terms', 'speakers', 'totals')"
)
_ALL = "SELECT {} FROM {} ORDER BY 1{} LIMIT ? OFFSET ?"
_INDEXED = "SELECT id FROM words_docsize ORDER BY 1{} LIMIT ? OFFSET ?"
_SEQUENCE = "SELECT seq FROM sqlite_sequence WHERE name = '{}'"
_SESSION = (
    "WITH item ({}) AS (VALUES ({})) INSERT OR IGNORE INTO sessions"
    " SELECT session, place, said_at, said_at, 0 FROM item WHERE session IS NOT NULL"
)
_MEASURE = (
    "UPDATE sessions SET (first, last, n) = (SELECT MIN(said_at), MAX(said_at), MAX(position) + 1"
    " FROM items WHERE session = sessions.id)"
    " WHERE EXISTS (SELECT 1 FROM items WHERE session = sessions.id)"
)
_SUPERSEDE = "UPDATE items SET superseded_by = ?1 WHERE id = ?2 AND ?1 IN (SELECT id FROM items)"
