"""Outcomes: what was asked, which tier answered, and whether a more able one was needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from argent_hookspecs import Database, Transaction

KEPT = 2000
"""Characters that are kept of a text."""
MIGRATIONS = (
    """
    CREATE TABLE outcomes (
        turn TEXT PRIMARY KEY,
        at REAL NOT NULL,
        conversation TEXT NOT NULL,
        text TEXT NOT NULL,
        tier TEXT NOT NULL,
        table_score REAL NOT NULL,
        gain REAL,
        said_by TEXT NOT NULL
    ) STRICT;
    CREATE INDEX outcomes_at ON outcomes (at);
    CREATE TABLE learned (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT;
    """,
    "DELETE FROM learned;",  # of another model; it is learned again from the outcomes
)
_COLUMNS = "turn, at, conversation, text, tier, table_score, gain, said_by"
_RANKS = ("answered", "asked again", "escalated", "feedback")


@frozen(kw_only=True)
class Outcome:
    """What came of a turn.

    Args:
        at: When, in seconds since 1970.
        tier: Which answered last.
        table_score: What the table said of it.
        gain: What a more able tier would have gained, or did: 1, 0 or -1; None if nobody knows.
        said_by: How that is known: ``answered``, ``asked again``, ``escalated`` or ``feedback``.
    """

    turn: str
    at: float
    conversation: str
    text: str
    tier: str
    table_score: float
    gain: float | None
    said_by: str


@frozen
class Outcomes:
    """The outcomes that are kept, and what was learned from them.

    Args:
        keep: How many are kept.
    """

    database: Database
    keep: int

    async def add(self, outcome: Outcome) -> None:
        """Keep an outcome; of one turn the first is kept."""

        def work(tx: Transaction) -> None:
            tx.execute(
                f"INSERT INTO outcomes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (turn) DO NOTHING",
                (
                    outcome.turn,
                    outcome.at,
                    outcome.conversation,
                    outcome.text,
                    outcome.tier,
                    outcome.table_score,
                    outcome.gain,
                    outcome.said_by,
                ),
            )
            tx.execute(
                "DELETE FROM outcomes WHERE turn IN"
                " (SELECT turn FROM outcomes ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?)",
                (self.keep,),
            )

        await self.database.write(work)

    async def judge(self, turn: str, gain: float, *, said_by: str) -> bool:
        """Note what a more able tier gains on a turn; False if the turn is not kept.

        A person's feedback is changed by nothing but feedback, an escalation by nothing less.
        """

        def work(tx: Transaction) -> bool:
            row = tx.execute("SELECT said_by FROM outcomes WHERE turn = ?", (turn,)).fetchone()
            if row is None:
                return False
            if _RANKS.index(said_by) >= _RANKS.index(row[0]):
                tx.execute(
                    "UPDATE outcomes SET gain = ?, said_by = ? WHERE turn = ?",
                    (gain, said_by, turn),
                )
            return True

        return await self.database.write(work)

    async def last(self, conversation: str | None = None) -> Outcome | None:
        """Return the newest outcome, of a conversation or of all."""
        found = await self._select("WHERE ? IN (conversation, '')", (conversation or "",), 1)
        return found[0] if found else None

    async def find(self, turn: str) -> list[Outcome]:
        """Return those whose turn begins like this, at most two."""
        return await self._select("WHERE substr(turn, 1, ?) = ?", (len(turn), turn), 2)

    async def known(self, limit: int) -> list[Outcome]:
        """Return the newest outcomes whose gain is known, oldest first."""
        return (await self._select("WHERE gain IS NOT NULL", (), limit))[::-1]

    async def counts(self) -> dict[str, int]:
        """Count the outcomes, by how their gain is known; ``unknown`` where it is not."""
        sql = (
            "SELECT CASE WHEN gain IS NULL THEN 'unknown' ELSE said_by END, COUNT(*)"
            " FROM outcomes GROUP BY 1"
        )
        rows = await self.database.read(lambda tx: tx.execute(sql).fetchall())
        return dict(rows)

    async def learned(self) -> str | None:
        """Return what was learned last, if anything was."""
        sql = "SELECT body FROM learned WHERE id = 1"
        row = await self.database.read(lambda tx: tx.execute(sql).fetchone())
        return None if row is None else str(row[0])

    async def learn(self, body: str) -> None:
        """Keep what was learned, in the place of what was learned before."""
        sql = (
            "INSERT INTO learned VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
        )

        def work(tx: Transaction) -> None:
            tx.execute(sql, (body,))

        await self.database.write(work)

    async def _select(self, where: str, values: Sequence[Any], limit: int) -> list[Outcome]:
        sql = f"SELECT {_COLUMNS} FROM outcomes {where} ORDER BY at DESC, rowid DESC LIMIT ?"
        names = _COLUMNS.split(", ")
        rows = await self.database.read(lambda tx: tx.execute(sql, (*values, limit)).fetchall())
        return [Outcome(**dict(zip(names, row, strict=True))) for row in rows]
