"""People: who may talk with the agent, and which groups it answers in.

Both are on record, or named in the settings. Somebody who is blocked stays so, whatever the
settings say.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from attrs import define, field

from argent_core import codec, leaving, people_noted
from argent_core.config import PeopleSettings
from argent_core.database import Database
from argent_core.guard import attempt
from argent_core.loop.turn_store import CancelledTurn
from argent_hookspecs import Address, ArgentError, Clock, Sender, Transaction, Trust

T = TypeVar("T")
_Dropped: TypeAlias = tuple[list[CancelledTurn], str]
"""The turns that were cancelled, and why."""

_LONGEST_NAME = 80
_LONGEST_ID = 400
_LEFT = "its sender was let in no longer"
_LOWERED = "its sender was an owner no longer"


class Standing(enum.StrEnum):
    """How somebody who is known stands with the agent."""

    OWNER = "owner"
    PAIRED = "paired"
    BLOCKED = "blocked"


_TRUST = {Standing.OWNER: Trust.OWNER, Standing.PAIRED: Trust.PAIRED}
_RANK = {Standing.OWNER: 2, Standing.PAIRED: 1, Standing.BLOCKED: 0, None: 0}


class UnknownPerson(ArgentError):
    """Report that somebody is not on record, or cannot be put there."""


async def _end_none(_: Sequence[CancelledTurn], __: str) -> None:
    """Serve where no turns are made."""


@define(eq=False, repr=False)
class People:
    """Who is on record.

    Args:
        settings: Who counts as on record besides.
        end_turns: Told which turns were cancelled on record, and why, so that they end.
        owner_at: Where an owner was last heard from, alone, if anywhere.
    """

    database: Database
    clock: Clock
    settings: PeopleSettings
    end_turns: Callable[[Sequence[CancelledTurn], str], Awaitable[None]] = _end_none
    owner_at: Address | None = field(default=None, init=False)
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self.clock.now().timestamp()

    def standing(self, tx: Transaction, sender: Sender) -> Standing | None:
        """Return how a sender stands; None for strangers."""
        return self._standing_by(tx, sender, settings=self.settings)

    def _standing_by(
        self, tx: Transaction, sender: Sender, *, settings: PeopleSettings
    ) -> Standing | None:
        sql = "SELECT standing FROM people WHERE channel = ? AND sender = ?"
        row = tx.execute(sql, (sender.channel, sender.id)).fetchone()
        on_record = Standing(row[0]) if row else None
        if on_record is Standing.BLOCKED:
            return on_record
        if sender.id in settings.owners.get(sender.channel, ()):
            return Standing.OWNER
        if on_record is None and sender.id in settings.allow.get(sender.channel, ()):
            return Standing.PAIRED
        return on_record

    async def trust(self, sender: Sender) -> Trust:
        """Return how far a sender is trusted; one who was not let in is outside."""
        standing = await self.database.read(lambda tx: self.standing(tx, sender))
        return Trust.OUTSIDE if standing is None else trust_of(standing)

    def has_owner(self, tx: Transaction, channel: str) -> bool:
        """Tell whether anybody on a channel is an owner."""
        sql = "SELECT 1 FROM people WHERE channel = ? AND standing = 'owner' LIMIT 1"
        known = tx.execute(sql, (channel,)).fetchone() is not None
        return known or bool(self.settings.owners.get(channel))

    def is_allowed(self, tx: Transaction, group: Address) -> bool | None:
        """Tell whether the agent may answer in a group; None if nobody has said."""
        sql = "SELECT standing FROM group_chats WHERE channel = ? AND chat = ?"
        row = tx.execute(sql, (group.channel, group.chat)).fetchone()
        if row is not None:
            return bool(row[0] == "allowed")
        named = group.chat in self.settings.groups.allow.get(group.channel, ())
        return True if named else None

    def put(
        self, tx: Transaction, sender: Sender, *, standing: Standing, name: str, by: str
    ) -> None:
        """Put somebody on record; what they had asked for is settled with it."""
        tx.execute(
            "INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?, ?)",
            (sender.channel, sender.id, standing.value, legible(name), self.now(), legible(by)),
        )
        forget_requests(tx, sender.channel, kind="person", who=sender.id)

    def put_group(
        self, tx: Transaction, group: Address, *, allowed: bool, name: str, by: str
    ) -> None:
        """Put it on record whether a group is allowed; what was asked for it is settled."""
        standing = "allowed" if allowed else "forbidden"
        tx.execute(
            "INSERT OR REPLACE INTO group_chats VALUES (?, ?, ?, ?, ?, ?)",
            (group.channel, group.chat, standing, legible(name), self.now(), legible(by)),
        )
        forget_requests(tx, group.channel, kind="group", who=group.chat)

    def note_owner(self, tx: Transaction, sender: Sender, *, at: Address) -> None:
        """Keep where an owner can be asked: where they last wrote, alone with the agent."""
        where = codec.dump(at)
        sql = "SELECT 1 FROM owner_chats WHERE channel = ? AND sender = ? AND address = ?"
        if tx.execute(sql, (sender.channel, sender.id, where)).fetchone() is None:
            tx.execute(
                "INSERT OR REPLACE INTO owner_chats VALUES (?, ?, ?, ?)",
                (sender.channel, sender.id, where, self.now()),
            )

    async def find_owner(self) -> None:
        """Look up where an owner was last heard from."""

        def look(tx: Transaction) -> Address | None:
            rows = tx.execute("SELECT channel, sender, address FROM owner_chats ORDER BY at DESC")
            for channel, id, where in rows.fetchall():
                if self.standing(tx, Sender(channel, id)) is Standing.OWNER:
                    return attempt(codec.load, where, Address).value
            return None

        self.owner_at = await self.database.read(look)

    async def block(self, channel: str, sender: str, *, by: str) -> dict[str, Any]:
        """Let nothing of somebody in any more; what is under way for them ends."""
        who, reason = _sender(channel, sender), "its sender was blocked"

        def work(tx: Transaction) -> list[CancelledTurn]:
            self.put(tx, who, standing=Standing.BLOCKED, name=_name_of(tx, who), by=by)
            return leaving.drop(tx, who, reason=reason, now=self.now())

        await self.end_turns(await self._change(work), reason)
        return {"channel": channel, "sender": sender, "standing": "blocked"}

    async def revoke(self, channel: str, sender: str) -> dict[str, Any]:
        """Take somebody off the record: they are a stranger again, or blocked no longer.

        What is under way for them ends if they may do less now.

        Raises:
            UnknownPerson: They are not on it.
        """
        who = _sender(channel, sender)

        def work(tx: Transaction) -> tuple[Standing | None, _Dropped] | None:
            before = self.standing(tx, who)
            sql = "DELETE FROM people WHERE channel = ? AND sender = ?"
            if tx.execute(sql, (channel, sender)).rowcount == 0:
                return None
            tx.execute("DELETE FROM owner_chats WHERE channel = ? AND sender = ?", who_of(who))
            return self.standing(tx, who), self._drop_lowered(tx, who, before=before)

        done = await self._change(work)
        if done is None:
            raise UnknownPerson(self._not_on_record(who))
        left, dropped = done
        await self.end_turns(*dropped)
        return {"channel": channel, "sender": sender, "standing": left and left.value}

    async def go_by(self, settings: PeopleSettings) -> None:
        """Count others as on record; what is under way for those who may do less now ends.

        They count at once; what could not be ended is when the settings are read again, or at the
        next start. What they were is on record, as settings change while no agent runs, too.
        """
        before, self.settings = self.settings, settings

        def work(tx: Transaction) -> list[_Dropped]:
            old = people_noted.read(tx) or before
            gone = people_noted.left_out(old, settings)
            stood = [(who, self._standing_by(tx, who, settings=old)) for who in gone]
            people_noted.write(tx, settings)
            return [self._drop_lowered(tx, who, before=rank) for who, rank in stood]

        async with self._one_by_one:
            if await self.database.read(people_noted.read) != people_noted.part(settings):
                for dropped in await self._change(work):
                    await self.end_turns(*dropped)
            await self.find_owner()

    async def set_group(self, channel: str, chat: str, *, allowed: bool, by: str) -> dict[str, Any]:
        """Allow a group or forbid it, whether it has asked or not."""
        group = Address(channel, _sender(channel, chat).id)
        await self._change(
            lambda tx: self.put_group(
                tx, group, allowed=allowed, name=_group_name(tx, group), by=by
            )
        )
        return {
            "channel": channel,
            "chat": chat,
            "standing": "allowed" if allowed else "forbidden",
        }

    async def channels(self) -> set[str]:
        """Return the channels on which anybody or anything is known, running or not."""
        rows = await self.database.read(lambda tx: tx.execute(_CHANNELS).fetchall())
        settings = self.settings
        named = (settings.owners, settings.allow, settings.groups.allow)
        return {*(row[0] for row in rows), *(channel for some in named for channel in some)}

    async def everybody(self) -> dict[str, list[dict[str, Any]]]:
        """Return the people and groups that are known, on record and from the settings."""
        people, groups = await self.database.read(
            lambda tx: (
                [_shown(row, "sender") for row in tx.execute(_PEOPLE).fetchall()],
                [_shown(row, "chat") for row in tx.execute(_GROUPS).fetchall()],
            )
        )
        people += _of_settings(self.settings.owners, "owner", key="sender")
        people += _of_settings(self.settings.allow, "paired", key="sender")
        groups += _of_settings(self.settings.groups.allow, "allowed", key="chat")
        return {"people": people, "groups": groups}

    async def _change(self, work: Callable[[Transaction], T]) -> T:
        done = await self.database.write(work, durable=True)
        await self.find_owner()
        return done

    def _drop_lowered(self, tx: Transaction, who: Sender, *, before: Standing | None) -> _Dropped:
        """Drop what is under way for somebody who may do less than before."""
        left = self.standing(tx, who)
        reason = _LEFT if left is None else _LOWERED
        if _RANK[left] >= _RANK[before]:
            return [], reason
        return leaving.drop(tx, who, reason=reason, now=self.now()), reason

    def _not_on_record(self, sender: Sender) -> str:
        for name in ("owners", "allow"):
            if sender.id in getattr(self.settings, name).get(sender.channel, ()):
                where = f"people.{name}.{sender.channel}"
                return f"{sender.id} is named in the setting {where}; take them out there"
        return (
            f"nobody called {sender.id} on {sender.channel} is on record; see: argent pair people"
        )


def trust_of(standing: Standing) -> Trust:
    """Return how far somebody is trusted."""
    return _TRUST.get(standing, Trust.OUTSIDE)


def forget_requests(tx: Transaction, channel: str, *, kind: str, who: str) -> None:
    """Forget what somebody, or a group, had asked for."""
    sql = "DELETE FROM pairings WHERE channel = ? AND kind = ? AND who = ?"
    tx.execute(sql, (channel, kind, who))


def legible(name: str) -> str:
    """Return a name of people's own choosing so that it can be kept and shown: short, one line."""
    shown = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(shown.split())[:_LONGEST_NAME]


