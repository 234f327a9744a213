"""The trace: why each answer is what it is, read from the rows that turns leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from argent_core import legible
from argent_core.database import Database
from argent_core.money import DOLLAR
from argent_hookspecs import ArgentError, Transaction


class TurnNotFound(ArgentError):
    """Report an id that is more than one turn's."""


@frozen
class Trace:
    """Reads traces.

    Args:
        redact: Takes secrets out of a text.
    """

    database: Database
    redact: Callable[[str], str]

    async def turns(self, limit: int = 20) -> list[dict[str, Any]]:
        """Return the newest turns, in short, newest first."""
        return await self.database.read(lambda tx: _turns(tx, limit))

    async def turn(self, id: str) -> dict[str, Any] | None:
        """Explain one turn: all of it. The id may be cut short, if it is still the only one.

        Raises:
            TurnNotFound: More than one turn begins like this.
        """
        sql = "SELECT id FROM turns WHERE substr(id, 1, ?) = ? LIMIT 2"
        found = await self.database.read(lambda tx: tx.execute(sql, (len(id), id)).fetchall())
        if not id or not found:
            return None
        if len(found) > 1:
            raise TurnNotFound(f"more than one turn begins with {id!r}; give more of it")
        return self._clean(await self.database.read(lambda tx: _one(tx, "id = ?", found[0])))

    async def last(self, conversation: str | None = None) -> dict[str, Any] | None:
        """Explain the newest turn, of a conversation or of all.

        What the agent itself has answered, a command, needs no explanation, where there is else.
        """
        among, given = "? IN (conversation, '')", (conversation or "",)

        def look(tx: Transaction) -> dict[str, Any] | None:
            by_model = _one(tx, f"{among} AND NOT (state = 'done' AND model IS NULL)", given)
            return by_model or _one(tx, among, given)

        return self._clean(await self.database.read(look))

    def _clean(self, found: dict[str, Any] | None) -> dict[str, Any] | None:
        if found is None:
            return None
        cleaned: dict[str, Any] = json.loads(self.redact(json.dumps(found)))
        return cleaned


def _turns(tx: Transaction, limit: int) -> list[dict[str, Any]]:
    rows = tx.execute(
        "SELECT t.id, t.conversation, t.state, t.started_at, t.model, substr(t.answer, 1, 80),"
        " (SELECT SUM(COALESCE(spent, reserved)) FROM calls"
        " WHERE key > t.id || '/' AND key < t.id || '0') FROM turns t"
        " ORDER BY t.started_at DESC, t.n DESC LIMIT ?",
        (limit,),
    ).fetchall()
    names = ("turn", "conversation", "state", "started_at", "model", "answer", "cost")
    found = [dict(zip(names, _timed(row, 3), strict=True)) for row in rows]
    return [{**turn, "cost": (turn["cost"] or 0) / DOLLAR} for turn in found]


def _one(tx: Transaction, where: str, parameters: tuple[Any, ...]) -> dict[str, Any] | None:
    row = tx.execute(
        "SELECT id, conversation, state, reason, started_at, finished_at, score, factors, tier,"
        f" provider, model, why, answer FROM turns WHERE {where}"
        " ORDER BY started_at DESC, n DESC LIMIT 1",
        parameters,
    ).fetchone()
    if row is None:
        return None
    id, conversation, state, reason, started, finished, score, factors, *route, answer = row
    tier, provider, model, why = route
    steps, calls = _steps(tx, id), _calls(tx, id)
    return {
        "turn": id,
        "conversation": conversation,
        "state": state,
        "reason": reason,
        "started_at": _time(started),
        "finished_at": _time(finished),
        "events": _events(tx, id),
        "context": _blocks(tx, id),
        "route": {
            "score": score,
            "factors": legible.values(factors) or {},
            "tier": tier,
            "provider": provider,
            "model": model,
            "why": why,
        },
        "steps": steps,
        "calls": calls,
        "usage": {
            "input_tokens": sum(step["input_tokens"] or 0 for step in steps),
            "output_tokens": sum(step["output_tokens"] or 0 for step in steps),
            "cost": sum(c["reserved"] if c["spent"] is None else c["spent"] for c in calls),
        },
        "answer": answer,
        "approvals": _approvals(tx, id),
        "replies": _replies(tx, id),
    }


