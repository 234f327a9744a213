"""The outbox: replies on their way out, durable.

A reply goes ``pending → sending → sent | unknown | expired | dead | held``. It is stored in the
transaction that ends its turn, and marked ``sending``, safe from power cuts, before it is handed
to its channel. One that was ``sending`` when the kernel died is sent again only where the channel
drops a second reply with the same key.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from attrs import define, frozen

from argent_core import codec, file_uses
from argent_core.database import Database
from argent_core.guard import attempt
from argent_hookspecs import Address, Clock, File, Receipt, Reply, Transaction

EXPIRY_SECONDS = 7 * 86400.0
EXPIRED = "it could not be delivered for seven days"
LONGEST_WAIT_SECONDS = 3600.0
INTERRUPTED = "Argent was interrupted while it was being sent"


@frozen
class OutboxRow:
    """A reply and how it stands."""

    seq: int
    reply: Reply
    attempts: int
    created_at: float


@frozen
class DueReplies:
    """What there is to do now.

    Args:
        begun: What is to be sent, oldest first.
        expired: What waited for too long and will not be sent.
        next_due: Seconds until the next one is due, if one is postponed.
        skipped: Whether something is due for which there is no room now.
    """

    begun: tuple[OutboxRow, ...]
    expired: tuple[Reply, ...]
    next_due: float | None
    skipped: bool


@define(eq=False, repr=False)
class Outbox:
    """The replies on record."""

    database: Database
    clock: Clock

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self.clock.now().timestamp()

    async def recover(self, channels: Mapping[str, bool]) -> list[tuple[Reply, str]]:
        """Decide what becomes of replies whose sending was interrupted.

        Args:
            channels: Channels through which nothing is being sent now, and whether each drops a
                second reply with the same key.

        Returns:
            Each such reply and its new state: ``pending`` or ``unknown``.
        """

        def work(tx: Transaction) -> list[tuple[Reply, str]]:
            sql = (
                f"{_SELECT} WHERE state = 'sending'"
                " AND channel IN (SELECT value FROM json_each(?)) ORDER BY seq"
            )
            self._set_aside(tx)
            rows = tx.execute(sql, (json.dumps(sorted(channels)),)).fetchall()
            settled = []
            for row in rows:
                item = _row(row)
                state = "pending" if channels[item.reply.to.channel] else "unknown"
                _settle(tx, item.seq, state=state, reason=INTERRUPTED, now=self.now())
                settled.append((item.reply, state))
            return settled

        return await self.database.write(work)

    def _set_aside(self, tx: Transaction) -> None:
        """Give up replies whose address somebody has made unreadable."""
        sql = f"{_SELECT} WHERE {_OPEN}"
        for row in tx.execute(sql).fetchall():
            if attempt(_row, row).error is not None:
                reason = "its address cannot be read"
                _settle(tx, row[0], state="dead", reason=reason, now=self.now())

    async def begin_due(self, room: Mapping[str, int], *, busy: Collection[Address]) -> DueReplies:
        """Record, safe from power cuts, that the replies that are due are about to be sent.

        Args:
            room: Channels, and how many replies may be begun in each.
            busy: Addresses where none may be.
        """

        def work(tx: Transaction) -> DueReplies:
            left = dict(room)
            begun = []
            expired = self._expire(tx)
            due, seconds = self.due(tx, room)
            for row in due:
                channel = row.reply.to.channel
                if left[channel] > 0 and row.reply.to not in busy:
                    left[channel] -= 1
                    self.begin(tx, row)
                    begun.append(row)
            skipped = len(begun) < len(due)
            return DueReplies(tuple(begun), tuple(expired), seconds, skipped)

        return await self.database.write(work, durable=True)

    def due(
        self, tx: Transaction, channels: Collection[str]
    ) -> tuple[list[OutboxRow], float | None]:
        """Find the oldest open reply of each address, where it is pending.

        Returns:
            Those that are due, oldest first, and the seconds until the next of the others is.
        """
        now = self.now()
        given = {
            "channels": json.dumps(sorted(channels)),
            "now": now,
            "latest": now + LONGEST_WAIT_SECONDS,
        }
        heads = f"SELECT seq, available_at, {_DUE} FROM outbox WHERE {_HEADS} ORDER BY seq"
        found = tx.execute(heads, given).fetchall()
        later = [available for _, available, is_due in found if not is_due]
        rows = [
            tx.execute(f"{_SELECT} WHERE seq = ?", (seq,)).fetchone()
            for seq, _, is_due in found
            if is_due
        ]
        return [_row(row) for row in rows], min(later) - now if later else None

    def begin(self, tx: Transaction, row: OutboxRow) -> None:
        """Record that a reply is about to be sent."""
        sql = "UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE seq = ?"
        tx.execute(sql, (row.seq,))

    async def sent(self, row: OutboxRow, receipt: Receipt) -> bool:
        """Record a delivery; return whether more waits for the address."""
        now, to = self.now(), row.reply.to
        sql = (
            "UPDATE outbox SET state = 'sent', reason = '', receipt = ?, finished_at = ?"
            " WHERE seq = ?"
        )
        parameters = (clean(receipt.id), now, row.seq)
        next_one = f"SELECT 1 FROM outbox WHERE {_OPEN} AND channel = ? AND address = ? LIMIT 1"

        def work(tx: Transaction) -> bool:
            tx.execute(sql, parameters)
            more = tx.execute(next_one, (to.channel, codec.dump(to))).fetchone()
            return more is not None

        return await self.database.write(work)

    async def settle(self, row: OutboxRow, state: str, *, reason: str, after: float = 0.0) -> None:
        """Record another outcome; ``pending`` again is due after some seconds, an hour at most."""
        now, after = self.now(), min(after, LONGEST_WAIT_SECONDS)
        await self.database.write(
            lambda tx: _settle(tx, row.seq, state=state, reason=reason, now=now, after=after)
        )

    async def expire(self) -> list[Reply]:
        """Give up the replies that wait for too long; return them."""
        return await self.database.write(self._expire)

    def _expire(self, tx: Transaction) -> list[Reply]:
        now = self.now()
        # Without the hint it looks through all that was ever sent.
        sql = f"{_SELECT} INDEXED BY outbox_open WHERE {_PENDING} AND created_at < ? ORDER BY seq"
        old = [_row(row) for row in tx.execute(sql, (now - EXPIRY_SECONDS,)).fetchall()]
        for row in old:
            _settle(tx, row.seq, state="expired", reason=EXPIRED, now=now)
        return [row.reply for row in old]

    async def count(self) -> dict[str, int]:
        """Count the replies that are under way or need attention, by state."""
        sql = "SELECT state, COUNT(*) FROM outbox WHERE state != 'sent' GROUP BY state"
        rows = await self.database.read(lambda tx: tx.execute(sql).fetchall())
        return {"pending": 0, "unknown": 0, **dict(rows)}

    async def hurry(self, address: Address) -> None:
        """Make what waits for an address due now: it has just been heard from."""
        now, text = self.now(), codec.dump(address)
        sql = (
            f"UPDATE outbox SET available_at = ? WHERE {_PENDING} AND channel = ?"
            " AND address = ? AND available_at > ?"
        )
        await self.database.write(
            lambda tx: tx.execute(sql, (now, address.channel, text, now)).rowcount
        )


def put(tx: Transaction, reply: Reply, *, now: float, held: str = "") -> None:
    """Store a reply; held back, with the reason, if there is one. The same key is stored once."""
    file_uses.record(tx, reply.turn, parts=reply.files)
    tx.execute(
        "INSERT INTO outbox (key, turn, conversation, channel, address, text, files, state,"
        " created_at, available_at, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO NOTHING",
        (
            reply.key,
            reply.turn,
            reply.conversation,
            reply.to.channel,
            codec.dump(reply.to),
            reply.text,
            codec.dump(reply.files) if reply.files else "",
            "held" if held else "pending",
            now,
            now,
            clean(held),
        ),
    )


def hold(tx: Transaction, turn: str, *, reason: str, now: float) -> None:
    """Hold back the replies of a turn that are not being sent yet."""
    change = "UPDATE outbox SET state = 'held', reason = ?, finished_at = ?"
    sql = f"{change} WHERE turn = ? AND {_PENDING}"
    tx.execute(sql, (reason, now, turn))


def _settle(
    tx: Transaction, seq: int, *, state: str, reason: str, now: float, after: float = 0.0
) -> None:
    tx.execute(
        "UPDATE outbox SET state = ?, reason = ?, available_at = ?, finished_at = ? WHERE seq = ?",
        (state, clean(reason), now + after, None if state == "pending" else now, seq),
    )


def clean(text: str) -> str:
    """Return what can be stored of a text from a plugin: it may hold half a character."""
    return text.encode(errors="replace").decode()


_OPEN = "state IN ('pending', 'sending')"  # in the words of the index that holds them
_PENDING = f"{_OPEN} AND state = 'pending'"
_HEADS = (
    f"seq IN (SELECT MIN(seq) FROM outbox WHERE {_OPEN}"
    " AND channel IN (SELECT value FROM json_each(:channels)) GROUP BY channel, address)"
    " AND state = 'pending'"
)
# One that was never tried waits for nothing; and a time further away than the longest wait comes
# from a clock that was set back.
_DUE = "(attempts = 0 OR available_at <= :now OR available_at > :latest)"
_SELECT = (
    "SELECT seq, key, address, text, files, turn, conversation, attempts, created_at FROM outbox"
)


def _row(row: Any) -> OutboxRow:
    seq, key, address, text, files, turn, conversation, attempts, created_at = row
    reply = Reply(
        key=key,
        to=codec.load(address, Address),
        text=text,
        turn=turn,
        conversation=conversation,
        files=tuple(codec.structure(codec.read(files), list[File])) if files else (),
    )
    return OutboxRow(seq, reply, attempts, created_at)
