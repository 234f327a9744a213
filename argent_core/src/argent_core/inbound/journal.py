"""The journal: a durable priority queue of events, in ``data/kernel.db``.

An event goes ``ready → leased → waiting → done | dead | cancelled``. Between ready events the
highest priority is served first, and the oldest within it; events of one conversation one at a
time, in order. The head of a conversation has the best priority of all that wait behind it, and a
conversation that has waited long rises, so that nothing starves.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field, frozen

from argent_core import codec
from argent_core.database import Database
from argent_core.guard import attempt
from argent_core.inbound import lanes
from argent_core.inbound.entry import Entry, move_cursor, new_id
from argent_hookspecs import Address, ArgentError, Clock, Event, Transaction, Trust

log = logging.getLogger("argent.journal")

AGE_SECONDS = 600.0
MAX_BACKOFF_SECONDS = 3600.0
_DUE, _LATER, _BUSY = 0, 1, 2


class LeaseLost(ArgentError):
    """Report that an event is no longer this turn's: it was cancelled, or taken over."""


@frozen
class Lease:
    """The right to deal with an event, until it is finished or released.

    Args:
        id: Id of the event, and of its turn.
        seq: Its place in the journal.
        number: Rises each time the event is claimed; writes with an older number are refused.
        source: The event source that brought it.
        event: The event.
        attempts: How often it was claimed without getting a step further, this time included.
        resumed: Whether it was claimed before, so that there may be steps on record.
    """

    id: str
    seq: int
    number: int
    source: str
    event: Event
    attempts: int
    resumed: bool


@define(eq=False, repr=False)
class Journal:
    """The queue.

    Args:
        boot: Names this run of the kernel; leases of any other are void.
    """

    database: Database
    clock: Clock
    boot: str = field(factory=lambda: secrets.token_hex(8))

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self.clock.now().timestamp()

    async def append(
        self,
        event: Event,
        *,
        source: str,
        plugin: str,
        cursor: str | None = None,
        also: Callable[[Transaction], object] | None = None,
    ) -> str | None:
        """Store an event and the source's cursor, safe from power cuts when it returns.

        Args:
            also: Done in the same transaction, unless the event was known already.

        Returns:
            The event's id; None if its ``dedupe_key`` was seen before (the cursor moves then too).
        """
        entry = Entry(id=new_id(), event=event, source=source, plugin=plugin, now=self.now())

        def insert(tx: Transaction) -> str | None:
            move_cursor(tx, source, cursor=cursor)
            if not entry.put(tx):
                return None
            if also is not None:
                also(tx)
            return entry.id

        return await self.database.write(insert, durable=True)

    async def cursor(self, source: str) -> str | None:
        """Return the cursor last stored for a source."""
        sql = "SELECT value FROM cursors WHERE source = ?"
        row = await self.database.read(lambda tx: tx.execute(sql, (source,)).fetchone())
        return row[0] if row else None

    async def recover(self) -> int:
        """Make ready what an earlier run held when it died; return how many there were."""

        def recover(tx: Transaction) -> int:
            found = tx.execute(
                "UPDATE events SET state = 'ready' WHERE state = 'leased' AND boot IS NOT ?",
                (self.boot,),
            ).rowcount
            tx.execute("DELETE FROM lanes")
            open_lanes = f"SELECT DISTINCT conversation FROM events WHERE {lanes.OPEN}"
            for (conversation,) in tx.execute(open_lanes).fetchall():
                refresh(tx, conversation, now=self.now())
            return int(found)

        return await self.database.write(recover)

    async def claim(self, *, person_only: bool = False) -> Lease | None:
        """Take the next event to deal with, or None. Events past their time are cancelled."""
        return await self.database.write(lambda tx: self.take(tx, person_only=person_only))

    def take(self, tx: Transaction, *, person_only: bool) -> Lease | None:
        """Do what ``claim`` does, within a transaction."""
        now = self.now()
        # A due time further away than the longest backoff comes from a clock that was set back.
        tx.execute(
            "UPDATE lanes SET state = 0 WHERE state = 1"
            " AND (available_at <= ? OR available_at > ?)",
            (now, now + MAX_BACKOFF_SECONDS),
        )
        while True:
            row = tx.execute(lanes.NEXT_PERSON if person_only else lanes.NEXT).fetchone()
            if row is None:
                return None
            conversation, head = row
            lease = self._lease(tx, head, now)
            if lease is not None:
                tx.execute(lanes.HOLD, (conversation,))
                return lease
            refresh(tx, conversation, now=now)

    def _lease(self, tx: Transaction, seq: int, now: float) -> Lease | None:
        expires, turn = tx.execute(
            "SELECT expires_at, turn FROM events WHERE seq = ?", (seq,)
        ).fetchone()
        if turn is None and expires is not None and expires < now:
            close(tx, "seq = ?", given=(seq,), state="cancelled", reason="it expired", now=now)
            return None
        id, number, source, attempts, body = tx.execute(
            "UPDATE events SET state = 'leased', lease = lease + 1, attempts = attempts + 1,"
            " boot = ?, turn = id WHERE seq = ? RETURNING id, lease, source, attempts, body",
            (self.boot, seq),
        ).fetchone()
        if turn is not None:
            # What steered the turn before it was interrupted belongs to it still.
            tx.execute(
                "UPDATE events SET state = 'leased', boot = ?, lease = ?"
                " WHERE turn = ? AND state = 'ready'",
                (self.boot, number, id),
            )
        found = attempt(codec.load, body, Event)
        if found.error is not None:
            reason = f"it cannot be read: {found.error!r}"[:500]
            log.error("event %s is dead: %s", id, reason)
            close(tx, "turn = ?", given=(id,), state="dead", reason=reason, now=now)
            return None
        return Lease(id, seq, number, source, found.get(), attempts, resumed=turn is not None)

    def next_due(self, tx: Transaction) -> float | None:
        """Return the seconds until a postponed conversation is due, or None if none is."""
        due = tx.execute("SELECT MIN(available_at) FROM lanes WHERE state = 1").fetchone()[0]
        return None if due is None else max(0.0, due - self.now())

    async def age(self) -> None:
        """Raise by one priority what has waited for ten minutes since it was last raised."""
        now = self.now()
        sql = (
            "UPDATE lanes SET aged = aged + 1, since = ?"
            " WHERE state = 0 AND priority > aged AND (since < ? OR since > ?)"
        )
        # One that begins later than now comes from a clock that was set back.
        given = (now, now - AGE_SECONDS, now)
        await self.database.write(lambda tx: tx.execute(sql, given).rowcount)

    async def postpone(
        self, lease: Lease, *, seconds: float = 0.0, reason: str = "", counted: bool = True
    ) -> None:
        """Put an event back, to be claimed again after some time.

        Args:
            seconds: How long, an hour at most.
            counted: Whether this attempt counts; it does not when the kernel merely stops, or
                nobody was asked.
        """
        wait = min(seconds, MAX_BACKOFF_SECONDS)
        # One that was never tried waits for nothing.
        least = 1 if wait > 0 else 0

        def work(tx: Transaction) -> None:
            now = self.now()
            check(tx, lease)
            tx.execute(
                "UPDATE events SET state = 'ready', available_at = ?, reason = ?,"
                " attempts = MAX(?, attempts - ?) WHERE turn = ? AND state = 'leased'",
                (now + wait, reason, least, 0 if counted else 1, lease.id),
            )
            refresh(tx, lease.event.conversation, now=now)

        await self.database.write(work)

    async def ready(self, plugin: str) -> int:
        """Count the ready events of a plugin."""
        sql = (
            "SELECT COUNT(*) FROM events INDEXED BY events_open"
            f" WHERE {lanes.OPEN} AND state = 'ready' AND plugin = ?"
        )
        return int(await self.database.read(lambda tx: tx.execute(sql, (plugin,)).fetchone()[0]))

    async def steering(self, lease: Lease) -> list[tuple[int, Event]]:
        """Return the messages that came right behind a turn's events.

        They are of the same person, from the same place: there the answer goes.
        """
        sql = (
            "SELECT seq, body, turn FROM events WHERE conversation = ? AND seq > ?"
            f" AND {lanes.OPEN} ORDER BY seq LIMIT 20"
        )
        parameters = (lease.event.conversation, lease.seq)
        rows = await self.database.read(lambda tx: tx.execute(sql, parameters).fetchall())
        found: list[tuple[int, Event]] = []
        for seq, body, turn in rows:
            if turn == lease.id:
                continue
            event = attempt(codec.load, body, Event).value
            if event is None or not (event.from_person and _whence(event) == _whence(lease.event)):
                break
            found.append((seq, event))
        return found