def _events(tx: Transaction, turn: str) -> list[dict[str, Any]]:
    rows = tx.execute(
        "SELECT id, kind, source, priority, state, attempts, created_at, body FROM events"
        " WHERE turn = ? ORDER BY seq",
        (turn,),
    ).fetchall()
    names = ("id", "kind", "source", "priority", "state", "attempts", "received_at", "event")
    found = [dict(zip(names, _timed(row, 6), strict=True)) for row in rows]
    return [{**event, "event": legible.event(event["event"])} for event in found]


def _blocks(tx: Transaction, turn: str) -> list[dict[str, Any]]:
    rows = tx.execute(
        "SELECT provider, source, trust, stable, tokens, left_out, why FROM blocks WHERE turn = ?"
        " ORDER BY n",
        (turn,),
    ).fetchall()
    names = ("provider", "source", "trust", "stable", "tokens", "left_out", "why")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**block, "stable": bool(block["stable"])} for block in found]


def _steps(tx: Transaction, turn: str) -> list[dict[str, Any]]:
    rows = tx.execute(
        "SELECT n, kind, name, state, started_at, finished_at, input_tokens, output_tokens, cost,"
        " request, result FROM steps WHERE turn = ? ORDER BY n",
        (turn,),
    ).fetchall()
    names = (
        "n",
        "kind",
        "name",
        "state",
        "started_at",
        "finished_at",
        "input_tokens",
        "output_tokens",
        "cost",
        "request",
        "result",
    )
    found = [dict(zip(names, _timed(row, 4, 5), strict=True)) for row in rows]
    return [
        {
            **step,
            "request": legible.values(step["request"]),
            "result": legible.values(step["result"]),
        }
        for step in found
    ]


def _calls(tx: Transaction, turn: str) -> list[dict[str, Any]]:
    """Return the model calls that were made for a turn, those that failed included."""
    sql = "SELECT id || '/' || lease || '.' FROM events WHERE id = ? AND state = 'leased'"
    (running,) = tx.execute(sql, (turn,)).fetchone() or (None,)
    # The keys of a turn's calls are its id, a slash and a number; "0" follows the slash.
    rows = tx.execute(
        "SELECT key, tier, provider, model, at, price_known, reserved, spent, error FROM calls"
        " WHERE key > ? AND key < ? ORDER BY at, key",
        (f"{turn}/", f"{turn}0"),
    ).fetchall()
    names = ("tier", "provider", "model", "at", "price_known", "reserved", "spent", "error")
    found = [(key, dict(zip(names, _timed(row, 3), strict=True))) for key, *row in rows]
    return [
        {
            **call,
            "price_known": bool(call["price_known"]),
            "reserved": call["reserved"] / DOLLAR,
            "spent": None if call["spent"] is None else call["spent"] / DOLLAR,
            "under_way": call["spent"] is None
            and not call["error"]
            and running is not None
            and key.startswith(running),
        }
        for key, call in found
    ]


def _approvals(tx: Transaction, turn: str) -> list[dict[str, Any]]:
    rows = tx.execute(
        "SELECT id, state, call, answered_by FROM approvals WHERE turn = ?", (turn,)
    ).fetchall()
    names = ("id", "state", "call", "answered_by")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**approval, "call": legible.values(approval["call"])} for approval in found]


def _replies(tx: Transaction, turn: str) -> list[dict[str, Any]]:
    rows = tx.execute(
        "SELECT key, channel, state, attempts, created_at, finished_at, receipt, reason"
        " FROM outbox WHERE turn = ? ORDER BY seq",
        (turn,),
    ).fetchall()
    names = (
        "key",
        "channel",
        "state",
        "attempts",
        "created_at",
        "finished_at",
        "receipt",
        "reason",
    )
    return [dict(zip(names, _timed(row, 4, 5), strict=True)) for row in rows]


def _timed(row: Sequence[Any], *places: int) -> list[Any]:
    return [_time(value) if i in places else value for i, value in enumerate(row)]


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
