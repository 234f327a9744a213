"""What the plugin keeps: drafts that are shown, parts that are sent, questions that are asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, frozen

from argent_hookspecs import Clock, Database, Transaction

MIGRATIONS = (
    """
    CREATE TABLE drafts (
        channel TEXT NOT NULL, turn TEXT NOT NULL, chat TEXT NOT NULL, message INTEGER, key TEXT,
        body TEXT, at REAL NOT NULL, PRIMARY KEY (channel, turn)
    ) STRICT;
    CREATE TABLE steps (
        key TEXT NOT NULL, n INTEGER NOT NULL, message INTEGER NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (key, n)
    ) STRICT;
    CREATE TABLE questions (
        id TEXT NOT NULL, channel TEXT NOT NULL, chat TEXT NOT NULL, message INTEGER NOT NULL,
        turn TEXT NOT NULL, text TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (id, channel, chat)
    ) STRICT;
    CREATE TABLE owners (
        channel TEXT NOT NULL, chat TEXT NOT NULL, PRIMARY KEY (channel, chat)
    ) STRICT;
    CREATE TABLE pieces (
        channel TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (channel, id)
    ) STRICT;
    CREATE TABLE webhooks (channel TEXT PRIMARY KEY, url TEXT NOT NULL) STRICT;
    """,
    "ALTER TABLE pieces ADD COLUMN stored_at REAL;",
    "ALTER TABLE questions ADD COLUMN press TEXT NOT NULL DEFAULT '';",
)
_KEPT_SECONDS = 45 * 86400.0
_TOLD_AGAIN_SECONDS = 2 * 86400.0
"""Telegram tells nothing again after a day: https://core.telegram.org/bots/api#getting-updates."""


@frozen
class DraftRow:
    """A message that shows an answer while it is written.

    Args:
        message: Its id; None if it may have been sent, and nobody knows under which.
        key: The reply that it has become, once it has.
    """

    chat: str
    message: int | None
    key: str | None


@frozen
class Question:
    """A message with buttons.

    Args:
        id: Of the approval, or the code of somebody who asks to be let in.
        turn: The turn that waits for the answer; empty if none does.
        press: The button that an owner has pressed, written down; empty if none was.
    """

    id: str
    chat: str
    message: int
    turn: str
    text: str
    press: str = ""


