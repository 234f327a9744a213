"""What a page of the mirror and the memory have to say to each other, in one transaction.

The hand wins: where both have changed, what stands in the file supersedes what is remembered. That
a line is gone is taken for a wish to forget only after a while, and not where much is gone at once,
as when a file was lost or an editor failed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime

from attrs import define, evolve, field, frozen

from argent_hookspecs import Memory, MemoryKind, NewMemory, Transaction, Trust
from argent_memo import accounts, forgetting, items, refused_lines, store
from argent_memo.audience import OWNER
from argent_memo.confidential import is_confidential
from argent_memo.identity import identity
from argent_memo.items import COLUMNS, Place
from argent_memo.mirror_page import Entry, Page, digest, meant, shown

LOST = "lost {}"
"""The note that a broken page took an item; what it said is learned again from its line."""
GRACE = 600.0
"""Seconds after which what a hand took out is forgotten."""
FACTS = "MEMORY.md"
HEADINGS = {
    MemoryKind.FACT: "Facts",
    MemoryKind.PREFERENCE: "Preferences",
    MemoryKind.DECISION: "Decisions",
    MemoryKind.PERSON: "People",
    MemoryKind.PROCEDURAL: "How things are done",
    MemoryKind.SEMANTIC: "What is known",
}
_KINDS = {heading.casefold(): kind for kind, heading in HEADINGS.items()}
ELIGIBLE = (
    "state = 'live' AND audience = 'owner' AND NOT private AND trust != 'outside'"
    " AND (kind != 'episodic' OR (trust = 'owner' AND origin != 'import'))"
)
"""What is mirrored: nothing that is private, told elsewhere, or from outside."""


@frozen(kw_only=True)
class Merged:
    """What came of a page.

    Args:
        text: What the file is to hold.
        standing: Memories that stand in it then.
        remarks: What the person should know.
    """

    text: str
    standing: tuple[int, ...]
    remarks: tuple[str, ...]


@define
class Merge:
    """One page.

    Args:
        file: Its name in the workspace.
        fresh: Memories that belong on it and stand nowhere yet.
    """

    tx: Transaction
    file: str
    page: Page
    now: float
    fresh: Sequence[int] = ()
    _rows: dict[int, float | None] = field(factory=dict)
    _held: dict[int, Memory] = field(factory=dict)
    _done: set[int] = field(factory=set)
    _remarks: list[str] = field(factory=list)
    _refused: list[Entry] = field(factory=list)

    def run(self) -> Merged:
        """Let each side learn what the other has."""
        page, whose = self.page, identity(self.tx)
        for entry in page.points:
            # Another memory's, as far as can be told: its numbers mean nothing here.
            if page.whose not in (None, "", whose) or (page.whose == "" and self._is_odd(entry)):
                entry.release()
        self._rows = dict(self.tx.execute(_ROWS, (self.file,)).fetchall())
        seen = {entry.id for entry in page.points}
        self._look_up({*seen, *self._rows, *self.fresh})
        for entry in page.entries:
            if entry.text:
                self._take(entry)
            elif entry.id is not None:  # its words were deleted, and the comment was not
                entry.gone = True
        self._miss([id for id in self._rows if id not in seen])
        for id in self.fresh:
            current = self._current(id)
            if current is not None and id not in self._done and id not in self._rows:
                self._put(current)
        page.settle()
        lines = page.lines_of(self._refused)
        refused_lines.note(self.tx, self.file, lines=lines)
        self._remarks += [
            f"{self.file}, line {n}, looks like a secret; it is not remembered" for n in lines
        ]
        standing = tuple(entry.id for entry in page.points if entry.id is not None)
        return Merged(text=page.render(whose), standing=standing, remarks=tuple(self._remarks))

    def _take(self, entry: Entry) -> None:
        """Learn what a line says, or write into it what holds by now."""
        id = entry.id
        if id is not None and id in self._done and not entry.changed:
            entry.gone = True  # it stands there twice
            return
        if id is None or id in self._done:
            self._learn(entry)
            return
        self._done.add(id)
        current, known = self._current(id), self._is_known(id)
        lost = current is None and self._is_lost(id)
        if entry.changed:
            if current is None or not known:
                self._learn(entry)
            elif shown(current.text) != entry.text:
                self._correct(entry, current)
            else:
                self._write(entry, current)
        elif lost:
            self._learn(entry, lost=True)
        elif current is None:
            if known or self._was_given(id):  # it was forgotten, or may no longer stand here
                entry.gone = True
            else:
                self._learn(entry)
        elif known or shown(current.text) == entry.text:
            self._write(entry, current)
        else:
            self._learn(entry)
        if lost and (entry.gone or entry.id != id):  # an older copy of the file brings it no more
            self.tx.execute("DELETE FROM notes WHERE name = ?", (LOST.format(id),))

    def _learn(self, entry: Entry, *, lost: bool = False) -> None:
        text = meant(entry.text)
        if is_confidential(text):
            self._refused.append(entry)
            return
        new = NewMemory(
            text=text,
            kind=self._kind(entry),
            key=f"mirror:{self.file}/{digest(text)}/{len(text)}",
            speaker=accounts.owner(self.tx),
            said_at=self._said_at(),
            source=f"file:{self.file}",
            trust=Trust.OWNER,
            audience=OWNER,
        )
        if lost:  # nobody knows any more whose word it was
            kind = MemoryKind.EVENT if new.kind is MemoryKind.EPISODIC else new.kind
            new = evolve(new, kind=kind, speaker="", trust=Trust.PAIRED)
        place = Place(origin="mirror")
        id = self._add(new, place)
        current = self._current(id)
        if current is None or current.id != id:  # it stood here before, and was corrected since
            again = self._add(evolve(new, key=None), place)
            current = self._current(again)
        if current is None or current.id in self._done:
            entry.gone = True
        else:
            self._write(entry, current)

    def _correct(self, entry: Entry, old: Memory) -> None:
        text = meant(entry.text)
        if is_confidential(text):
            self._refused.append(entry)
            self._done.add(old.id)
            return
        new = NewMemory(
            text=text,
            kind=old.kind,
            key=f"mirror:{old.id}/{digest(text)}",
            speaker=accounts.owner(self.tx) or old.speaker,
            said_at=old.said_at,
            holds_from=old.holds_from,
            holds_until=old.holds_until,
            source=f"file:{self.file}",
            trust=Trust.OWNER,
            audience=old.audience,
            importance=old.importance,
            supersedes=old.id,
        )
        id = self._add(new, Place(origin="mirror"))
        entry.write(id, text)
        self._done.add(id)

    def _add(self, new: NewMemory, place: Place) -> int:
        self._held.clear()  # it may take the place of others
        return store.add(self.tx, new, place=place, now=self.now)

    def _write(self, entry: Entry, current: Memory) -> None:
        """Let a line stand for a memory; one that is right stays as it was typed."""
        self._done.add(current.id)
        if entry.id != current.id or entry.changed or entry.text != shown(current.text):
            entry.write(current.id, current.text)

    def _put(self, current: Memory) -> None:
        self._done.add(current.id)
        heading = HEADINGS.get(current.kind, "") if self.file == FACTS else ""
        self.page.add(current.id, current.text, heading=heading)

    def _miss(self, gone: Sequence[int]) -> None:
        """Deal with the memories whose lines are gone."""
        found = [one for one in map(self._current, gone) if one is not None]
        missed = [one for one in found if one.id in self._rows and one.id not in self._done]
        ids = {one.id for one in missed}
        for id in gone:
            if id not in ids:
                self.tx.execute("DELETE FROM mirrored WHERE item = ?", (id,))
        fresh = [one for one in missed if self._rows[one.id] is None]
        there = sum(1 for since in self._rows.values() if since is None)
        if fresh and (not self.page.whose or (len(fresh) > 1 and 2 * len(fresh) > there)):
            self._remarks.append(
                f"{len(fresh)} lines of {self.file} were gone at once and stand there again; to "
                "forget what they say, use `argent memory forget`"
            )
            for one in fresh:
                self._put(one)
            return
        for one in missed:
            since = self._rows[one.id]
            if since is None:
                self.tx.execute(_GONE, (self.now, one.id))
            elif self.now - since >= GRACE:
                self._held.clear()
                forgetting.forget(self.tx, [one.id])
                self.tx.execute("DELETE FROM mirrored WHERE item = ?", (one.id,))

    def _look_up(self, ids: Collection[int | None]) -> None:
        """Read all at once what holds still, as nearly all of it does."""
        given = json.dumps([id for id in ids if id is not None])
        self._held = {row[0]: items.memory(row) for row in self.tx.execute(_HELD, (given,))}

    def _current(self, id: int) -> Memory | None:
        """Return what holds in the place of an item, if it may stand here."""
        if id in self._held:
            return self._held[id]
        row = self.tx.execute(_CURRENT, (id,)).fetchone()
        return None if row is None else items.memory(row)

    def _is_odd(self, entry: Entry) -> bool:
        """Tell whether a line was not written from the item that has its number here."""
        row = self.tx.execute("SELECT text FROM items WHERE id = ?", (entry.id,)).fetchone()
        return row is not None and not entry.changed and shown(row[0]) != entry.text

    def _is_known(self, id: int) -> bool:
        sql = "SELECT 1 FROM mirrored WHERE item = ?"
        return id in self._rows or self.tx.execute(sql, (id,)).fetchone() is not None

    def _is_lost(self, id: int) -> bool:
        sql = "SELECT 1 FROM notes WHERE name = ?"
        return self.tx.execute(sql, (LOST.format(id),)).fetchone() is not None

    def _was_given(self, id: int) -> bool:
        row = self.tx.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
        return row is not None and id <= row[0]

    def _kind(self, entry: Entry) -> MemoryKind:
        if self.file != FACTS:
            return MemoryKind.EPISODIC
        return _KINDS.get(entry.heading.casefold(), MemoryKind.FACT)

    def _said_at(self) -> datetime:
        """Return when a new line was said: now, or on the day of its file."""
        now = datetime.fromtimestamp(self.now, UTC)
        if self.file == FACTS:
            return now
        day = date.fromisoformat(self.file[-13:-3])
        if now.astimezone().date() == day:
            return now
        return datetime(day.year, day.month, day.day, 12).astimezone()


def file_of(memory: Memory) -> str:
    """Return the file that a memory is shown in."""
    if memory.kind not in (MemoryKind.EPISODIC, MemoryKind.EVENT):
        return FACTS
    return f"memory/{memory.said_at.astimezone().date().isoformat()}.md"


_ROWS = "SELECT item, gone FROM mirrored WHERE file = ? ORDER BY item"
_GONE = "UPDATE mirrored SET gone = ? WHERE item = ?"
_HELD = (
    f"SELECT {COLUMNS} FROM items WHERE id IN (SELECT value FROM json_each(?))"
    f" AND superseded_by IS NULL AND {ELIGIBLE}"
)
_CURRENT = (
    "WITH RECURSIVE newer (n) AS (SELECT ? UNION SELECT superseded_by FROM items"
    " JOIN newer ON items.id = newer.n WHERE superseded_by IS NOT NULL)"
    f" SELECT {COLUMNS} FROM items JOIN newer ON items.id = newer.n"
    f" WHERE {ELIGIBLE} ORDER BY id DESC LIMIT 1"
)
