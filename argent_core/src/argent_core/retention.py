"""Retention: what ended longer ago than its term leaves the journal, a little at a time.

Age is counted from look to look, and not by the times in the rows: what the clock moves by more
than a week between two looks does not count, so that one that is far ahead makes nothing old. Marks
say up to where the journal went at which age. One small transaction after another takes events that
ended, with all that their turns left; wherever that breaks off, the next look goes on from there.

The pages that this frees are used for what comes next; only when most of the file is free, some of
them are given back to the file system (https://www.sqlite.org/pragma.html#pragma_auto_vacuum).
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from attrs import define, field, frozen

from argent_core import codec, file_uses
from argent_core.config import format_duration
from argent_core.config.settings import SHORTEST_RETENTION
from argent_core.files import FileStore
from argent_core.guard import attempt
from argent_core.inbound.journal import Journal
from argent_core.loop.history import EXCHANGES_READ, IS_EXCHANGE, drop_fresh_start, fresh_start
from argent_hookspecs import Transaction

log = logging.getLogger("argent.retention")

_FIRST_LOOK = timedelta(minutes=1)
_LOOK_EVERY = timedelta(hours=1)
_LONGEST_STEP = timedelta(days=7)
_MARKS = 64
_BATCH = 50
_BATCH_SECONDS = 0.002
_REST_SECONDS = 0.1
_PAGES = 200
_SPARE_PAGES = 4096
_NOTE = "argent/retention"


@frozen
class Trimmed:
    """What one look took out."""

    events: int = 0
    results: int = 0
    files: int = 0

    def __add__(self, other: Trimmed) -> Trimmed:
        events, results = self.events + other.events, self.results + other.results
        return Trimmed(events, results, self.files + other.files)


@define
class _Age:
    """How old the journal is; kept in the table ``cursors``.

    Args:
        seen: The clock at the last look.
        keyless: ``seq`` up to which de-duplication keys are forgotten.
        lived: Seconds that count, from the first look to the last.
        marks: Pairs of what ``lived`` was and the ``seq`` of the newest event then, oldest first.
    """

    seen: float
    lived: float = 0.0
    marks: list[tuple[float, int]] = field(factory=list)
    keyless: int = 0

    def mark(self, newest: int, *, term: float) -> None:
        """Note the newest event; forget what is older than the term needs."""
        if not self.marks or self.lived - self.marks[-1][0] >= term / _MARKS:
            self.marks.append((self.lived, newest))
        while len(self.marks) > 1 and self.marks[1][0] <= self.lived - term:
            del self.marks[0]

    def reach(self, seconds: float) -> int:
        """Return the ``seq`` up to which events are older than so many seconds."""
        return max((seq for lived, seq in self.marks if lived <= self.lived - seconds), default=0)


@define(eq=False, repr=False)
class _Look:
    """One pass over the journal, oldest events first.

    Args:
        last: ``seq`` of the newest event that it reaches.
        ended: Between these two times by the clock, an end is too young.
        files: The results on disk, by the key of their step.
        position: ``seq`` of the last event that was looked at.
        kept: By conversation, the oldest turn that the context still reads.
    """

    last: int
    ended: tuple[float, float]
    files: dict[str, Path]
    position: int = 0
    kept: dict[str, int] = field(factory=dict)

    def take(self, tx: Transaction) -> tuple[Trimmed, int]:
        """Take out what may go of the next events, for as long as a transaction may last.

        Returns:
            What went, and the next ``position``.
        """
        until, gone, position = time.monotonic() + _BATCH_SECONDS, Trimmed(), self.position
        rows = tx.execute(_NEXT, (position, self.last, _BATCH)).fetchall()
        for seq, id, conversation, state, finished in rows:
            position = seq
            if state in _ENDED and not self._is_young(finished) and not self._is_needed(tx, id):
                gone += self._remove(tx, id, conversation)
            if time.monotonic() > until:
                break
        else:
            position = position if len(rows) == _BATCH else self.last
        return gone, position

    def _is_young(self, moment: float | None) -> bool:
        """Tell whether something is of the term; a time yet to come is of a clock set wrong."""
        earliest, now = self.ended
        return moment is not None and earliest <= moment <= now

    def _is_needed(self, tx: Transaction, turn: str) -> bool:
        """Tell whether a reply of a turn is under way, or came to its end a short time ago."""
        rows = tx.execute(_REPLIES, (turn,)).fetchall()
        return any(open or self._is_young(touched) for open, touched in rows)

    def _remove(self, tx: Transaction, id: str, conversation: str) -> Trimmed:
        files = 0
        for (key,) in tx.execute("SELECT key FROM steps WHERE turn = ?", (id,)).fetchall():
            if key in self.files:
                # Before the commit, so that none is left over; a second time does no harm.
                unlinked = attempt(self.files[key].unlink, True)
                if unlinked.error is not None:
                    log.warning("%s stays: %s", self.files[key], unlinked.error)
                files += 1
        for table in ("steps", "blocks", "approvals", "outbox"):
            tx.execute(f"DELETE FROM {table} WHERE turn = ?", (id,))
        file_uses.forget(tx, id)
        # The keys of a turn's calls are its id, a slash and a number; "0" follows the slash.
        tx.execute("DELETE FROM calls WHERE key > ? AND key < ?", (f"{id}/", f"{id}0"))
        tx.execute("DELETE FROM events WHERE id = ?", (id,))
        self._remove_turns(tx, id, conversation)
        return Trimmed(1, files)

    def _remove_turns(self, tx: Transaction, id: str, conversation: str) -> None:
        """Remove a turn and those before it, but for the exchanges that the context reads."""
        row = tx.execute(f"SELECT n, {IS_EXCHANGE} FROM turns WHERE id = ?", (id,)).fetchone()
        if row is None:
            return
        n, is_exchange = row
        if not is_exchange:
            tx.execute("DELETE FROM turns WHERE id = ?", (id,))
        if conversation not in self.kept:
            found = tx.execute(_OLDEST_READ, (conversation, EXCHANGES_READ - 1)).fetchone()
            oldest = found[0] if found else 0
            self.kept[conversation] = max(oldest, fresh_start(tx, conversation))
        tx.execute(_DELETE_TURNS, (conversation, min(n + 1, self.kept[conversation])))
        drop_fresh_start(tx, conversation)


@define(eq=False, repr=False)
class Retention:
    """Trims the journal while the kernel runs.

    Args:
        term: How long what has ended is kept.
        results: Folder of the tools' results that were too long for the model.
        every: Time from the end of a look to the next.
        rest: Seconds between two transactions, in which the others have the database.
        files: The attachments, of which those go that nothing refers to.
    """

    journal: Journal
    term: timedelta
    results: Path
    every: timedelta = _LOOK_EVERY
    rest: float = _REST_SECONDS
    files: FileStore | None = field(default=None, kw_only=True)
    _looked: float | None = None

    async def run(self) -> None:
        """Look a little after the start, and again and again, until cancelled."""
        clock = self.journal.clock
        await clock.sleep(min(_FIRST_LOOK, self.every).total_seconds())
        while True:
            await self.trim()
            await clock.sleep(self.every.total_seconds())

    async def trim(self) -> Trimmed:
        """Take out all that is older than the term; return how much that was."""
        database, term = self.journal.database, self.term.total_seconds()
        lived = self.journal.clock.monotonic()
        since = 0.0 if self._looked is None else lived - self._looked
        age = await database.write(partial(self._grow_older, term=term, lived=since))
        self._looked = lived
        await self._forget_keys(age)
        if age.lived >= term:
            await database.write(partial(self._remove_trials, last=age.reach(term)))
        last = age.reach(term)
        files = await asyncio.to_thread(_by_step, self.results) if last else {}
        now = self.journal.now()
        look, gone = _Look(last, (now - term, now), files), Trimmed()
        while look.position < look.last:
            went, look.position = await database.write(look.take)
            gone += went
            await asyncio.sleep(self.rest)
        if gone.events:
            log.info(
                "%d events older than %s left the journal, and %d long results of tools",
                gone.events,
                format_duration(self.term),
                gone.results,
            )
            while await database.write(_give_back):  # noqa: ASYNC110 - it works, then rests
                await asyncio.sleep(self.rest)
        if self.files is not None:
            gone += Trimmed(files=await self.files.sweep())
        return gone

    async def _forget_keys(self, age: _Age) -> None:
        """Let de-duplication keys go that are older than the shortest term."""
        last = age.reach(SHORTEST_RETENTION.total_seconds())
        for first in range(age.keyless, last, _BATCH):
            given = (first, min(first + _BATCH, last))
            await self.journal.database.write(partial(_forget_keys, between=given))
            await asyncio.sleep(self.rest)

    def _remove_trials(self, tx: Transaction, *, last: int) -> None:
        """Remove calls of no turn from before the term, and before the first event that is young.

        Args:
            last: ``seq`` of the newest event that is not.
        """
        before = self.journal.now() - self.term.total_seconds()
        row = tx.execute(_FIRST_YOUNG, (last,)).fetchone()
        day = datetime.fromtimestamp(min(before, *(row or (before,)))).date().isoformat()
        tx.execute("DELETE FROM calls WHERE day < ? AND turn = ''", (day,))

    def _grow_older(self, tx: Transaction, *, term: float, lived: float) -> _Age:
        """Count the time since the last look; return how old the journal is.

        Args:
            lived: Seconds since then that this kernel has lived through for certain.
        """
        now = self.journal.now()
        row = tx.execute("SELECT value FROM cursors WHERE source = ?", (_NOTE,)).fetchone()
        age = _Age(now) if row is None else codec.load(row[0], _Age)
        step = now - age.seen
        if not 0 <= step <= _LONGEST_STEP.total_seconds():
            log.warning("the clock moved by %.1f days; they make nothing older", step / 86400)
            step = lived
        age.seen, age.lived = now, age.lived + step
        (newest,) = tx.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()
        age.mark(newest, term=term)
        tx.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (_NOTE, codec.dump(age)))
        return age


def _forget_keys(tx: Transaction, *, between: tuple[int, int]) -> None:
    tx.execute("UPDATE events SET dedupe_key = NULL WHERE seq > ? AND seq <= ?", between)
    note = "UPDATE cursors SET value = json_set(value, '$.keyless', ?) WHERE source = ?"
    tx.execute(note, (between[1], _NOTE))


def _give_back(tx: Transaction) -> bool:
    """Give free pages back to the file system; return whether there are more to give back."""
    (pages,), (free,) = (tx.execute(f"PRAGMA {name}").fetchone() for name in _COUNTS)
    if free <= max(_SPARE_PAGES, pages // 2):
        return False
    tx.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
    return bool(tx.execute("PRAGMA freelist_count").fetchone()[0] < free)


def _by_step(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.glob("*.txt")}


_COUNTS = ("page_count", "freelist_count")
_ENDED = ("done", "dead", "cancelled")
_NEXT = (
    "SELECT seq, id, conversation, state, finished_at FROM events"
    " WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
)
_FIRST_YOUNG = "SELECT created_at FROM events WHERE seq > ? ORDER BY seq LIMIT 1"
_REPLIES = (
    "SELECT state IN ('pending', 'sending'), MAX(created_at, COALESCE(finished_at, 0))"
    " FROM outbox WHERE turn = ?"
)
_OLDEST_READ = (
    f"SELECT n FROM turns WHERE conversation = ? AND {IS_EXCHANGE} ORDER BY n DESC LIMIT 1 OFFSET ?"
)
_DELETE_TURNS = (
    "DELETE FROM turns WHERE conversation = ? AND n < ?"
    " AND NOT EXISTS (SELECT 1 FROM events WHERE events.id = turns.id)"
)
