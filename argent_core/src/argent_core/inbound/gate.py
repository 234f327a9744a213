"""The gate: who may reach the agent through a channel whose senders have to be let in.

It decides in the transaction that stores the event and the source's cursor, so that nothing is
decided, or answered, twice. Of an event that is not let in no word is kept.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, evolve, field, frozen

from argent_core.inbound import entry as entries
from argent_core.inbound.entry import NOT_LET_IN, Entry
from argent_core.inbound.journal import Journal
from argent_core.outbound import outbox
from argent_core.pairing import LET_IN, USED_UP, Pairing
from argent_core.pairing_codes import GUESSING, code_in
from argent_core.people import People, Standing, trust_of
from argent_hookspecs import (
    Address,
    Event,
    Notice,
    PairingAsked,
    PairingRequest,
    Reply,
    Sender,
    Transaction,
    Trust,
)

log = logging.getLogger("argent.gate")

MOST_TOLD = 2
"""How often somebody is told their code, as long as it holds."""

_STOP = re.compile(r"\s*/stop(?:@\w+)?\s*")
_CODE = """\
This is {agent}, a personal agent. It talks with people whom its owner has let in. Ask them to run:

`argent pair approve {code}`

The code holds for an hour."""
_GROUP_CODE = """\
This group is not allowed yet. The owner of {agent} can allow it:

`argent pair approve {code}`

