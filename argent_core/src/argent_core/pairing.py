"""Pairing: codes with which people and groups are let in, and limits to guessing them.

A *request* is opened by a stranger, who is told its code; an owner approves it. An *invitation* is
made by the owner; whoever sends its code to the agent is let in. Either holds for an hour and opens
one door.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import define, frozen

from argent_core import codec
from argent_core.guard import attempt
from argent_core.outbound import outbox
from argent_core.pairing_codes import APPROVING, CODE_SECONDS, new_code, normal
from argent_core.people import People, Standing, legible
from argent_hookspecs import Address, ArgentError, Event, PairingRequest, Reply, Sender, Transaction

MOST_REQUESTS = 10
"""Open requests of people, and of groups, on one channel."""
MOST_INVITATIONS = 10

_SLACK_SECONDS = 60.0


class PairingShut(ArgentError):
    """Report that no code is taken for a while, because too many were wrong."""


class NoSuchCode(ArgentError):
    """Report that nobody asks with a code."""


class TooManyInvitations(ArgentError):
    """Report that there are enough invitations already."""


@frozen(kw_only=True)
class Asked:
    """A request on record.

    Args:
        where: The conversation in which it came up.
        event: The event that opened it.
        told: How often its code was told.
    """

    request: PairingRequest
    state: str
    where: str
    event: str
    told: int


@define(eq=False, repr=False)
class Pairing:
    """The requests and invitations on record."""

    people: People

    def find(self, tx: Transaction, channel: str, *, kind: str, who: str) -> Asked | None:
        """Return what somebody or a group asks for, if that still holds."""
        sql = f"{_SELECT} WHERE channel = ? AND kind = ? AND who = ? AND {self._holds()}"
        row = tx.execute(sql, (channel, kind, who)).fetchone()
        return attempt(_asked, row).value if row else None

    def open(self, tx: Transaction, sender: Sender, *, event: Event, id: str) -> Asked:
        """Put a request on record, under a code of its own: of a sender, or for a group.

        Args:
            event: What opens it.
            id: The id of that.
        """
        assert event.reply_to is not None
        self._clear(tx)
        expires = self.people.now() + CODE_SECONDS
        request = PairingRequest(
            code=new_code(tx),
            sender=sender,
            name=legible(event.group_name if event.group else event.sender_name),
            to=event.reply_to,
            group=event.group,
            expires_at=datetime.fromtimestamp(expires, UTC),
        )
        tx.execute(
            "INSERT OR REPLACE INTO pairings (code, kind, who, channel, sender, name, address,"
            " conversation, event, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                request.code,
                *_key(request),
                sender.channel,
                sender.id,
                request.name,
                codec.dump(request.to),
                event.conversation,
                id,
                expires,
            ),
        )
        return Asked(request=request, state="open", where=event.conversation, event=id, told=0)

    def is_full(self, tx: Transaction, channel: str, *, kind: str) -> bool:
        """Tell whether as many ask on a channel as may."""
        sql = f"SELECT COUNT(*) FROM pairings WHERE channel = ? AND kind = ? AND {self._holds()}"
        return bool(tx.execute(sql, (channel, kind)).fetchone()[0] >= MOST_REQUESTS)

    def note_told(self, tx: Transaction, code: str) -> None:
        """Count that a code was told."""
        tx.execute("UPDATE pairings SET told = told + 1 WHERE code = ?", (code,))

    def redeem(self, tx: Transaction, code: str, *, sender: Sender, name: str) -> Standing | None:
        """Let somebody in with an invitation; return as what, or None if it is none.

        It is used up by an owner too, who stays one.
        """
        row = tx.execute(
            "DELETE FROM pairings WHERE code = ? AND kind = 'invitation'"
            f" AND channel IN (?, '') AND {self._holds()} RETURNING standing, sender",
            (code, sender.channel),
        ).fetchone()
        if row is None:
            return None
        standing = Standing(row[0])
        if self.people.standing(tx, sender) is Standing.OWNER:
            return Standing.OWNER
        self.people.put(tx, sender, standing=standing, name=name, by=f"invitation of {row[1]}")
        return standing

    def has_invitations(self, tx: Transaction, channel: str) -> bool:
        """Tell whether a code could be an invitation at all."""
        sql = f"SELECT 1 FROM pairings WHERE kind = 'invitation' AND {self._holds()}"
        return tx.execute(f"{sql} AND channel IN (?, '')", (channel,)).fetchone() is not None

    async def requests(self) -> list[PairingRequest]:
        """Return who asks to be let in, the first to expire first."""
        sql = f"{_SELECT} WHERE kind != 'invitation' AND state = 'open' AND {self._holds()}"
        rows = await self.people.database.read(
            lambda tx: tx.execute(f"{sql} ORDER BY expires_at").fetchall()
        )
        found = (attempt(_asked, row).value for row in rows)
        return [asked.request for asked in found if asked is not None]

    async def described(self) -> list[dict[str, Any]]:
        """Return the same in JSON values, and whether the channel of each has an owner yet."""
        asked = await self.requests()
        owned = await self.people.database.read(
            lambda tx: [self.people.has_owner(tx, request.sender.channel) for request in asked]
        )
        return [
            {
                **_described(request),
                "sender": request.sender.id,
                "expires_at": request.expires_at.isoformat(timespec="seconds"),
                "has_owner": has_owner,
            }
            for request, has_owner in zip(asked, owned, strict=True)
        ]

    async def approve(
        self, code: str, *, standing: Standing, by: str, typed: bool = True
    ) -> dict[str, Any]:
        """Let in whoever asks with a code; they are told so.

        Args:
            typed: Whether a person typed it, who may guess; what is chosen from a list cannot be
                a guess, is never counted and always taken.

        Raises:
            NoSuchCode: Nobody asks with it. One that was typed is counted.
            PairingShut: Too many were wrong; none is taken for ten minutes.
        """

        def work(tx: Transaction) -> dict[str, Any] | ArgentError:
            now = self.people.now()
            until = APPROVING.shut_until(tx, "approve", now=now) if typed else None
            if until is not None:
                return _shut(until)
            asked = self._open_one(tx, code)
            if asked is not None:
                return self._let_in(tx, asked, standing=standing, by=by)
            if typed and APPROVING.count(tx, "approve", now=now):
                return _shut(now + APPROVING.shut)
            return _nobody(code)

        done = await self.people.database.write(work, durable=True)
        if isinstance(done, ArgentError):
            raise done
        await self.people.find_owner()
        return done

    async def deny(self, code: str) -> dict[str, Any]:
        """Send away whoever asks with a code; they are told nothing until it expires.

        Raises:
            NoSuchCode: Nobody asks with it.
        """

        def work(tx: Transaction) -> dict[str, Any] | None:
            asked = self._open_one(tx, code)
            if asked is None:
                return None
            sql = "UPDATE pairings SET state = 'denied' WHERE code = ?"
            tx.execute(sql, (asked.request.code,))
            return {**_described(asked.request), "standing": "denied"}

        done = await self.people.database.write(work, durable=True)
        if done is None:
            raise _nobody(code)
        return done

    async def invite(self, standing: Standing, *, channel: str = "", by: str) -> dict[str, Any]:
        """Make an invitation.

        Args:
            standing: What it makes of whoever sends it.
            channel: The only one on which it holds; any, if empty.

        Raises:
            TooManyInvitations: Ten are open.
        """

        def work(tx: Transaction) -> tuple[str, float] | None:
            self._clear(tx)
            sql = "SELECT COUNT(*) FROM pairings WHERE kind = 'invitation'"
            if tx.execute(sql).fetchone()[0] >= MOST_INVITATIONS:
                return None
            code, expires = new_code(tx), self.people.now() + CODE_SECONDS
            tx.execute(
                "INSERT INTO pairings (code, kind, channel, who, standing, sender, expires_at)"
                " VALUES (?, 'invitation', ?, '', ?, ?, ?)",
                (code, channel, standing.value, legible(by), expires),
            )
            return code, expires

        made = await self.people.database.write(work, durable=True)
        if made is None:
            raise TooManyInvitations(
                f"{MOST_INVITATIONS} invitations are open already; each holds for an hour"
            )
        code, expires = made
        at = datetime.fromtimestamp(expires, UTC).isoformat(timespec="seconds")
        return {"code": code, "standing": standing.value, "channel": channel, "expires_at": at}

    def _let_in(
        self, tx: Transaction, asked: Asked, *, standing: Standing, by: str
    ) -> dict[str, Any]:
        request = asked.request
        if request.group:
            self.people.put_group(tx, request.to, allowed=True, name=request.name, by=by)
            words, became = GROUP_LET_IN, "allowed"
        else:
            person = request.sender
            self.people.put(tx, person, standing=standing, name=request.name, by=by)
            if standing is Standing.OWNER:
                self.people.note_owner(tx, person, at=request.to)
            words, became = LET_IN[standing], standing.value
        reply = Reply(
            key=f"{asked.event}-let-in",
            to=request.to,
            text=words,
            turn=asked.event,
            conversation=asked.where,
        )
        if asked.told:
            outbox.put(tx, reply, now=self.people.now())
        return {**_described(request), "standing": became}

    def _open_one(self, tx: Transaction, code: str) -> Asked | None:
        sql = (
            f"{_SELECT} WHERE code = ? AND kind != 'invitation' AND state = 'open'"
            f" AND {self._holds()}"
        )
        row = tx.execute(sql, (normal(code),)).fetchone()
        return _asked(row) if row else None

    def _clear(self, tx: Transaction) -> None:
        """Forget what holds no longer."""
        tx.execute(f"DELETE FROM pairings WHERE NOT ({self._holds()})")

    def _holds(self) -> str:
        """Return what is true of rows that hold, in SQL.

        One that holds for longer than it can comes from a clock that was set back.
        """
        now = self.people.now()
        return f"(expires_at > {now!r} AND expires_at <= {now + CODE_SECONDS + _SLACK_SECONDS!r})"


LET_IN = {
    Standing.OWNER: "You are let in, as the owner: what you say is the owner's word. /help lists"
    " what you can tell the agent itself.",
    Standing.PAIRED: "You are let in. Say what you like; /help lists what you can tell the agent"
    " itself.",
}
USED_UP = "You are an owner already, and stay one; this invitation is used up now."
GROUP_LET_IN = "This group is allowed now."


def _shut(until: float) -> PairingShut:
    at = datetime.fromtimestamp(until, UTC).astimezone().strftime("%H:%M")
    return PairingShut(
        f"{APPROVING.most} codes were wrong, so none is taken until {at}. Look at what waits with: "
        "argent pair list"
    )


def _nobody(code: str) -> NoSuchCode:
    return NoSuchCode(
        f"nobody asks with the code {legible(normal(code))!r}; codes hold for an hour. See: argent "
        "pair list"
    )


def _key(request: PairingRequest) -> tuple[str, str]:
    return ("group", request.to.chat) if request.group else ("person", request.sender.id)


def _described(request: PairingRequest) -> dict[str, Any]:
    _, who = _key(request)
    named = {"chat": who} if request.group else {"sender": who}
    known = {"channel": request.sender.channel, "name": request.name, "group": request.group}
    return {"code": request.code, **known, **named}


_SELECT = (
    "SELECT code, kind, state, channel, sender, name, address, conversation, event, told,"
    " expires_at FROM pairings"
)


def _asked(row: tuple[Any, ...]) -> Asked:
    code, kind, state, channel, sender, name, address, where, event, told, expires = row
    request = PairingRequest(
        code=code,
        sender=Sender(channel, sender),
        name=name,
        to=codec.load(address, Address),
        group=kind == "group",
        expires_at=datetime.fromtimestamp(expires, UTC),
    )
    return Asked(request=request, state=state, where=where, event=event, told=told)
