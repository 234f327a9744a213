"""The turns that ended, for plugins that learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import define

from argent_core import codec
from argent_core.database import Database
from argent_core.guard import attempt
from argent_hookspecs import Event, FinishedTurn, Transaction, Trust

NEXT = "(SELECT MAX(COALESCE(MAX(ended), 0) + 1, CAST(? * 1000 AS INTEGER)) FROM turns)"
"""The number of a turn that ends now, in SQL; it takes the time in seconds.

It is never given twice, even if the last turn has left the journal meanwhile.
"""
_AFTER = (
    "SELECT ended, turns.id, turns.conversation, asked, answer, trust, private, outside,"
    " started_at, body FROM turns LEFT JOIN events ON events.id = turns.id"
    " WHERE ended > ? AND asked IS NOT NULL AND answer != '' ORDER BY ended LIMIT ?"
)


@define(eq=False, repr=False)
class FinishedTurns:
    """The contract's ``Turns``, over the journal."""

    database: Database

    async def after(self, number: int, limit: int = 100) -> Sequence[FinishedTurn]:
        """Return the first turns that ended after the one with this number."""

        def read(tx: Transaction) -> list[tuple[Any, ...]]:
            return list(tx.execute(_AFTER, (number, limit)).fetchall())

        return [_turn(*row) for row in await self.database.read(read)]


def _turn(*row: Any) -> FinishedTurn:
    number, id, conversation, asked, answered, trust, private, outside, started, body = row
    event = attempt(codec.load, body, Event).value if body is not None else None
    return FinishedTurn(
        number=number,
        id=id,
        conversation=conversation,
        asked=asked,
        answered=answered,
        trust=Trust(trust),
        private=bool(private),
        outside=bool(outside),
        at=datetime.fromtimestamp(started, UTC),
        event=event,
    )
