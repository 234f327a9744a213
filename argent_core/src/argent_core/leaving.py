"""Leaving: what becomes of what is under way for somebody who may not reach the agent any more."""

from __future__ import annotations

from argent_core import codec
from argent_core.guard import attempt
from argent_core.inbound import journal, lanes
from argent_core.loop import turn_store
from argent_core.loop.turn_store import CancelledTurn
from argent_core.outbound import outbox
from argent_hookspecs import Event, Sender, Transaction


def drop(tx: Transaction, sender: Sender, *, reason: str, now: float) -> list[CancelledTurn]:
    """Cancel all of a sender's events that are not dealt with, and hold their replies back.

    Returns:
        The turns that were under way: running, waiting for a person's word or for another try.
    """
    cancelled = []
    for seq, id, turn, body in tx.execute(_OPEN_EVENTS, (sender.channel,)).fetchall():
        event = _sent_by(sender, body)
        if event is None:
            continue
        if turn is None:
            given = (seq,)
            journal.close(tx, "seq = ?", given=given, state="cancelled", reason=reason, now=now)
        elif turn == id:
            turn_store.cancel(tx, id, reason=reason, now=now)
            cancelled.append(CancelledTurn(id, event.conversation, event.reply_to))
        journal.refresh(tx, event.conversation, now=now)
    for turn, body in tx.execute(_OPEN_REPLIES, (sender.channel,)).fetchall():
        if _sent_by(sender, body) is not None:
            outbox.hold(tx, turn, reason=reason, now=now)
    return cancelled


def _sent_by(sender: Sender, body: str) -> Event | None:
    event = attempt(codec.load, body, Event).value
    return event if event is not None and event.sender == sender.id else None


_OPEN_EVENTS = f"SELECT seq, id, turn, body FROM events WHERE {lanes.OPEN} AND source = ?"
_OPEN_REPLIES = (
    "SELECT DISTINCT o.turn, e.body FROM outbox o JOIN events e ON e.id = o.turn"
    " WHERE o.state IN ('pending', 'sending') AND e.source = ?"
)
