"""The gate against a model of it: nobody unknown reaches a turn, a code opens exactly one door."""

from __future__ import annotations

import itertools

from attrs import define, field
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from argent_core.config import PeopleSettings
from argent_core.inbound.gate import MOST_TOLD, Arrival, Gate
from argent_core.loop import turn_store
from argent_core.loop.turn_store import Ending
from argent_core.pairing import MOST_INVITATIONS, MOST_REQUESTS, NoSuchCode, Pairing, PairingShut
from argent_core.pairing_codes import CODE_SECONDS
from argent_core.people import People, Standing, UnknownPerson
from argent_hookspecs import Address, Event, Sender, Transaction, Trust

from .machine import JournalOnDisk, examples

SENDERS = st.sampled_from(["ada", "bob", "eve", "mallory"])
TRUST = {Standing.OWNER: Trust.OWNER, Standing.PAIRED: Trust.PAIRED}


@define
class Wrong:
    """What the model knows of wrong codes, of the owner or of one sender."""

    seconds: float
    times: list[float] = field(factory=list)
    shut_until: float = 0.0

    def count(self, now: float) -> None:
        self.times = [at for at in self.times if at > now - self.seconds] + [now]
        if len(self.times) >= 5:
            self.times, self.shut_until = [], now + self.seconds


@define
class Request:
    """What the model knows of a request."""

    code: str
    expires_at: float
    told: int = 0
    denied: bool = False