def check(tx: Transaction, lease: Lease) -> None:
    """Make sure that a lease still holds. Raises ``LeaseLost``."""
    row = tx.execute(
        "SELECT 1 FROM events WHERE seq = ? AND lease = ? AND state = 'leased'",
        (lease.seq, lease.number),
    ).fetchone()
    if row is None:
        raise LeaseLost(f"event {lease.id} is no longer this turn's")


def join(tx: Transaction, lease: Lease, *, seqs: Sequence[int], now: float) -> None:
    """Make further events part of a turn: they end as it ends."""
    check(tx, lease)
    for seq in seqs:
        tx.execute(
            "UPDATE events SET state = 'leased', turn = ?, lease = ? WHERE seq = ?"
            " AND state = 'ready'",
            (lease.id, lease.number, seq),
        )
    refresh(tx, lease.event.conversation, now=now)


def progressed(tx: Transaction, lease: Lease) -> None:
    """Note that a turn got a step further: its attempts are counted anew."""
    check(tx, lease)
    tx.execute("UPDATE events SET attempts = 1 WHERE seq = ?", (lease.seq,))


def close(
    tx: Transaction, where: str, *, given: tuple[Any, ...], state: str, reason: str, now: float
) -> None:
    """End events: ``done``, ``dead`` or ``cancelled``. The lane must be refreshed afterwards."""
    tx.execute(
        f"UPDATE events SET state = ?, reason = ?, finished_at = ? WHERE {where} AND {lanes.OPEN}",
        (state, reason, now, *given),
    )


def refresh(tx: Transaction, conversation: str, *, now: float) -> bool:
    """Bring a conversation's lane in line with its open events; return whether there are any."""
    head = tx.execute(
        f"SELECT seq, available_at, attempts, {lanes.HELD} FROM events"
        f" WHERE conversation = :conversation AND {lanes.OPEN}"
        " ORDER BY seq LIMIT 1",
        {"conversation": conversation},
    ).fetchone()
    if head is None:
        tx.execute("DELETE FROM lanes WHERE conversation = ?", (conversation,))
        return False
    seq, available_at, attempts, held = head
    # One that was never tried waits for nothing, even if the clock was set back since it came.
    due = attempts == 0 or available_at <= now
    standing = _BUSY if held else _DUE if due else _LATER
    tx.execute(
        lanes.REFRESH,
        {
            "conversation": conversation,
            "head": seq,
            "state": standing,
            "available_at": available_at,
            "now": now,
        },
    )
    return True


def _whence(event: Event) -> tuple[str, Trust, Address | None]:
    return event.sender, event.trust, event.reply_to
