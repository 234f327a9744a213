"""The turns that ended, for plugins that learn from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import define

from argent_core import codec
from argent_core.database import Database
from argent_core.guard import attempt
from argent_core.loop.attachments import in_words
from argent_hookspecs import Event, FinishedTurn, Transaction, Trust

_BEGINNING = datetime.fromtimestamp(0, UTC)
NEXT = (
    "(SELECT MAX(COALESCE(MAX(ended), 0) + 1, CAST(? * 1000 AS INTEGER)) FROM turns"
    " WHERE ended IS NOT NULL)"
)
"""The number of a turn that ends now, in SQL; it takes the time in seconds.

It is never given twice, even if the last turn has left the journal meanwhile.
"""
_AFTER = (
    "SELECT ended, turns.id, turns.conversation, asked, answer, trust, private, outside,"
    " started_at, turns.state, body FROM turns LEFT JOIN events ON events.id = turns.id"
    " WHERE ended > ? AND asked IS NOT NULL AND answer != '' ORDER BY ended LIMIT ?"
)
_STEERING = (
    "SELECT turn, request FROM steps WHERE turn IN (SELECT value FROM json_each(?))"
    " AND kind = 'steer' ORDER BY turn, n"
)
_TOLD = (
    "SELECT turn, source, why FROM blocks WHERE turn IN (SELECT value FROM json_each(?))"
    " AND left_out = '' AND substr(provider, 1, length(?2)) = ?2 ORDER BY turn, n"
)


@define(eq=False, repr=False)
class FinishedTurns:
    """The contract's ``Turns``, over the journal.

    Args:
        plugin: For whom.
    """

    database: Database
    plugin: str

    async def after(self, number: int, limit: int = 100) -> Sequence[FinishedTurn]:
        """Return the first turns that ended after the one with this number."""

        def read(tx: Transaction) -> tuple[list[Any], list[Any], list[Any]]:
            rows = tx.execute(_AFTER, (number, limit)).fetchall()
            ids = json.dumps([row[1] for row in rows])
            steering = tx.execute(_STEERING, (ids,)).fetchall()
            return rows, steering, tx.execute(_TOLD, (ids, f"{self.plugin}/")).fetchall()

        rows, steering, told = await self.database.read(read)
        said: dict[str, list[str]] = {}
        for turn, request in steering:
            said.setdefault(turn, []).extend(_words(request))
        why: dict[str, dict[str, str]] = {}
        for turn, source, reason in told:
            why.setdefault(turn, {})[source] = reason
        return [_turn(row, said.get(row[1], []), why.get(row[1], {})) for row in rows]


def _turn(row: Sequence[Any], steering: Sequence[str], told: dict[str, str]) -> FinishedTurn:
    number, id, conversation, asked, answered, trust, private, outside, started, *rest = row
    state, body = rest
    event = attempt(codec.load, body, Event).value if body is not None else None
    return FinishedTurn(
        number=number,
        id=id,
        conversation=conversation,
        asked=asked,
        answered=answered,
        trust=attempt(Trust, trust).value or Trust.OUTSIDE,  # a damaged row may say anything
        private=bool(private),
        outside=bool(outside),
        at=attempt(datetime.fromtimestamp, started, UTC).value or _BEGINNING,
        event=event,
        steering=tuple(steering),
        told=told,
        state=state,
    )


def _words(request: str) -> list[str]:
    """Return what the events of a step say, in the words that ``asked`` has."""
    events = attempt(codec.load, request, list[Event]).value or []
    return [in_words(event).encode(errors="replace").decode() for event in events]
