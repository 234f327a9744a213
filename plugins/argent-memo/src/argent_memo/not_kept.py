"""Not kept: turns that could not be kept, so that none holds up those that come after it.

Beside them stands how many sentences were left out as they tell secrets, and nothing of these.

What fails over one turn is tried again a few times, later each time. Then the turn is passed over,
and what is noted says which it was and why; it is tried once more at each start, and whenever the
index is made anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import asdict, frozen

from argent_hookspecs import Database, FinishedTurn, Health, Transaction

WAITS = (1.0, 5.0, 25.0, 125.0)
"""Seconds until each next try."""
_NAME = "not kept/"
_LEFT_OUT = "left out"


@frozen(kw_only=True)
class NotKept:
    """A turn that could not be kept.

    Args:
        number: Of the turn, in the order in which turns ended.
        tries: How often it was tried.
        passed: Whether those after it were gone on with.
    """

    number: int
    turn: str
    why: str
    tries: int
    passed: bool


def fail(tx: Transaction, turn: FinishedTurn, *, why: str, again: bool) -> NotKept:
    """Note that a turn could not be kept; return what is noted.

    Args:
        again: Whether it may be tried again before it is passed over.
    """
    before = next((one for one in all_of(tx) if one.turn == turn.id), None)
    tries = 1 + (before.tries if before is not None else 0)
    passed = not again or tries > len(WAITS) or (before is not None and before.passed)
    noted = NotKept(number=turn.number, turn=turn.id, why=why, tries=tries, passed=passed)
    sql = "INSERT OR REPLACE INTO notes VALUES (?, ?)"
    tx.execute(sql, (f"{_NAME}{turn.id}", json.dumps(asdict(noted))))
    return noted


def clear(tx: Transaction, turns: Iterable[str]) -> None:
    """Note nothing of turns any more."""
    names = [(f"{_NAME}{id}",) for id in turns]
    tx.executemany("DELETE FROM notes WHERE name = ?", names)


def all_of(tx: Transaction) -> list[NotKept]:
    """Return the turns that are not kept, the first to end first."""
    rows = tx.execute(_NOTED, (_NAME,)).fetchall()
    found = [NotKept(**json.loads(value)) for (value,) in rows]
    return sorted(found, key=lambda one: one.number)


def leave_out(tx: Transaction, count: int, *, at: datetime) -> None:
    """Note that so many sentences of a turn were left out, for they tell secrets."""
    if not count:
        return
    before, said = left_out(tx), at.astimezone(UTC).isoformat()
    last = max(said, before["last"] or said)
    noted = json.dumps({"sentences": before["sentences"] + count, "last": last})
    tx.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (_LEFT_OUT, noted))


def left_out(tx: Transaction) -> dict[str, Any]:
    """Return how many sentences were left out, and when one was last."""
    row = tx.execute("SELECT value FROM notes WHERE name = ?", (_LEFT_OUT,)).fetchone()
    return {"sentences": 0, "last": None} if row is None else dict(json.loads(row[0]))


def in_words(secrets: Mapping[str, Any]) -> str:
    """Say how many sentences were left out; empty for none."""
    count = secrets["sentences"]
    if not count:
        return ""
    sentences = "one sentence" if count == 1 else f"{count:,} sentences"
    return f"{sentences} left out as secrets, last on {secrets['last'][:10]}"


async def health(database: Database) -> Health:
    """Say which turns could not be kept, and what was left out."""
    found = await database.read(all_of)
    if not found:
        secrets = in_words(await database.read(left_out))
        return Health(True, "; ".join(["all that was said is kept", *filter(None, [secrets])]))
    which = ", ".join(one.turn for one in found[:3]) + (", …" if len(found) > 3 else "")
    turns = "one turn" if len(found) == 1 else f"{len(found)} turns"
    summary = f"{turns} could not be kept ({which}): {found[0].why}"
    return Health(False, summary, remedy="try again with: argent memory reindex")


_NOTED = "SELECT value FROM notes WHERE substr(name, 1, length(?1)) = ?1"
