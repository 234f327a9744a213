"""The history of a conversation: its last exchanges, as filters let them pass."""

from __future__ import annotations

import json

from attrs import define, field, frozen

from argent_core.loop.labels import labelled
from argent_core.loop.tokens import estimate
from argent_hookspecs import Message, Role, Transaction, Trust

EXCHANGES_READ = 200
"""How many exchanges of a conversation a turn looks back on, at most."""
IS_EXCHANGE = "(asked IS NOT NULL AND answer != '' AND state IN ('done', 'cancelled', 'dead'))"
"""Which turns are exchanges, in SQL."""
_TOKENS_KEPT = 1_000_000
_OVERHEAD = 200
"""What a conversation, or an exchange of one word, takes in memory, in tokens of text."""


@frozen
class Exchange:
    """One earlier turn of a conversation; ``n`` counts them from 0.

    Args:
        asked: What was asked; what was taken out of it, or held back, is not told again.
        private: Whether it is for models of this machine only.
        outside: Whether something from outside was told in it, a document perhaps.
        turn: Its id.
        messages: The exchange as a model is told.
        tokens: Estimate of its size.
    """

    n: int
    asked: str
    answered: str
    trust: Trust
    at: str = ""
    private: bool = False
    outside: bool = False
    turn: str = ""
    messages: tuple[Message, Message] = field(init=False, repr=False)
    tokens: int = field(init=False)

    @messages.default
    def _tell(self) -> tuple[Message, Message]:
        told = labelled(self.trust, self.asked, source="message")
        return Message(Role.USER, told), Message(Role.ASSISTANT, self.answered)

    @tokens.default
    def _weigh(self) -> int:
        return sum(estimate(message.text) for message in self.messages)


@define
class _Kept:
    """Exchanges of a conversation by their turns, and when each turn ended."""

    found: dict[str, tuple[float, Exchange]]
    tokens: int


@define(eq=False, repr=False)
class History:
    """Reads the last exchanges of conversations, and keeps those that were read of late.

    A turn of a long conversation would spend most of its time on them otherwise.
    """

    _kept: dict[str, _Kept] = field(factory=dict)

    def recent(self, tx: Transaction, conversation: str) -> list[Exchange]:
        """Return the last exchanges of a conversation, oldest first; on one and the same thread."""
        known = self._kept.pop(conversation, _Kept({}, 0)).found
        ended = _last(tx, conversation, EXCHANGES_READ, since=fresh_start(tx, conversation))
        # A turn that is tried again ends again.
        known |= _read(tx, [id for id, at in ended if id not in known or known[id][0] != at])
        found = {id: known[id] for id, _ in ended}
        self._keep(conversation, found)
        return [exchange for _, exchange in found.values()]

    def _keep(self, conversation: str, found: dict[str, tuple[float, Exchange]]) -> None:
        tokens = _OVERHEAD + sum(_OVERHEAD + exchange.tokens for _, exchange in found.values())
        self._kept[conversation] = _Kept(found, tokens)
        total = sum(kept.tokens for kept in self._kept.values())
        while total > _TOKENS_KEPT:
            total -= self._kept.pop(next(iter(self._kept))).tokens


def read_exchanges(tx: Transaction, conversation: str, *, limit: int) -> list[Exchange]:
    """Read the last exchanges of a conversation, oldest first."""
    ended = _last(tx, conversation, limit)
    found = _read(tx, [id for id, _ in ended])
    return [found[id][1] for id, _ in ended]


def start_afresh(tx: Transaction, conversation: str) -> None:
    """Have nothing told any more of what a conversation was about, its last turn included."""
    tx.execute(
        "INSERT OR REPLACE INTO fresh_starts"
        " SELECT ?1, COALESCE(MAX(n) + 1, 0) FROM turns WHERE conversation = ?1",
        (conversation,),
    )


def drop_fresh_start(tx: Transaction, conversation: str) -> None:
    """Forget where a conversation began anew once no turn from before that is left."""
    tx.execute(
        "DELETE FROM fresh_starts WHERE conversation = ?1 AND NOT EXISTS (SELECT 1 FROM turns"
        " WHERE turns.conversation = ?1 AND turns.n < fresh_starts.n)",
        (conversation,),
    )


def fresh_start(tx: Transaction, conversation: str) -> int:
    """Return the number of the first turn since a conversation began anew."""
    sql = "SELECT n FROM fresh_starts WHERE conversation = ?"
    row = tx.execute(sql, (conversation,)).fetchone()
    return row[0] if row else 0


def _last(
    tx: Transaction, conversation: str, limit: int, *, since: int = 0
) -> list[tuple[str, float]]:
    """Find the last exchanges, oldest first: each one's turn, and when it ended."""
    found = tx.execute(
        f"SELECT id, finished_at FROM turns WHERE conversation = ? AND n >= ? AND {IS_EXCHANGE}"
        " ORDER BY n DESC LIMIT ?",
        (conversation, since, limit),
    ).fetchall()
    return list(reversed(found))


def _read(tx: Transaction, turns: list[str]) -> dict[str, tuple[float, Exchange]]:
    if not turns:
        return {}
    rows = tx.execute(
        "SELECT id, finished_at, n, asked, answer, trust, datetime(started_at, 'unixepoch'),"
        " private, outside"
        " FROM turns WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(turns),),
    ).fetchall()
    return {
        id: (
            finished,
            Exchange(n, asked, answer, Trust(trust), f"{at}Z", bool(private), bool(out), id),
        )
        for id, finished, n, asked, answer, trust, at, private, out in rows
    }
