"""The mirror: what is remembered, in files of the workspace that can be edited by hand.

``MEMORY.md`` has what is known, ``memory/YYYY-MM-DD.md`` what the owner said and what happened on a
day, each in a section of its own. The kernel does not tell that section to a model: recall does,
where it may be told. A file is written beside its place and put there whole, and not at all if it
has changed since it was read.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from attrs import define, field

from argent_hookspecs import Database, PluginContext, StorageError, Transaction
from argent_memo import items
from argent_memo.items import COLUMNS, ODD
from argent_memo.mirror_merge import ELIGIBLE, FACTS, GRACE, Merge, Merged, file_of
from argent_memo.mirror_page import Page, parse

_EVERY_SECONDS = 10.0
_REST_SECONDS = 2.0
_LAST_SECONDS = 5.0
_BATCH = 2000
_LARGEST = 16 << 20
_NOTE = "mirror"
_DAILY = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\.md")
_DRAFT = re.compile(r"\.([^/]{1,255})\.[0-9a-f]{16}")

Version = tuple[int, int, int]


@define(eq=False, repr=False)
class Mirror:
    """Keeps the files and the memory in step.

    What it goes by is only looked up again after something was written: where something stands, and
    when the next of what a hand took out is forgotten.
    """

    ctx: PluginContext
    database: Database
    _wake: asyncio.Event = field(factory=asyncio.Event)
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)
    _seen: dict[str, Version] = field(factory=dict)
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
        self._there = there = await asyncio.to_thread(_look, self.ctx.workspace)
        pressing = set[str]()
        if self._written or self.ctx.clock.now().timestamp() >= self._due:
            self._written = False
            self._kept, pressing, self._due = await self._look_up()
        changed = {file for file, version in there.items() if self._seen.get(file) != version}
        again = {file for file, version in self._unfit.items() if there.get(file) != version}
        again |= self._again
        if again:
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
            text, page, version = await asyncio.to_thread(_open, path, file)
            if page.whose is None and not known and not ids:
                self._remember(file, version)
                return
            now = self.ctx.clock.now().timestamp()
            work = partial(_merge, file=file, page=page, ids=ids, now=now)
            merged = await self.database.write(work, durable=True)
            for remark in merged.remarks:
                self._say(remark)
            if merged.text != text and (merged.standing or page.whose is not None):
                version = await asyncio.to_thread(_replace, path, merged.text, was=version)
            await self.database.write(partial(_stand, file=file, ids=merged.standing))
        except _Edited:
            self._again.add(file)
        except (UnicodeDecodeError, _Unfit) as error:
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
            await asyncio.to_thread(_take_drafts_away, self.ctx.workspace)
        except OSError as error:
            self._say(f"a draft of what is remembered may stay in the workspace: {error}")

    async def _withdraw(self) -> None:
        """Take the sections out of all files: what is forgotten from now on is not in them."""
        for file in (await self._look_up())[0]:
            path = self.ctx.workspace / file
            try:
                _, page, version = await asyncio.to_thread(_open, path, file)
                if page.whose is not None:
                    left = page.without_section()
                    await asyncio.to_thread(_replace, path, left, was=version)
            except (OSError, _Unfit, _Edited, *ODD) as error:
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


class _Unfit(Exception):
    """A file that is left alone; says why."""


class _Edited(Exception):
    """A file that has changed since it was read; it is looked at again."""


def _look(workspace: Path) -> dict[str, Version]:
    """Return the files that are there, with what changes when they do."""
    folder = workspace / "memory"
    daily = folder.iterdir() if folder.is_dir() else ()
    names = [path.name for path in daily if _is_daily(path.name)]
    found = {}
    for file in (FACTS, *(f"memory/{name}" for name in names)):
        try:
            found[file] = _version((workspace / file).stat())
        except FileNotFoundError:
            continue
    return found


def _take_drafts_away(workspace: Path) -> None:
    files = [workspace / file for file in (FACTS, *_look(workspace))]
    places = {path.resolve().parent for path in files} | {workspace, workspace / "memory"}
    names = {FACTS, *(path.resolve().name for path in files)}
    for place in places:
        for path in place.iterdir() if place.is_dir() else ():
            found = _DRAFT.fullmatch(path.name)
            if found and (found[1] in names or _is_daily(found[1])):
                path.unlink(missing_ok=True)


def _is_daily(name: str) -> bool:
    if not _DAILY.fullmatch(name):
        return False
    try:
        return 1800 < date.fromisoformat(name[:10]).year < 2300
    except ValueError:  # the 30th of February
        return False


def _read(path: Path) -> tuple[str, Version | None]:
    """Return what a file holds, and its version; nothing and None, if it is not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return "", None
    if not stat.S_ISREG(status.st_mode):
        raise _Unfit("it is no file")
    if status.st_size > _LARGEST:
        raise _Unfit(f"it is larger than {_LARGEST >> 20} MB")
    return path.read_bytes().decode(), _version(status)


def _open(path: Path, file: str) -> tuple[str, Page, Version | None]:
    """Return what a file holds, and that taken apart; what it begins with, if it is not there."""
    text, version = _read(path)
    return text, parse(text or _title(file)), version


def _replace(path: Path, text: str, *, was: Version | None) -> Version:
    """Give a file its content, unless it has changed since it was read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = path.resolve()  # a link stays a link
    own = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with os.fdopen(os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        there = path.stat() if path.exists() else None
        if (None if there is None else _version(there)) != was:
            raise _Edited
        if there is not None:
            own.chmod(stat.S_IMODE(there.st_mode))
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)
    return _version(path.stat())


def _version(status: os.stat_result) -> Version:
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _title(file: str) -> str:
    return "# Memory\n" if file == FACTS else f"# {file[-13:-3]}\n"


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


def _note(tx: Transaction, *, last: int) -> None:
    tx.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (_NOTE, str(last)))


def _stand(tx: Transaction, *, file: str, ids: Sequence[int]) -> None:
    """Put down what stands in a file, now that it does."""
    sql = "SELECT item FROM mirrored WHERE file = ? AND gone IS NULL"
    before = {id for (id,) in tx.execute(sql, (file,)).fetchall()}
    left = [(id,) for id in before.difference(ids)]
    tx.executemany("DELETE FROM mirrored WHERE item = ?", left)
    rows = [(id, file) for id in ids if id not in before]
    tx.executemany("INSERT OR REPLACE INTO mirrored VALUES (?, ?, NULL)", rows)


def _leave(tx: Transaction, *, file: str) -> None:
    tx.execute("DELETE FROM mirrored WHERE file = ?", (file,))
    tx.execute("DELETE FROM notes WHERE name = ?", (_NOTE,))  # to begin anew, if it is wanted again


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
