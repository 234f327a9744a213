"""The list of replies: read, sent after all, given up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from argent_core.outbound.outbox import Outbox
from argent_hookspecs import ArgentError, Transaction

_COLUMNS = (
    "key",
    "state",
    "channel",
    "conversation",
    "turn",
    "text",
    "attempts",
    "created_at",
    "available_at",
    "finished_at",
    "receipt",
    "reason",
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM outbox"
_TIMES = ("created_at", "available_at", "finished_at")


class ReplyNotFound(ArgentError):
    """Report a key that is no reply's, or the beginning of more than one's."""


class ReplyBusy(ArgentError):
    """Report that a reply is in the wrong state for what was asked."""


@frozen
class ReplyList:
    """The replies on record."""

    outbox: Outbox

    async def list(self, state: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """Return replies, newest first; of one state, if given."""
        sql = f"{_SELECT} WHERE ? IN (state, '') ORDER BY seq DESC LIMIT ?"
        rows = await self.outbox.database.read(
            lambda tx: tx.execute(sql, (state or "", limit)).fetchall()
        )
        return [_shown(row) for row in rows]

    async def show(self, key: str) -> dict[str, Any]:
        """Return one reply. The key may be cut short, if it is still the only one."""
        return await self.outbox.database.read(lambda tx: _find(tx, key))

    async def retry(self, key: str) -> dict[str, Any]:
        """Have a reply sent after all, counted anew; one that a filter held passes it."""

        def work(tx: Transaction) -> dict[str, Any]:
            reply = _find(tx, key)
            _demand(reply, ("held", "unknown", "dead", "expired"), "can be retried")
            now = self.outbox.now()
            tx.execute(
                "UPDATE outbox SET state = 'pending', attempts = 0, created_at = ?,"
                " available_at = ?, finished_at = NULL, reason = '' WHERE key = ?",
                (now, now, reply["key"]),
            )
            return _find(tx, reply["key"])

        return await self.outbox.database.write(work, durable=True)

    async def drop(self, key: str) -> dict[str, Any]:
        """Give a reply up that was not sent; it stays on record as dead."""

        def work(tx: Transaction) -> dict[str, Any]:
            reply = _find(tx, key)
            _demand(reply, ("pending", "held", "unknown", "expired"), "can be dropped")
            tx.execute(
                "UPDATE outbox SET state = 'dead', reason = 'dropped', finished_at = ?"
                " WHERE key = ?",
                (self.outbox.now(), reply["key"]),
            )
            return _find(tx, reply["key"])

        return await self.outbox.database.write(work, durable=True)


def _find(tx: Transaction, key: str) -> dict[str, Any]:
    sql = f"{_SELECT} WHERE substr(key, 1, ?) = ? ORDER BY length(key) LIMIT 2"
    rows = tx.execute(sql, (len(key), key)).fetchall()
    if not key or not rows:
        raise ReplyNotFound(f"there is no reply {key!r}; see: argent replies list")
    if len(rows) > 1 and rows[0][0] != key:
        raise ReplyNotFound(f"more than one reply begins with {key!r}; give more of it")
    return _shown(rows[0])


def _demand(reply: dict[str, Any], states: tuple[str, ...], words: str) -> None:
    if reply["state"] not in states:
        raise ReplyBusy(
            f"reply {reply['key']} is {reply['state']}; only one that is "
            f"{' or '.join(states)} {words}"
        )


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    reply = dict(zip(_COLUMNS, row, strict=True))
    for name in _TIMES:
        if reply[name] is not None:
            reply[name] = datetime.fromtimestamp(reply[name], UTC).isoformat(timespec="seconds")
    return reply
