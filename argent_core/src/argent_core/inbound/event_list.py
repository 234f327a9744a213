"""The list of events, dead letters included: read, tried again, dropped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from argent_core import legible
from argent_core.inbound import journal
from argent_core.inbound.entry import NOT_LET_IN
from argent_core.inbound.journal import Journal
from argent_hookspecs import ArgentError, Priority, Transaction

_COLUMNS = (
    "id",
    "state",
    "kind",
    "source",
    "conversation",
    "priority",
    "attempts",
    "created_at",
    "available_at",
    "finished_at",
    "turn",
    "reason",
    "body",
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM events"


class EventNotFound(ArgentError):
    """Report an id that is no event's, or more than one's."""


class EventBusy(ArgentError):
    """Report that an event is in the wrong state for what was asked."""


@frozen
class EventList:
    """The events on record."""

    journal: Journal

    async def list(self, state: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """Return events, newest first; of one state, if given."""
        sql = f"{_SELECT} WHERE ? IN (state, '') ORDER BY seq DESC LIMIT ?"
        rows = await self.journal.database.read(
            lambda tx: tx.execute(sql, (state or "", limit)).fetchall()
        )
        return [_shown(row) for row in rows]

    async def show(self, id: str) -> dict[str, Any]:
        """Return one event. The id may be cut short, if it is still the only one."""
        return await self.journal.database.read(lambda tx: _find(tx, id))

    async def retry(self, id: str) -> dict[str, Any]:
        """Make a dead or cancelled event ready again, with what steered it, counted anew."""

        def work(tx: Transaction) -> dict[str, Any]:
            event = _find(tx, id)
            _demand(event, ("dead", "cancelled"), "can be retried")
            if event["reason"].startswith(NOT_LET_IN):
                raise EventBusy(
                    f"event {event['id']} was {event['reason']}; nothing of it was kept"
                )
            now = self.journal.now()
            tx.execute("UPDATE turns SET answer = '' WHERE id = ?", (event["id"],))
            tx.execute("DELETE FROM approvals WHERE turn = ?", (event["id"],))
            tx.execute(
                "UPDATE events SET state = 'ready', attempts = 0, available_at = ?, reason = '',"
                " finished_at = NULL, expires_at = NULL WHERE ? IN (id, turn)"
                " AND state IN ('dead', 'cancelled')",
                (now, event["id"]),
            )
            journal.refresh(tx, event["conversation"], now=now)
            return _find(tx, event["id"])

        return await self.journal.database.write(work, durable=True)

    async def drop(self, id: str) -> dict[str, Any]:
        """Give an event up that was not dealt with; it stays on record as cancelled."""

        def work(tx: Transaction) -> dict[str, Any]:
            event = _find(tx, id)
            _demand(event, ("ready", "waiting", "dead"), "can be dropped")
            now = self.journal.now()
            tx.execute(
                "UPDATE events SET state = 'cancelled', reason = 'dropped', finished_at = ?"
                " WHERE id = ?",
                (now, event["id"]),
            )
            if event["turn"] == event["id"]:
                _end_turn(tx, event["id"], now=now)
            journal.refresh(tx, event["conversation"], now=now)
            return _find(tx, event["id"])

        return await self.journal.database.write(work, durable=True)

    async def count(self) -> dict[str, int]:
        """Count the events that need attention or are under way, by state."""
        sql = (
            "SELECT state, COUNT(*) FROM events WHERE state IN"
            " ('ready', 'leased', 'waiting', 'dead') GROUP BY state"
        )
        rows = await self.journal.database.read(lambda tx: tx.execute(sql).fetchall())
        return {"ready": 0, "leased": 0, "waiting": 0, "dead": 0, **dict(rows)}


def _end_turn(tx: Transaction, turn: str, *, now: float) -> None:
    """End a turn whose event was dropped; what steered it becomes an event like any other."""
    tx.execute(
        "UPDATE turns SET state = 'cancelled', reason = 'dropped', finished_at = ?"
        " WHERE id = ? AND finished_at IS NULL",
        (now, turn),
    )
    tx.execute("UPDATE approvals SET state = 'denied' WHERE turn = ? AND state = 'open'", (turn,))
    tx.execute(
        "UPDATE events SET state = 'ready', turn = NULL, attempts = 0, available_at = ?"
        " WHERE turn = ? AND id != turn AND state IN ('ready', 'leased', 'waiting')",
        (now, turn),
    )


def _find(tx: Transaction, id: str) -> dict[str, Any]:
    rows = tx.execute(f"{_SELECT} WHERE substr(id, 1, ?) = ? LIMIT 2", (len(id), id)).fetchall()
    if not id or not rows:
        raise EventNotFound(f"there is no event {id!r}; see: argent events list")
    if len(rows) > 1:
        raise EventNotFound(f"more than one event begins with {id!r}; give more of it")
    return _shown(rows[0])


def _demand(event: dict[str, Any], states: tuple[str, ...], words: str) -> None:
    if event["state"] not in states:
        raise EventBusy(
            f"event {event['id']} is {event['state']}; only one that is "
            f"{' or '.join(states)} {words}"
        )


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    event = dict(zip(_COLUMNS, row, strict=True))
    event["priority"] = Priority(event["priority"]).name.lower()
    for name in ("created_at", "available_at", "finished_at"):
        if event[name] is not None:
            event[name] = datetime.fromtimestamp(event[name], UTC).isoformat(timespec="seconds")
    event["event"] = legible.event(event.pop("body"))
    return event