def who_of(sender: Sender) -> tuple[str, str]:
    """Return the two words that name a sender in every table."""
    return sender.channel, sender.id


def _sender(channel: str, id: str) -> Sender:
    if not (channel and id and len(channel + id) <= _LONGEST_ID and (channel + id).isprintable()):
        raise UnknownPerson("a channel and a name on it are needed, as: argent pair people")
    return Sender(channel, id)


def _name_of(tx: Transaction, sender: Sender) -> str:
    row = tx.execute(
        "SELECT name FROM people WHERE channel = ?1 AND sender = ?2 UNION ALL"
        " SELECT name FROM pairings WHERE channel = ?1 AND who = ?2 AND kind = 'person'",
        who_of(sender),
    ).fetchone()
    return row[0] if row else ""


def _group_name(tx: Transaction, group: Address) -> str:
    row = tx.execute(
        "SELECT name FROM group_chats WHERE channel = ? AND chat = ?", (group.channel, group.chat)
    ).fetchone()
    return row[0] if row else ""


def _shown(row: tuple[Any, ...], key: str) -> dict[str, Any]:
    channel, id, standing, name, since, by = row
    at = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
    known = {"channel": channel, key: id, "standing": standing, "name": name}
    return {**known, "since": at, "by": by}


def _of_settings(
    named: Mapping[str, tuple[str, ...]], standing: str, *, key: str
) -> list[dict[str, Any]]:
    unsaid: dict[str, Any] = {"name": "", "since": None, "by": "settings"}
    return [
        {"channel": channel, key: id, "standing": standing, **unsaid}
        for channel, ids in named.items()
        for id in ids
    ]


_PEOPLE = (
    "SELECT channel, sender, standing, name, since, let_in_by FROM people ORDER BY channel, since"
)
_GROUPS = (
    "SELECT channel, chat, standing, name, since, let_in_by FROM group_chats"
    " ORDER BY channel, since"
)
_CHANNELS = (
    "SELECT channel FROM people UNION SELECT channel FROM group_chats"
    " UNION SELECT channel FROM pairings UNION SELECT source FROM events"
)
