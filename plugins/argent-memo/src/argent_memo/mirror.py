"""The mirror: what is remembered, in files of the workspace that can be edited by hand.

``MEMORY.md`` has what is known, ``memory/YYYY-MM-DD.md`` what the owner said and what happened on a
day, each in a section of its own. The kernel does not tell that section to a model: recall does,
where it may be told. A file is written beside its place and put there whole, and not at all if it
has changed since it was read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import partial

from attrs import define, field

from argent_hookspecs import Database, PluginContext, StorageError, Transaction
from argent_memo import items
from argent_memo.forgetting import BACK
from argent_memo.items import COLUMNS, ODD
from argent_memo.mirror_file import (
    Edited,
    Unfit,
    Version,
    look,
    open_file,
    replace,
    take_drafts_away,
)
from argent_memo.mirror_merge import ELIGIBLE, GRACE, Merge, Merged, file_of
from argent_memo.mirror_page import Page

_EVERY_SECONDS = 10.0
_REST_SECONDS = 2.0
_LAST_SECONDS = 5.0
_BATCH = 2000
_NOTE = "mirror"
_OF_FILE = "mirror of "
_ANY = "surrogateescape"
"""Takes bytes that are no text, and gives them back as they were."""
_VERSION = re.compile(r"(\d{1,20}) (\d{1,20}) (\d{1,20})")


@define(eq=False, repr=False)
class Mirror:
    """Keeps the files and the memory in step.

    What it goes by is only looked up again after something was written: where something stands, and
    when the next of what a hand took out is forgotten. A file that is as it was left is not read.
    """

    ctx: PluginContext
    database: Database
    _wake: asyncio.Event = field(factory=asyncio.Event)
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)
    _seen: dict[str, Version] = field(factory=dict)
    _knows_left: bool = False
    _said: set[str] = field(factory=set)
    _there: dict[str, Version] = field(factory=dict)
    _unfit: dict[str, Version | None] = field(factory=dict)
    _again: set[str] = field(factory=set)
    _kept: set[str] = field(factory=set)
    _due: float = float("inf")
    _written: bool = True
    _cursor: int | None = None

    def wake(self) -> None:
        """Look soon: something was written into the memory."""
        self._written = True
        self._wake.set()

    async def run(self) -> None:
        """Keep them in step until cancelled; without the setting, take the sections out."""
        await self._sweep()
        if not self.ctx.settings.mirror:
            await self._withdraw()
            return
        while True:
            self._wake.clear()
            try:
                await self.step()
            except (OSError, StorageError, *ODD) as error:
                self._say(f"the workspace does not show what is remembered for now: {error}")
            try:
                async with asyncio.timeout(_EVERY_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(_REST_SECONDS)

    async def finish(self) -> None:
        """Bring all into step once more, before the memory is closed: nobody may come back soon."""
        if not self.ctx.settings.mirror:
            return
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self.step()
        except (OSError, StorageError, TimeoutError, *ODD) as error:
            self.ctx.log.info("the workspace is brought into step at the next start: %s", error)

    async def step(self) -> None:
        """Look at what has changed on either side, and put it down on the other."""
        async with self._one_by_one:
            done = False
            try:
                await self._step()
                done = True
            finally:
                self._written |= not done

    async def _step(self) -> None:
        self._there = there = await asyncio.to_thread(look, self.ctx.workspace)
        if not self._knows_left:
            self._seen, self._knows_left = await self.database.read(_left), True
        pressing = set[str]()
        if self._written or self.ctx.clock.now().timestamp() >= self._due:
            self._written = False
            self._kept, pressing, self._due = await self._look_up()
        changed = {file for file, version in there.items() if self._seen.get(file) != version}
        again = {file for file, version in self._unfit.items() if there.get(file) != version}
        again |= self._again
        if again or await self._goes_back():
            self._cursor = None
        for file in again:
            self._unfit.pop(file, None)
        self._again.clear()
        for file in sorted({*changed, *pressing, *again, *(self._kept - set(there))}):
            if file not in self._unfit:
                await self._sync(file, (), known=file in self._kept)
        while True:
            fresh, last = await self.database.read(partial(_fresh, after=self._cursor))
            for file, ids in fresh.items():
                if file not in self._unfit:
                    await self._sync(file, ids, known=True)
            if not last:
                return
            self._cursor = last
            if not self._unfit and not self._again:  # else it is looked at again
                await self.database.write(partial(_note, last=last))

    async def _goes_back(self) -> bool:
        """Tell whether something is live again, and note that it is to be looked at."""
        if not await self.database.read(_has_come_back):
            return False
        await self.database.write(_go_back)
        return True

    async def _look_up(self) -> tuple[set[str], set[str], float]:
        """Return where something stands, where something no longer holds, and when it will not."""
        before, last = self.ctx.clock.now().timestamp() - GRACE, 0
        kept, pressing, due = set[str](), set[str](), float("inf")
        # In pieces, as what somebody is to be told now is read in between.
        while rows := await self.database.read(partial(_mirrored, after=last, before=before)):
            kept |= {file for file, *_ in rows}
            pressing |= {file for file, presses, *_ in rows if presses}
            due = min([due, *(gone + GRACE for *_, gone, _ in rows if gone is not None)])
            last = max(row[-1] for row in rows)
        return kept, pressing, due

    async def _sync(self, file: str, ids: Sequence[int], *, known: bool) -> None:
        """Bring one file into step, or note that it is not."""
        path = self.ctx.workspace / file
        try:
            text, page, version = await asyncio.to_thread(open_file, path, file)
            if page.whose is None and not known and not ids:
                self._remember(file, version)
                return
            now = self.ctx.clock.now().timestamp()
            work = partial(_merge, file=file, page=page, ids=ids, now=now)
            merged = await self.database.write(work, durable=True)
            for remark in merged.remarks:
                self._say(remark)
            if merged.text != text and (merged.standing or page.whose is not None):
                version = await asyncio.to_thread(replace, path, merged.text, was=version)
            stand = partial(_stand, file=file, ids=merged.standing, version=version)
            await self.database.write(stand)
        except Edited:
            self._again.add(file)
        except (UnicodeDecodeError, Unfit) as error:
            self._unfit[file] = self._there.get(file)
            self._say(f"{file} in the workspace is not kept in step: {error}")
        except (OSError, *ODD) as error:
            self._again.add(file)
            self._say(f"{file} in the workspace is not kept in step: {error}")
        else:
            self._remember(file, version)

    async def _sweep(self) -> None:
        """Take away what it left when it was killed while it wrote."""
        try:
            await asyncio.to_thread(take_drafts_away, self.ctx.workspace)
        except OSError as error:
            self._say(f"a draft of what is remembered may stay in the workspace: {error}")

    async def _withdraw(self) -> None:
        """Take the sections out of all files: what is forgotten from now on is not in them."""
        for file in (await self._look_up())[0]:
            path = self.ctx.workspace / file
            try:
                _, page, version = await asyncio.to_thread(open_file, path, file, errors=_ANY)
                if page.whose is not None:
                    left = page.without_section()
                    await asyncio.to_thread(replace, path, left, was=version, errors=_ANY)
            except (OSError, Unfit, Edited, *ODD) as error:
                self._say(f"what was mirrored stays in {file}: {error}")
                continue
            await self.database.write(partial(_leave, file=file))

    def _remember(self, file: str, version: Version | None) -> None:
        if version is None:
            self._seen.pop(file, None)
        else:
            self._seen[file] = version

    def _say(self, words: str) -> None:
        """Tell the person, once."""
        if words not in self._said:
            self._said.add(words)
            self.ctx.log.warning("%s", words)


def _merge(tx: Transaction, *, file: str, page: Page, ids: Sequence[int], now: float) -> Merged:
    return Merge(tx, file, page.copy(), now, ids).run()  # it may have to run again


def _mirrored(
    tx: Transaction, *, after: int, before: float
) -> list[tuple[str, int, float | None, int]]:
    """Return where some things stand, whether one no longer holds, since when, and the last."""
    return list(tx.execute(_MIRRORED, (before, after, _BATCH)).fetchall())


def _fresh(tx: Transaction, *, after: int | None) -> tuple[Mapping[str, list[int]], int]:
    """Return what is new, by file, and the last of what was looked at; 0, if there was nothing."""
    row = tx.execute("SELECT value FROM notes WHERE name = ?", (_NOTE,)).fetchone()
    start = after if after is not None else 0 if row is None else int(row[0])
    (last,) = tx.execute(_LAST, (start, _BATCH)).fetchone()
    found = dict[str, list[int]]()
    for one in tx.execute(_FRESH, (start, last or 0)).fetchall():
        memory = items.memory(one)
        found.setdefault(file_of(memory), []).append(memory.id)
    return found, last or 0


def _has_come_back(tx: Transaction) -> bool:
    return tx.execute("SELECT 1 FROM notes WHERE name = ?", (BACK,)).fetchone() is not None


def _go_back(tx: Transaction) -> None:
    tx.execute(_BEGIN_AT, (_NOTE, BACK))
    tx.execute("DELETE FROM notes WHERE name = ?", (BACK,))


def _note(tx: Transaction, *, last: int) -> None:
    tx.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (_NOTE, str(last)))


def _left(tx: Transaction) -> dict[str, Version]:
    """Return how the files were left."""
    rows = tx.execute("SELECT name, value FROM notes WHERE name GLOB ?", (f"{_OF_FILE}*",))
    return {
        name.removeprefix(_OF_FILE): (int(found[1]), int(found[2]), int(found[3]))
        for name, value in rows.fetchall()
        if (found := _VERSION.fullmatch(value))
    }


def _stand(tx: Transaction, *, file: str, ids: Sequence[int], version: Version | None) -> None:
    """Put down what stands in a file, and how it was left, now that it is."""
    sql = "SELECT item FROM mirrored WHERE file = ? AND gone IS NULL"
    before = {id for (id,) in tx.execute(sql, (file,)).fetchall()}
    left = [(id,) for id in before.difference(ids)]
    tx.executemany("DELETE FROM mirrored WHERE item = ?", left)
    rows = [(id, file) for id in ids if id not in before]
    tx.executemany("INSERT OR REPLACE INTO mirrored VALUES (?, ?, NULL)", rows)
    note = (f"{_OF_FILE}{file}", " ".join(map(str, version or ())))
    if version is None:
        tx.execute("DELETE FROM notes WHERE name = ?", note[:1])
    else:
        tx.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", note)


def _leave(tx: Transaction, *, file: str) -> None:
    tx.execute("DELETE FROM mirrored WHERE file = ?", (file,))
    # To begin anew, if it is wanted again.
    tx.execute("DELETE FROM notes WHERE name IN (?, ?)", (_NOTE, f"{_OF_FILE}{file}"))


_BEGIN_AT = (
    "UPDATE notes SET value = MIN(CAST(value AS INTEGER), (SELECT CAST(value AS INTEGER) - 1"
    " FROM notes WHERE name = ?2)) WHERE name = ?1"
)
_LAST = "SELECT max(id) FROM (SELECT id FROM items WHERE id > ? ORDER BY id LIMIT ?)"
_FRESH = (
    f"SELECT {COLUMNS} FROM items WHERE id > ? AND id <= ? AND {ELIGIBLE}"
    " AND id NOT IN (SELECT item FROM mirrored) ORDER BY id"
)
_MIRRORED = (
    "SELECT file, max(items.id IS NULL OR items.state != 'live' OR coalesce(gone <= ?, 0)),"
    " min(gone), max(item) FROM (SELECT * FROM mirrored WHERE item > ? ORDER BY item LIMIT ?)"
    " LEFT JOIN items ON items.id = item GROUP BY file"
)