class GateMachine(JournalOnDisk):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count()
        self.standing: dict[str, Standing] = {}
        self.requests: dict[str, Request] = {}
        self.invitations: dict[str, tuple[Standing, float]] = {}
        self.codes: list[str] = ["AAAAAAAA"]
        self.opened: dict[str, str] = {}
        self.approving = Wrong(600.0)
        self.guessing: dict[str, Wrong] = {}
        self.arrivals: list[Arrival] = []
        self.allowed = False
        self.replies = 0

    # Machinery

    def open(self) -> None:
        super().open()
        self.people = People(self.journal.database, self.clock, PeopleSettings())
        self.pairing = Pairing(self.people)
        self.gate = Gate(
            self.journal, self.pairing, "ada", publish=lambda _: None, replied=lambda: None
        )

    def emit(self, arrival: Arrival) -> str | None:
        return self.do(self.gate.admit(arrival, also=lambda tx, event: None))

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = self.do(
            self.journal.database.read(lambda tx: tx.execute(sql).fetchall())
        )
        return found

    def arrive(self, sender: str, text: str, *, group: bool, addressed: bool) -> Arrival:
        chat = "group" if group else sender
        event = Event(
            conversation=chat,
            content=text,
            sender=sender,
            group=group,
            addressed=addressed,
            dedupe_key=f"{next(self.numbers)}",
            reply_to=Address("irc", chat),
        )
        arrival = Arrival(
            event=event, plugin="p", source="irc", cursor=event.dedupe_key, gated=True
        )
        self.arrivals.append(arrival)
        return arrival

    def turns(self) -> list[Event]:
        """Give each event that waits a turn; return them."""
        found = []
        while (lease := self.do(self.journal.claim())) is not None:
            now = self.now

            def begin(tx: Transaction) -> None:
                turn_store.begin(tx, lease, now=now)  # noqa: B023 - done before the next one

            self.do(self.journal.database.write(begin))
            self.do(turn_store.finish(self.journal, lease, ending=Ending(state="done")))
            found.append(lease.event)
        return found

    def forget_what_expired(self) -> None:
        self.requests = {w: r for w, r in self.requests.items() if r.expires_at > self.now}
        self.invitations = {c: i for c, i in self.invitations.items() if i[1] > self.now}

    def is_shut(self, sender: str) -> bool:
        return sender in self.guessing and self.guessing[sender].shut_until > self.now

    # What can happen

    @rule(sender=SENDERS, group=st.booleans(), addressed=st.booleans())
    def say(self, sender: str, group: bool, addressed: bool) -> None:
        addressed = addressed or not group
        self.emit(self.arrive(sender, "hello, agent", group=group, addressed=addressed))
        standing = self.standing.get(sender)
        let_in = standing in TRUST and addressed and (self.allowed or not group)
        expected = [(sender, TRUST[standing])] if let_in and standing else []
        assert [(event.sender, event.trust) for event in self.turns()] == expected
        if not let_in and standing is not Standing.BLOCKED and addressed:
            if not group:
                self.expect_code(sender, sender)
            elif not self.allowed:
                self.expect_code("group", sender)

    def expect_code(self, who: str, sender: str) -> None:
        """Expect that somebody is told a code, or that there is a reason why not."""
        self.forget_what_expired()
        if self.is_shut(sender):
            return
        if who not in self.requests:
            ((code, expires),) = self.rows(
                f"SELECT code, expires_at FROM pairings WHERE who = '{who}' AND state = 'open'"
            )
            assert code not in self.codes
            self.codes.append(str(code))
            self.requests[who] = Request(str(code), float(str(expires)))
        request = self.requests[who]
        knows = who != "group" or sender in self.standing
        if not request.denied and request.told < MOST_TOLD and knows:
            request.told += 1
            self.replies += 1

    @rule(sender=SENDERS, data=st.data())
    def send_a_code(self, sender: str, data: st.DataObject) -> None:
        code = data.draw(st.sampled_from(self.codes))
        self.forget_what_expired()
        standing, shut = self.standing.get(sender), self.is_shut(sender)
        self.emit(self.arrive(sender, code, group=False, addressed=True))
        turns = [(event.sender, event.trust) for event in self.turns()]
        if standing is Standing.OWNER:
            used_up = self.invitations.pop(code, None) is not None
            assert turns == ([] if used_up else [(sender, Trust.OWNER)])
            if used_up:
                self.opened[code] = sender
                self.replies += 1
        elif standing is Standing.BLOCKED:
            assert turns == []
        elif not shut and code in self.invitations:
            assert turns == []
            self.let_in(sender, code, self.invitations.pop(code)[0])
            self.replies += 1
        else:
            if not shut and self.invitations:
                self.guessing.setdefault(sender, Wrong(3600.0)).count(self.now)
            assert turns == ([(sender, Trust.PAIRED)] if standing else [])
            if standing is None:
                self.expect_code(sender, sender)

    @rule(standing=st.sampled_from(list(TRUST)))
    def invite(self, standing: Standing) -> None:
        self.forget_what_expired()
        if len(self.invitations) < MOST_INVITATIONS:
            made = self.do(self.pairing.invite(standing, channel="irc", by="test"))
            assert made["code"] not in self.codes
            self.codes.append(made["code"])
            self.invitations[made["code"]] = (standing, self.now + CODE_SECONDS)

    @rule(standing=st.sampled_from(list(TRUST)), data=st.data())
    def approve(self, standing: Standing, data: st.DataObject) -> None:
        code = data.draw(st.sampled_from(self.codes))
        self.forget_what_expired()
        holds = [w for w, r in self.requests.items() if r.code == code and not r.denied]
        is_shut = self.approving.shut_until > self.now
        try:
            done = self.do(self.pairing.approve(code.lower(), standing=standing, by="test"))
        except PairingShut:
            if not is_shut:
                assert not holds
                self.approving.count(self.now)
                assert self.approving.shut_until > self.now
        except NoSuchCode:
            assert not holds and not is_shut
            self.approving.count(self.now)
        else:
            assert not is_shut
            (who,) = holds
            assert done.get("sender", done.get("chat")) == who
            self.replies += 1 if self.requests[who].told else 0
            if who == "group":
                self.opened[code] = who
                self.allowed = True
                del self.requests[who]
            else:
                self.let_in(who, code, standing)

    def let_in(self, sender: str, code: str, standing: Standing) -> None:
        assert code not in self.opened
        self.opened[code] = sender
        self.standing[sender] = standing
        self.requests.pop(sender, None)

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def deny(self, data: st.DataObject) -> None:
        self.forget_what_expired()
        open_ones = [r for r in self.requests.values() if not r.denied]
        if open_ones:
            request = data.draw(st.sampled_from(open_ones))
            self.do(self.pairing.deny(request.code))
            request.denied = True

    @rule(sender=SENDERS)
    def block(self, sender: str) -> None:
        self.do(self.people.block("irc", sender, by="test"))
        self.standing[sender] = Standing.BLOCKED
        self.requests.pop(sender, None)

    @rule(sender=SENDERS)
    def revoke(self, sender: str) -> None:
        try:
            self.do(self.people.revoke("irc", sender))
        except UnknownPerson:
            assert sender not in self.standing
        else:
            del self.standing[sender]

    @rule()
    def forbid_the_group(self) -> None:
        self.do(self.people.set_group("irc", "group", allowed=False, by="test"))
        self.do(self.journal.database.write(_forget_groups))
        self.allowed = False
        self.requests.pop("group", None)

    @rule(seconds=st.sampled_from([1, 30, 150, 700, 3700]))
    def wait(self, seconds: float) -> None:
        self.clock.jump(seconds)

    @rule()
    def restart(self) -> None:
        self.reopen()

    @precondition(lambda self: self.arrivals)
    @rule(data=st.data())
    def bring_again(self, data: st.DataObject) -> None:
        arrival = data.draw(st.sampled_from(self.arrivals))
        assert self.emit(arrival) is None
        assert self.turns() == []

    # What always holds

    @invariant()
    def nobody_is_let_in_but_by_a_code(self) -> None:
        for sender in ("ada", "bob", "eve", "mallory"):
            found = self.do(self.people.trust(Sender("irc", sender)))
            known = self.standing.get(sender)
            assert found is (TRUST.get(known, Trust.OUTSIDE) if known else Trust.OUTSIDE)

    @invariant()
    def what_is_said_is_what_was_due(self) -> None:
        assert self.rows("SELECT COUNT(*) FROM outbox") == [(self.replies,)]
        assert len(self.requests) <= MOST_REQUESTS

    @invariant()
    def of_strangers_no_word_is_kept(self) -> None:
        sql = "SELECT COUNT(*) FROM events WHERE state = 'cancelled' AND body LIKE '%hello%'"
        assert self.rows(sql) == [(0,)]


def _forget_groups(tx: Transaction) -> None:
    tx.execute("DELETE FROM group_chats")


TestGate = GateMachine.TestCase
TestGate.settings = examples(40)
