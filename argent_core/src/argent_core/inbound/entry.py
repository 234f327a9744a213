"""Entries: how events go on record in the journal."""

from __future__ import annotations

import secrets
from datetime import datetime

from attrs import field, frozen

from argent_core import codec, file_uses
from argent_core.inbound import lanes
from argent_hookspecs import Event, Transaction

NOT_LET_IN = "not let in: "
"""How the reason begins why an event has no words: the gate has kept none."""


@frozen(kw_only=True)
class Entry:
    """An event on its way into the journal.

    Args:
        state: ``ready``; or ``done`` or ``cancelled``, if it gets no turn.
        reason: Why it is cancelled.
    """

    id: str
    event: Event
    source: str
    plugin: str
    now: float
    state: str = "ready"
    reason: str = ""
    body: str = field(init=False, repr=False)

    @body.default
    def _dump(self) -> str:
        return codec.dump(self.event)

    def put(self, tx: Transaction) -> bool:
        """Store it, unless its ``dedupe_key`` was seen before; return whether it was stored."""
        event, where, now = self.event, self.event.conversation, self.now
        priority, person = int(event.effective_priority), int(event.from_person)
        row = (
            self.id,
            self.source,
            self.plugin,
            event.kind,
            where,
            priority,
            person,
            event.dedupe_key,
            self.body,
            now,
            _seconds(event.expires_at),
            self.state,
            self.reason,
            None if self.state == "ready" else now,
        )
        added = tx.execute(_INSERT, row)
        if added.rowcount == 0:
            return False
        if self.state == "ready":
            tx.execute(lanes.JOIN, (where, added.lastrowid, priority, person, now))
        file_uses.record(tx, self.id, parts=event.content)
        return True


def new_id() -> str:
    """Return an id for an event."""
    return secrets.token_hex(6)


def move_cursor(tx: Transaction, source: str, *, cursor: str | None) -> None:
    """Store how far a source is, if it says so."""
    if cursor is not None:
        tx.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (source, cursor))


def is_known(tx: Transaction, plugin: str, *, key: str | None) -> bool:
    """Tell whether an event of a plugin with this ``dedupe_key`` was seen before."""
    sql = "SELECT 1 FROM events WHERE plugin = ? AND dedupe_key = ?"
    return key is not None and tx.execute(sql, (plugin, key)).fetchone() is not None


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


_INSERT = """
    INSERT INTO events (id, source, plugin, kind, conversation, priority, person, dedupe_key, body,
                        created_at, available_at, expires_at, state, reason, finished_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13, ?14)
    ON CONFLICT (plugin, dedupe_key) DO NOTHING
"""