@define(eq=False, repr=False)
class Ledger:
    """The records of all bots."""

    database: Database
    clock: Clock

    async def draft(self, channel: str, turn: str) -> DraftRow | None:
        """Return the draft of a turn."""
        sql = "SELECT chat, message, key FROM drafts WHERE channel = ? AND turn = ?"
        rows = await self._read(sql, channel, turn)
        return DraftRow(*rows[0]) if rows else None

    async def begin_draft(self, channel: str, turn: str, *, chat: str) -> None:
        """Note that a draft is about to be sent."""
        sql = "INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, NULL, NULL, NULL, ?)"
        await self._write(sql, channel, turn, chat, self._now())

    async def draft_sent(self, channel: str, turn: str, *, message: int) -> None:
        """Note which message a draft is."""
        sql = "UPDATE drafts SET message = ? WHERE channel = ? AND turn = ?"
        await self._write(sql, message, channel, turn)

    async def draft_gone(self, channel: str, turn: str) -> None:
        """Forget a draft: it was not sent, or is not there any more."""
        await self._write("DELETE FROM drafts WHERE channel = ? AND turn = ?", channel, turn)

    async def claim_draft(self, channel: str, turn: str, *, key: str, body: str) -> DraftRow | None:
        """Let a draft become a reply; None if there is none, or it has become another.

        Args:
            body: What the message is to say; kept until it does.
        """

        def work(tx: Transaction) -> tuple[Any, ...] | None:
            tx.execute(
                "UPDATE drafts SET key = ?, body = ?"
                " WHERE channel = ? AND turn = ? AND key IS NULL",
                (key, body, channel, turn),
            )
            sql = "SELECT chat, message, key FROM drafts WHERE channel = ? AND turn = ?"
            found: tuple[Any, ...] | None = tx.execute(sql, (channel, turn)).fetchone()
            return found

        row = await self.database.write(work)
        return DraftRow(*row) if row and row[2] == key and row[1] is not None else None

    async def draft_done(self, channel: str, turn: str) -> None:
        """Note that the message says what it was to say."""
        sql = "UPDATE drafts SET body = NULL WHERE channel = ? AND turn = ?"
        await self._write(sql, channel, turn)

    async def undone_drafts(self, channel: str) -> list[tuple[str, str, int, str]]:
        """Return drafts that were to become a reply, as it seems in vain.

        Returns:
            Of each the turn, the chat, the message, and what it was to say.
        """
        sql = (
            "SELECT turn, chat, message, body FROM drafts"
            " WHERE channel = ? AND message IS NOT NULL AND body IS NOT NULL"
        )
        return await self._read(sql, channel)

    async def steps(self, key: str) -> dict[int, int]:
        """Return which parts of a reply are sent: number, and id of the message."""
        return dict(await self._read("SELECT n, message FROM steps WHERE key = ?", key))

    async def step_done(self, key: str, n: int, *, message: int) -> None:
        """Note that a part of a reply is sent."""
        sql = "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?)"
        await self._write(sql, key, n, message, self._now())

    async def asked(self, channel: str, question: Question) -> None:
        """Note that a question was asked."""
        one = question
        sql = "INSERT OR REPLACE INTO questions VALUES (?, ?, ?, ?, ?, ?, ?, '')"
        given = (one.id, channel, one.chat, one.message, one.turn, one.text, self._now())
        await self._write(sql, *given)

    async def questions(
        self, channel: str, *, id: str | None = None, turn: str | None = None
    ) -> list[Question]:
        """Return the questions that are not settled: one's, a turn's, or all of them."""
        sql = (
            "SELECT id, chat, message, turn, text, press FROM questions"
            " WHERE channel = ? AND id = COALESCE(?, id) AND turn = COALESCE(?, turn)"
        )
        return [Question(*row) for row in await self._read(sql, channel, id, turn)]

    async def pressed(self, channel: str, id: str, *, press: str) -> None:
        """Note which button of a question is pressed, before that is acted on."""
        sql = "UPDATE questions SET press = ? WHERE channel = ? AND id = ?"
        await self._write(sql, press, channel, id)

    async def settled(self, channel: str, id: str) -> None:
        """Forget a question."""
        await self._write("DELETE FROM questions WHERE channel = ? AND id = ?", channel, id)

    async def owner_seen(self, channel: str, chat: str) -> None:
        """Note where an owner talks with the agent."""
        await self._write("INSERT OR IGNORE INTO owners VALUES (?, ?)", channel, chat)

    async def no_owner(self, channel: str, chat: str) -> None:
        """Note that it is no owner who talks there."""
        await self._write("DELETE FROM owners WHERE channel = ? AND chat = ?", channel, chat)

    async def owners(self, channel: str) -> list[str]:
        """Return the chats where owners talk with the agent."""
        return [chat for (chat,) in await self._read(_OWNERS, channel)]

    async def keep_piece(self, channel: str, id: int, *, body: str) -> bool:
        """Keep a part of an album, safe from power cuts; False if the album is stored already."""

        def work(tx: Transaction) -> bool:
            given = (channel, id, body)
            tx.execute("INSERT OR IGNORE INTO pieces VALUES (?, ?, ?, NULL)", given)
            sql = "SELECT stored_at FROM pieces WHERE channel = ? AND id = ?"
            (stored_at,) = tx.execute(sql, (channel, id)).fetchone()
            return stored_at is None

        return await self.database.write(work, durable=True)

    async def pieces(self, channel: str) -> list[str]:
        """Return the parts of albums that are not stored as events yet, in order."""
        sql = "SELECT body FROM pieces WHERE channel = ? AND stored_at IS NULL ORDER BY id"
        return [str(body) for (body,) in await self._read(sql, channel)]

    async def pieces_stored(self, channel: str, ids: Sequence[int]) -> None:
        """Forget what the parts of an album say, all at once, but not that they are stored."""
        sql = "UPDATE pieces SET body = '', stored_at = ? WHERE channel = ? AND id = ?"
        rows = [(self._now(), channel, id) for id in ids]
        await self.database.write(lambda tx: tx.executemany(sql, rows).rowcount)

    async def webhook(self, channel: str) -> str:
        """Return the webhook that was set for a bot from here; empty if none was."""
        rows = await self._read("SELECT url FROM webhooks WHERE channel = ?", channel)
        return str(rows[0][0]) if rows else ""

    async def webhook_set(self, channel: str, url: str) -> None:
        """Note the webhook that is set for a bot from now on."""
        await self._write("INSERT OR REPLACE INTO webhooks VALUES (?, ?)", channel, url)

    async def clear(self) -> None:
        """Forget what is long over."""
        before = self._now() - _KEPT_SECONDS

        def work(tx: Transaction) -> None:
            for table in ("drafts", "steps", "questions"):
                tx.execute(f"DELETE FROM {table} WHERE at < ?", (before,))
            told_again = self._now() - _TOLD_AGAIN_SECONDS
            tx.execute("DELETE FROM pieces WHERE stored_at < ?", (told_again,))

        await self.database.write(work)

    async def _read(self, sql: str, *given: Any) -> list[Any]:
        work: Callable[[Transaction], list[Any]] = lambda tx: tx.execute(sql, given).fetchall()  # noqa: E731
        return await self.database.read(work)

    async def _write(self, sql: str, *given: Any) -> None:
        await self.database.write(lambda tx: tx.execute(sql, given).rowcount)

    def _now(self) -> float:
        return self.clock.now().timestamp()


_OWNERS = "SELECT chat FROM owners WHERE channel = ? ORDER BY chat"
