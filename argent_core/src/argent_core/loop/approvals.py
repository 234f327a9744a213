"""Approvals: a person's word on a tool call, kept across restarts.

An approval holds for exactly one call, is used once, and expires.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import define, frozen

from argent_core import codec
from argent_core.guard import attempt
from argent_core.inbound import journal
from argent_core.inbound.journal import Journal, Lease
from argent_hookspecs import (
    Address,
    Approval,
    ArgentError,
    Event,
    ToolCall,
    Transaction,
    Trust,
)

_SELECT = "SELECT id, turn, conversation, call, expires_at, address FROM approvals"


class ApprovalNeeded(ArgentError):
    """Interrupt a turn until a person has spoken."""


@frozen
class Answered:
    """How an approval stands: its id, its state, and the call that it is for.

    Its state is ``altered`` if the call on record is not the one that the person was shown.
    """

    id: str
    state: str
    call: ToolCall


def call_hash(call: ToolCall) -> str:
    """Digest the exact call: tool and arguments."""
    text = json.dumps([call.name, codec.plain(call.arguments)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _nowhere() -> None:
    """Serve where there is no owner to ask."""


@define(eq=False, repr=False)
class Approvals:
    """The approvals on record.

    Args:
        owner_at: Returns where an owner can be asked, if anywhere.
    """

    journal: Journal
    timeout: timedelta
    owner_at: Callable[[], Address | None] = _nowhere

    async def find(self, turn: str, call_id: str) -> Answered | None:
        """Return how the approval of a call stands, or None if nobody was asked."""
        sql = "SELECT id, state, call, call_hash FROM approvals WHERE turn = ? AND call_id = ?"
        row = await self.journal.database.read(
            lambda tx: tx.execute(sql, (turn, call_id)).fetchone()
        )
        if row is None:
            return None
        id, state, text, digest = row
        call = codec.load(text, ToolCall)
        return Answered(id, state if call_hash(call) == digest else "altered", call)

    async def ask(self, lease: Lease, call: ToolCall) -> Approval:
        """Put a question on record; the turn waits for the answer from then on."""
        now = self.journal.clock.now()
        approval = Approval(
            id=secrets.token_hex(4),
            turn=lease.id,
            conversation=lease.event.conversation,
            tool=call.name,
            arguments=call.arguments,
            expires_at=now + self.timeout,
            to=self._where_to_ask(lease.event),
        )

        def insert(tx: Transaction) -> None:
            journal.check(tx, lease)
            tx.execute(
                "INSERT INTO approvals (id, turn, conversation, call_id, call_hash, call, state,"
                " asked_at, expires_at, address) VALUES (?, ?, ?, ?, ?, ?, 'open', ?, ?, ?)",
                (
                    approval.id,
                    lease.id,
                    approval.conversation,
                    call.id,
                    call_hash(call),
                    codec.dump(call),
                    now.timestamp(),
                    approval.expires_at.timestamp(),
                    codec.dump(approval.to) if approval.to is not None else "",
                ),
            )
            tx.execute(
                "UPDATE events SET state = 'waiting' WHERE turn = ? AND state = 'leased'",
                (lease.id,),
            )
            journal.refresh(tx, approval.conversation, now=now.timestamp())

        await self.journal.database.write(insert)
        return approval

    def _where_to_ask(self, event: Event) -> Address | None:
        # Nobody else may answer, so that it is the owner who is asked.
        of_other = event.kind == "message" and event.trust is not Trust.OWNER
        return self.owner_at() if of_other else event.reply_to

    async def open(self, conversation: str | None = None) -> list[Approval]:
        """Return the approvals that wait for an answer, oldest first."""
        sql = f"{_SELECT} WHERE state = 'open' AND ? IN (conversation, '') ORDER BY asked_at"
        rows = await self.journal.database.read(
            lambda tx: tx.execute(sql, (conversation or "",)).fetchall()
        )
        found = (attempt(_approval, row).value for row in rows)
        return [approval for approval in found if approval is not None]

    async def answer(self, id: str, *, state: str, by: str, key: str = "") -> bool:
        """Answer one for good: ``allowed`` or ``denied``; False if it no longer waits.

        Args:
            key: Of the answer; one that was given with it before is not given again, and True.
        """
        now = self.journal.now()

        def work(tx: Transaction) -> bool:
            sql = "SELECT expires_at, answer_key FROM approvals WHERE id = ?"
            row = tx.execute(sql, (id,)).fetchone()
            if row is not None and key and row[1] == key:
                return True
            if row is None or row[0] <= now:
                return False
            if not _settle(tx, "id = ?", (id,), state=state, by=by, now=now):
                return False
            tx.execute("UPDATE approvals SET answer_key = ? WHERE id = ?", (key, id))
            return True

        return await self.journal.database.write(work, durable=True)

    def expire(self, tx: Transaction) -> float | None:
        """Take silence for a no; return the seconds until the next approval expires, or None."""
        now = self.journal.now()
        _settle(tx, "expires_at <= ?", (now,), state="expired", by="", now=now)
        sql = "SELECT MIN(expires_at) FROM approvals WHERE state = 'open'"
        due = tx.execute(sql).fetchone()[0]
        return None if due is None else max(0.0, due - now)


def use(tx: Transaction, *, id: str) -> None:
    """Use up an approval: the call is about to be made."""
    tx.execute("UPDATE approvals SET state = 'used' WHERE id = ?", (id,))


def supersede(tx: Transaction, conversation: str, *, by: str, now: float) -> int:
    """Take a person's new message for a no to what waits in its conversation."""
    where = "conversation = ?"
    return _settle(tx, where, (conversation,), state="superseded", by=by, now=now)


def _settle(
    tx: Transaction, where: str, parameters: tuple[object, ...], *, state: str, by: str, now: float
) -> int:
    """Close open approvals and wake their turns, in one transaction."""
    found = tx.execute(
        f"UPDATE approvals SET state = ?, answered_by = ? WHERE state = 'open' AND {where}"
        " RETURNING turn, conversation",
        (state, by, *parameters),
    ).fetchall()
    for turn, conversation in found:
        # The wait was the person's, not the turn's: it does not count as an attempt.
        tx.execute(
            "UPDATE events SET state = 'ready', available_at = ?, attempts = MAX(0, attempts - 1)"
            " WHERE turn = ? AND state = 'waiting'",
            (now, turn),
        )
        journal.refresh(tx, conversation, now=now)
    return len(found)


def _approval(row: tuple[str, str, str, str, float, str]) -> Approval:
    id, turn, conversation, call_text, expires_at, to = row
    call = codec.load(call_text, ToolCall)
    return Approval(
        id=id,
        turn=turn,
        conversation=conversation,
        tool=call.name,
        arguments=call.arguments,
        expires_at=datetime.fromtimestamp(expires_at, UTC),
        to=codec.load(to, Address) if to else None,
    )
