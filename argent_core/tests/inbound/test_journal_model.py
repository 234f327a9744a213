"""The journal against a model of it that fits on a page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import define
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from argent_core.inbound.event_list import EventBusy, EventList
from argent_core.inbound.journal import Lease, LeaseLost, join
from argent_core.loop import turn_store
from argent_core.loop.turn_store import Ending
from argent_hookspecs import Event, Priority

from .machine import JournalOnDisk, examples

OPEN = ("ready", "leased", "waiting")


@define(eq=False)
class Known:
    """What the model knows of an event."""

    id: str
    seq: int
    conversation: str
    priority: Priority
    person: bool
    expires_at: float | None
    available_at: float
    state: str = "ready"
    attempts: int = 0
    turn: str | None = None

    @property
    def open(self) -> bool:
        return self.state in OPEN


class JournalMachine(JournalOnDisk):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Known] = []
        self.leases: list[Lease] = []
        self.stale: list[Lease] = []
        self.keys: set[str] = set()
        self.cursor: str | None = None

    # Machinery

    def open(self) -> None:
        super().open()
        self.list = EventList(self.journal)

    def lane(self, conversation: str) -> list[Known]:
        return [e for e in self.events if e.open and e.conversation == conversation]

    def head_to_claim(self, *, person_only: bool) -> Known | None:
        heads = []
        for conversation in {event.conversation for event in self.events}:
            lane = self.lane(conversation)
            if not lane or any(event.state != "ready" for event in lane):
                continue
            due = lane[0].attempts == 0 or lane[0].available_at <= self.now
            person = any(event.person for event in lane)
            if due and (person or not person_only):
                heads.append((min(e.priority for e in lane), lane[0].seq, lane[0]))
        return min(heads)[2] if heads else None

    def expect_claim(self, *, person_only: bool) -> Known | None:
        """Return the event that must be claimed; those past their time are cancelled."""
        while (head := self.head_to_claim(person_only=person_only)) is not None:
            expired = head.expires_at is not None and head.expires_at < self.now
            if head.turn is not None or not expired:
                return head
            head.state = "cancelled"
        return None

    def turn_of(self, lease: Lease) -> list[Known]:
        return [e for e in self.events if e.turn == lease.id and e.state == "leased"]

    def some_lease(self, data: st.DataObject) -> Lease:
        return self.leases.pop(data.draw(st.integers(0, len(self.leases) - 1)))

    # What can happen

    @rule(
        conversation=st.sampled_from("abc"),
        kind=st.sampled_from(["message", "task", "heartbeat", "other"]),
        priority=st.none() | st.sampled_from(Priority),
        key=st.none() | st.sampled_from("xyz"),
        cursor=st.none() | st.integers(0, 99).map(str),
        lasts=st.none() | st.integers(1, 400),
    )
    def append(
        self,
        conversation: str,
        kind: str,
        priority: Priority | None,
        key: str | None,
        cursor: str | None,
        lasts: int | None,
    ) -> None:
        expires = None if lasts is None else self.clock.now() + timedelta(seconds=lasts)
        event = Event(
            kind=kind,
            conversation=conversation,
            content=f"number {len(self.events)}",
            trust="owner" if kind == "message" else "outside",
            sender="ada" if kind == "message" else "",
            priority=priority,
            dedupe_key=key,
            expires_at=expires,
        )
        id = self.do(self.journal.append(event, source="s", plugin="p", cursor=cursor))

        self.cursor = cursor or self.cursor
        assert (id is None) == (key in self.keys)
        if id is not None:
            self.keys |= {key} if key else set()
            known = Known(
                id=id,
                seq=len(self.events),
                conversation=conversation,
                priority=event.effective_priority,
                person=event.from_person,
                expires_at=None if expires is None else expires.timestamp(),
                available_at=self.now,
            )
            self.events.append(known)

    @rule(person_only=st.booleans())
    def claim(self, person_only: bool) -> None:
        expected = self.expect_claim(person_only=person_only)
        lease = self.do(self.journal.claim(person_only=person_only))

        assert (lease.id if lease else None) == (expected.id if expected else None)
        if lease is None or expected is None:
            return
        expected.state, expected.turn = "leased", expected.id
        expected.attempts += 1
        for event in self.events:
            if event.turn == expected.id and event.state == "ready":
                event.state = "leased"
        assert lease.attempts == expected.attempts
        assert lease.event.text == f"number {expected.seq}"
        self.leases.append(lease)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def steer(self, data: st.DataObject) -> None:
        lease = self.leases[data.draw(st.integers(0, len(self.leases) - 1))]
        found = self.do(self.journal.steering(lease))

        head = next(event for event in self.events if event.id == lease.id)
        expected = []
        for event in self.lane(head.conversation):
            if event.seq <= head.seq or event.turn == head.id:
                continue
            if not (event.person and head.person):
                break
            expected.append(event)
        assert [event.text for _, event in found] == [f"number {e.seq}" for e in expected]
        seqs = [seq for seq, _ in found]
        now = self.now
        self.do(self.journal.database.write(lambda tx: join(tx, lease, seqs=seqs, now=now)))
        for event in expected:
            event.state, event.turn = "leased", head.id

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), state=st.sampled_from(["done", "dead", "cancelled"]))
    def finish(self, data: st.DataObject, state: str) -> None:
        lease = self.some_lease(data)
        self.do(turn_store.finish(self.journal, lease, ending=Ending(state=state)))

        for event in self.turn_of(lease):
            event.state = state
        self.stale.append(lease)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), seconds=st.sampled_from([0, 5, 300, 86400]), counted=st.booleans())
    def postpone(self, data: st.DataObject, seconds: int, counted: bool) -> None:
        lease = self.some_lease(data)
        seconds = seconds if counted else 0
        self.do(self.journal.postpone(lease, seconds=seconds, counted=counted))

        for event in self.turn_of(lease):
            event.state = "ready"
            event.available_at = self.now + min(seconds, 3600)
            event.attempts = max(0, event.attempts - (not counted))
        self.stale.append(lease)

    @precondition(lambda self: self.stale)
    @rule(data=st.data(), how=st.sampled_from(["finish", "postpone"]))
    def a_lease_that_is_over_changes_nothing(self, data: st.DataObject, how: str) -> None:
        lease = data.draw(st.sampled_from(self.stale))
        with pytest.raises(LeaseLost):
            if how == "finish":
                self.do(turn_store.finish(self.journal, lease, ending=Ending(state="done")))
            else:
                self.do(self.journal.postpone(lease))

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.events))
        if event.state not in ("ready", "waiting", "dead"):
            with pytest.raises(EventBusy):
                self.do(self.list.drop(event.id))
            return
        self.do(self.list.drop(event.id))
        event.state = "cancelled"
        if event.turn == event.id:
            for other in self.events:
                if other.turn == event.id and other is not event and other.open:
                    other.state, other.turn, other.attempts = "ready", None, 0

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.events))
        if event.state not in ("dead", "cancelled"):
            with pytest.raises(EventBusy):
                self.do(self.list.retry(event.id))
            return
        self.do(self.list.retry(event.id))
        event.state, event.attempts, event.expires_at = "ready", 0, None

    @rule(seconds=st.sampled_from([1, 10, 301, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.jump(seconds)

    @rule()
    def restart(self) -> None:
        self.reopen()
        held = sum(event.state == "leased" for event in self.events)

        assert self.do(self.journal.recover()) == held
        for event in self.events:
            if event.state == "leased":
                event.state = "ready"
        self.stale += self.leases
        self.leases.clear()

    # What always holds

    @invariant()
    def nothing_is_lost_or_invented(self) -> None:
        rows = self.do(self.list.list(limit=10_000))
        assert [(row["id"], row["state"]) for row in reversed(rows)] == [
            (event.id, event.state) for event in self.events
        ]

    @invariant()
    def conversations_are_dealt_with_one_at_a_time(self) -> None:
        held = [lease.event.conversation for lease in self.leases]
        assert len(held) == len(set(held))

    @invariant()
    def the_cursor_is_the_one_last_given(self) -> None:
        assert self.do(self.journal.cursor("s")) == self.cursor

    @invariant()
    def the_ready_ones_are_counted(self) -> None:
        ready = sum(event.state == "ready" for event in self.events)
        assert self.do(self.journal.ready("p")) == ready


TestJournalMachine: Any = JournalMachine.TestCase
TestJournalMachine.settings = examples(30)