The code holds for an hour."""
_STRANGER = f"{NOT_LET_IN}its sender is a stranger"
_FULL = f"{NOT_LET_IN}too many ask for that already"
_TO_OWNERS = (LET_IN[Standing.OWNER], USED_UP)

Also = Callable[[Transaction, Event], object]


@frozen(kw_only=True)
class Arrival:
    """An event at the door.

    Args:
        gated: Whether it came through a channel whose senders have to be let in.
    """

    event: Event
    plugin: str
    source: str
    cursor: str | None = None
    gated: bool = False

    @property
    def sender(self) -> Sender:
        """Who sent it."""
        return Sender(self.source, self.event.sender)


@frozen(kw_only=True)
class _Decision:
    """What becomes of an event.

    Args:
        trust: Whose word it is, if it is let in.
        state: How it ends, if it is not.
        reason: Why it is not.
        say: What is answered at once.
        asked: Who asks to be let in with it, for the first time.
    """

    trust: Trust | None = None
    state: str = "cancelled"
    reason: str = ""
    say: str = ""
    asked: PairingRequest | None = None


@define(eq=False, repr=False)
class Gate:
    """Decides who gets in.

    Args:
        agent: Name of the agent.
        publish: Tells observers.
        replied: Called when there is something new in the outbox.
    """

    journal: Journal
    pairing: Pairing
    agent: str
    publish: Callable[[Notice], None]
    replied: Callable[[], None]
    _full: set[tuple[str, bool]] = field(factory=set)

    @property
    def people(self) -> People:
        """Who is on record."""
        return self.pairing.people

    async def may_stop(self, arrival: Arrival) -> bool:
        """Tell whether an event is new, and of somebody who may stop an answer."""

        def look(tx: Transaction) -> bool:
            event = arrival.event
            if entries.is_known(tx, arrival.plugin, key=event.dedupe_key):
                return False
            if not arrival.gated:
                return event.from_person
            settled = self._settled(tx, arrival)
            return settled is not None and settled.trust in (Trust.OWNER, Trust.PAIRED)

        return await self.journal.database.read(look)

    async def admit(self, arrival: Arrival, *, also: Also, answer: str = "") -> str | None:
        """Store an event as what becomes of it, with the source's cursor, safe from power cuts.

        Args:
            also: Done in the same transaction if the event is let in.
            answer: What it is answered, if there is nothing else left to do.

        Returns:
            The event's id; None if its ``dedupe_key`` was seen before.
        """
        (id,) = await self.admit_all([arrival], also=also, answer=answer)
        return id

    async def admit_all(
        self, arrivals: Sequence[Arrival], *, also: Also, answer: str = ""
    ) -> list[str | None]:
        """Do for each what ``admit`` does, in their order, all in one transaction."""

        def work(tx: Transaction) -> list[tuple[str, _Decision] | None]:
            return [self._take(tx, arrival, also=also, answer=answer) for arrival in arrivals]

        taken = await self.journal.database.write(work, durable=True)
        for arrival, one in zip(arrivals, taken, strict=True):
            if one is not None:
                self._tell(arrival, one[1])
        return [one and one[0] for one in taken]

    def _take(
        self, tx: Transaction, arrival: Arrival, *, also: Also, answer: str
    ) -> tuple[str, _Decision] | None:
        """Store an event; return its id and what became of it, or None if it was known."""
        id, event = entries.new_id(), arrival.event
        entries.move_cursor(tx, arrival.source, cursor=arrival.cursor)
        if entries.is_known(tx, arrival.plugin, key=event.dedupe_key):
            return None
        decision = self._decide(tx, arrival, id)
        entry = self._entry(arrival, decision, id, done=bool(answer))
        entry.put(tx)
        if decision.trust is not None:
            also(tx, entry.event)
        where = self._owners_chat(arrival, decision)
        if where is not None:
            self.people.note_owner(tx, arrival.sender, at=where)
        say = decision.say or (answer if decision.trust is not None else "")
        if say and event.reply_to is not None:
            reply = Reply(
                key=f"{id}-0",
                to=event.reply_to,
                text=say,
                turn=id,
                conversation=event.conversation,
            )
            outbox.put(tx, reply, now=entry.now)
        return id, decision

    def _entry(self, arrival: Arrival, decision: _Decision, id: str, *, done: bool) -> Entry:
        """Return an event as it goes on record: without its words if it is not let in."""
        known = {"id": id, "source": arrival.source, "plugin": arrival.plugin}
        now = self.journal.now()
        if decision.trust is not None:
            event = evolve(arrival.event, trust=decision.trust)
            return Entry(**known, event=event, now=now, state="done" if done else "ready")
        nothing: dict[str, Any] = {"content": (), "data": {}, "reply_to": None}
        event = evolve(arrival.event, sender_name="", group_name="", **nothing)
        return Entry(**known, event=event, now=now, state=decision.state, reason=decision.reason)

    def _decide(self, tx: Transaction, arrival: Arrival, id: str) -> _Decision:
        event = arrival.event
        if not arrival.gated:
            return _Decision(trust=event.trust)
        is_alone = event.kind == "message" and not event.group and event.sender
        code = code_in(event.text) if is_alone else None
        redeemed = self._redeem(tx, arrival, code) if code is not None else None
        return redeemed or self._settled(tx, arrival) or self._ask(tx, arrival, id)

    def _settled(self, tx: Transaction, arrival: Arrival) -> _Decision | None:
        """Decide by what is on record; None where a stranger, or a group, is to be let in first."""
        event = arrival.event
        standing = self.people.standing(tx, arrival.sender) if event.sender else None
        if standing is Standing.BLOCKED:
            return _Decision(reason=f"{NOT_LET_IN}its sender is blocked")
        if event.group:
            return self._settled_in_group(tx, event, standing)
        if standing is not None:
            return _Decision(trust=trust_of(standing))
        if event.kind == "message":
            return None if event.sender else _Decision(reason=f"{NOT_LET_IN}it names no sender")
        # What a channel tells of itself is content from outside, as it was.
        return _Decision(reason=_STRANGER) if event.sender else _Decision(trust=Trust.OUTSIDE)

    def _settled_in_group(
        self, tx: Transaction, event: Event, standing: Standing | None
    ) -> _Decision | None:
        if not event.addressed or event.reply_to is None:
            return _Decision(reason=f"{NOT_LET_IN}it is not said to the agent")
        allowed = self.people.is_allowed(tx, event.reply_to)
        if allowed is None and event.kind == "message":
            return None
        if not allowed:
            return _Decision(reason=f"{NOT_LET_IN}its group is not allowed")
        if standing is not None:
            return _Decision(trust=trust_of(standing))
        if self.people.settings.groups.strangers == "answer":
            return _Decision(trust=Trust.OUTSIDE)
        return _Decision(reason=_STRANGER)

    def _redeem(self, tx: Transaction, arrival: Arrival, code: str) -> _Decision | None:
        """Take a code for an invitation, if it can be one."""
        sender, now = arrival.sender, self.people.now()
        known = self.people.standing(tx, sender)
        if known is Standing.BLOCKED:
            return None
        may_guess = known is Standing.OWNER  # who has nothing to win by it
        if not may_guess and GUESSING.shut_until(tx, _scope(sender), now=now) is not None:
            return None
        name = arrival.event.sender_name
        standing = self.pairing.redeem(tx, code, sender=sender, name=name)
        if standing is not None:
            say = USED_UP if may_guess else LET_IN[standing]
            return _Decision(state="done", say=say)
        if not may_guess and self.pairing.has_invitations(tx, sender.channel):
            GUESSING.count(tx, _scope(sender), now=now)
        return None

    def _ask(self, tx: Transaction, arrival: Arrival, id: str) -> _Decision:
        """Open a request of a stranger, or for a group, and tell the code to whoever may know."""
        event, sender = arrival.event, arrival.sender
        silent = _Decision(reason=_STRANGER)
        if event.reply_to is None:
            return silent
        if GUESSING.shut_until(tx, _scope(sender), now=self.people.now()) is not None:
            return _Decision(reason=f"{NOT_LET_IN}its sender guesses codes")
        kind, who = ("group", event.reply_to.chat) if event.group else ("person", sender.id)
        asked = self.pairing.find(tx, sender.channel, kind=kind, who=who)
        is_new = asked is None
        if asked is None:
            if self.pairing.is_full(tx, sender.channel, kind=kind):
                return _Decision(reason=_FULL)
            asked = self.pairing.open(tx, sender, event=event, id=id)
        request = asked.request if is_new else None
        may_know = not event.group or self.people.standing(tx, sender) is not None
        if asked.state != "open" or asked.told >= MOST_TOLD or not may_know:
            return evolve(silent, asked=request)
        self.pairing.note_told(tx, asked.request.code)
        words = _GROUP_CODE if event.group else _CODE
        say = words.format(agent=self.agent, code=asked.request.code)
        return evolve(silent, say=say, asked=request)

    def _owners_chat(self, arrival: Arrival, decision: _Decision) -> Address | None:
        """Return where it is an owner who writes and nobody reads along, or None."""
        is_owner = decision.trust is Trust.OWNER or decision.say in _TO_OWNERS
        alone = arrival.gated and not arrival.event.group
        return arrival.event.reply_to if is_owner and alone else None

    def _tell(self, arrival: Arrival, decision: _Decision) -> None:
        """Tell those whom it concerns what was decided, now that it holds."""
        self.people.owner_at = self._owners_chat(arrival, decision) or self.people.owner_at
        where = (arrival.source, arrival.event.group)
        if decision.asked is not None:
            self._full.discard(where)
            self.publish(PairingAsked(request=decision.asked))
        if decision.reason == _FULL and where not in self._full:
            self._full.add(where)
            what = "groups" if arrival.event.group else "people"
            log.warning(
                "as many %s ask to be let in on %s as may; others are told nothing until some of "
                "their codes expire. See: argent pair list",
                what,
                arrival.source,
            )
        self.replied()


def asks_to_stop(event: Event) -> bool:
    """Tell whether an event is the command to stop the answer, and nothing else."""
    text = event.text if event.kind == "message" else ""
    return len(text) < 100 and _STOP.fullmatch(text) is not None


def _scope(sender: Sender) -> str:
    return f"invitation\n{sender.channel}\n{sender.id}"
