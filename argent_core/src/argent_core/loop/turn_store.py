"""The rows that a turn leaves: how it began, what it was told, how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from argent_core import codec
from argent_core.guard import attempt
from argent_core.inbound import journal
from argent_core.inbound.journal import Journal, Lease
from argent_core.loop.attachments import in_words, is_passed_on
from argent_core.loop.finished_turns import NEXT
from argent_core.loop.offered_block import OfferedBlock
from argent_core.outbound import outbox, parts
from argent_hookspecs import Address, Event, Reply, Transaction

if TYPE_CHECKING:
    from argent_core.loop.model_router import Route

_LONG = 20_000
"""Characters that take some ten milliseconds to be cut into parts."""


def begin(tx: Transaction, lease: Lease, *, now: float) -> None:
    """Record that a turn runs, for the first time or again."""
    conversation = lease.event.conversation
    tx.execute(
        "INSERT INTO turns (id, conversation, n, state, started_at) VALUES (?1, ?2,"
        " (SELECT COALESCE(MAX(n), 0) FROM (SELECT MAX(n) + 1 AS n FROM turns"
        " WHERE conversation = ?2 UNION ALL SELECT n FROM fresh_starts WHERE conversation = ?2)),"
        " 'running', ?3) ON CONFLICT (id) DO UPDATE SET state = 'running', reason = ''",
        (lease.id, conversation, now),
    )


async def keep_private(book: Journal, lease: Lease, *, wished: bool) -> bool:
    """Tell whether a turn is private; put it on record before a word of it is part of the history.

    Once a turn is private it stays so, whatever is wished by the time that it is tried again.

    Raises:
        LeaseLost: The event is no longer this turn's; nothing was stored.
    """

    def look(tx: Transaction) -> bool:
        row = tx.execute("SELECT private FROM turns WHERE id = ?", (lease.id,)).fetchone()
        return row is not None and bool(row[0])

    def mark(tx: Transaction) -> None:
        journal.check(tx, lease)
        tx.execute("UPDATE turns SET private = 1 WHERE id = ?", (lease.id,))

    if await book.database.read(look):
        return True
    if wished:
        await book.database.write(mark)
    return wished


def explanation(
    lease: Lease,
    *,
    route: Route,
    why: str,
    blocks: Sequence[OfferedBlock],
    private: bool = False,
    outside: bool = False,
) -> Callable[[Transaction], None]:
    """Return what records the route, why it is that one, and what the context was made of.

    Args:
        private: Whether the turn is private from now on, as what it is told is.
        outside: Whether something from outside is told from now on.
    """
    tier, score = route.tier, route.score
    rows = [
        (
            lease.id,
            n,
            offered.provider,
            offered.block.source.encode(errors="replace").decode(),
            str(offered.block.trust),
            int(offered.block.stable),
            offered.tokens,
            offered.left_out,
            offered.block.why.encode(errors="replace").decode(),
        )
        for n, offered in enumerate(blocks)
    ]
    factors = codec.write({**codec.plain(score.factors), "cap": score.cap})
    chosen = (score.value, factors, tier.name, tier.provider, tier.model, why)

    def record(tx: Transaction) -> None:
        tx.execute(
            "UPDATE turns SET score = ?, factors = ?, tier = ?, provider = ?, model = ?, why = ?,"
            " private = MAX(private, ?), outside = MAX(outside, ?) WHERE id = ?",
            (*chosen, private, outside, lease.id),
        )
        tx.execute("DELETE FROM blocks WHERE turn = ?", (lease.id,))
        tx.executemany("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    return record


@frozen(kw_only=True)
class Ending:
    """How a turn ends.

    Args:
        state: ``done``, ``dead`` or ``cancelled``.
        heard: What was asked, as filters let it pass; the history tells it so.
        answer: What was said to the person, as filters let it pass; empty if they held it back.
        reply: What is to be sent, if anything is.
        held: Why the reply is held back, if it is.
        longest: Characters that one message of its channel may have; a longer reply is cut.
    """

    state: str
    heard: Sequence[Event] = ()
    answer: str = ""
    reason: str = ""
    reply: Reply | None = None
    held: str = ""
    longest: int | None = None


async def finish(book: Journal, lease: Lease, *, ending: Ending) -> bool:
    """End a turn, its events with it, and store its reply: all or nothing.

    Returns:
        Whether more events wait in the conversation.

    Raises:
        LeaseLost: The event is no longer this turn's; nothing was stored.
    """
    now = book.now()
    asked = "\n".join(in_words(event) for event in ending.heard).encode(errors="replace").decode()
    trust = str(ending.heard[0].trust) if ending.heard else None
    replies = await _in_parts(ending)
    outside = any(is_passed_on(event) for event in ending.heard)
    said = (ending.answer, ending.reason, asked or None, trust, outside)
    row = (ending.state, now, *said, now, lease.id)

    def work(tx: Transaction) -> bool:
        journal.check(tx, lease)
        tx.execute(
            "UPDATE turns SET state = ?, finished_at = ?, answer = ?, reason = ?, asked = ?,"
            f" trust = ?, outside = MAX(outside, ?), ended = {NEXT} WHERE id = ?",
            row,
        )
        state, reason = ending.state, ending.reason
        journal.close(tx, "turn = ?", given=(lease.id,), state=state, reason=reason, now=now)
        more = journal.refresh(tx, lease.event.conversation, now=now)
        # A turn that is tried again after its apology answers under another key.
        (n,) = tx.execute("SELECT COUNT(*) FROM outbox WHERE turn = ?", (lease.id,)).fetchone()
        for place, reply in enumerate(replies, n):
            part = evolve(reply, key=f"{lease.id}-{place}")
            outbox.put(tx, part, now=now, held=ending.held)
        return more

    return await book.database.write(work)


async def _in_parts(ending: Ending) -> list[Reply]:
    """Cut a reply that is too long; its files go with the last part.

    Nobody waits for it: it is done before the database is written to, and a long one in a thread.
    """
    reply, longest = ending.reply, ending.longest
    if reply is None:
        return []
    if longest is None:
        texts = [reply.text]
    elif len(reply.text) > _LONG:
        texts = await asyncio.to_thread(parts.split, reply.text, longest)
    else:
        texts = parts.split(reply.text, longest)
    first = [evolve(reply, text=text, files=()) for text in texts[:-1]]
    return [*first, evolve(reply, text=texts[-1])]


def mark_outside(tx: Transaction, turn: str) -> None:
    """Record that something from outside was told in a turn."""
    tx.execute("UPDATE turns SET outside = 1 WHERE id = ?", (turn,))


async def ending_of(book: Journal, turn: str) -> Ending | None:
    """Return how a turn has ended, or None if it has not."""
    sql = (
        "SELECT state, answer, reason FROM turns"
        " WHERE id = ? AND state IN ('done', 'dead', 'cancelled')"
    )
    row = await book.database.read(lambda tx: tx.execute(sql, (turn,)).fetchone())
    return None if row is None else Ending(state=row[0], answer=row[1], reason=row[2])


async def note(book: Journal, turn: str, *, state: str, reason: str) -> None:
    """Record that a turn paused: ``failed`` (tried again later) or ``waiting``."""
    sql = "UPDATE turns SET state = ?, reason = ? WHERE id = ? AND state = 'running'"
    await book.database.write(lambda tx: tx.execute(sql, (state, reason, turn)).rowcount)


@frozen
class CancelledTurn:
    """A turn that was cancelled on record.

    Args:
        to: Where its answer would have gone.
    """

    id: str
    conversation: str
    to: Address | None


def cancel(tx: Transaction, turn: str, *, reason: str, now: float) -> None:
    """Cancel a turn with its events, and what it asks for. Its lane must be refreshed then."""
    tx.execute(
        "UPDATE turns SET state = 'cancelled', finished_at = ?, reason = ? WHERE id = ?",
        (now, reason, turn),
    )
    tx.execute("UPDATE approvals SET state = 'denied' WHERE turn = ? AND state = 'open'", (turn,))
    journal.close(tx, "turn = ?", given=(turn,), state="cancelled", reason=reason, now=now)


async def cancel_waiting(
    book: Journal, conversation: str | None, *, reason: str
) -> list[CancelledTurn]:
    """Cancel turns that wait for a person's word, or for another try; return them."""
    now = book.now()

    def work(tx: Transaction) -> list[CancelledTurn]:
        rows = tx.execute(
            "SELECT e.id, e.conversation, e.body FROM events e JOIN turns t ON t.id = e.id"
            " WHERE ? IN (e.conversation, '') AND (e.state = 'waiting'"
            " OR (e.state = 'ready' AND t.state IN ('failed', 'waiting')))",
            (conversation or "",),
        ).fetchall()
        for turn, where, _ in rows:
            cancel(tx, turn, reason=reason, now=now)
            journal.refresh(tx, where, now=now)
        return [CancelledTurn(turn, where, _answered_at(body)) for turn, where, body in rows]

    return await book.database.write(work)


def _answered_at(body: str) -> Address | None:
    event = attempt(codec.load, body, Event).value
    return event.reply_to if event is not None else None
