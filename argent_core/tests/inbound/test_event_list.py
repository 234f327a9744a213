from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from argent_core.inbound.event_list import EventBusy, EventList, EventNotFound
from argent_core.inbound.journal import Journal, Lease, join
from argent_core.loop import turn_store
from argent_core.loop.approvals import Approvals
from argent_core.loop.turn_store import Ending
from argent_hookspecs import Address, Event, ModelRejected, Reply, ToolCall
from argent_testing import Argent, FakeClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def events(journal: Journal) -> EventList:
    return EventList(journal)


async def put(journal: Journal, text: str = "hello", conversation: str = "home") -> str:
    event = Event(conversation=conversation, content=text, trust="owner", sender="ada")
    return str(await journal.append(event, source="s", plugin="p"))


async def claimed(journal: Journal) -> Lease:
    lease = await journal.claim()
    assert lease is not None
    return lease


async def begin(journal: Journal, lease: Lease) -> None:
    now = journal.now()
    await journal.database.write(lambda tx: turn_store.begin(tx, lease, now=now))


async def finish(journal: Journal, state: str, **facts: Any) -> str:
    lease = await claimed(journal)
    await begin(journal, lease)
    await turn_store.finish(journal, lease, ending=Ending(state=state, **facts))
    return lease.id


class TestListing:
    async def test_the_newest_come_first(self, journal: Journal, events: EventList) -> None:
        ids = [await put(journal, f"{n}") for n in range(5)]

        listed = await events.list(limit=3)

        assert [row["id"] for row in listed] == ids[:1:-1]

    async def test_of_one_state_only(self, journal: Journal, events: EventList) -> None:
        await put(journal, "a")
        await put(journal, "b", "other")
        dead = await finish(journal, "dead", reason="it broke")

        (row,) = await events.list("dead")

        assert (row["id"], row["reason"]) == (dead, "it broke")
        assert len(await events.list()) == 2

    async def test_an_event_is_shown_for_people(
        self, journal: Journal, events: EventList, clock: FakeClock
    ) -> None:
        shown = await events.show(await put(journal, "Guten Tag"))

        assert shown["state"] == "ready"
        assert shown["priority"] == "normal"
        assert shown["created_at"] == clock.now().isoformat(timespec="seconds")
        assert shown["event"]["content"][0]["text"] == "Guten Tag"

    async def test_an_id_may_be_cut_short(self, journal: Journal, events: EventList) -> None:
        id = await put(journal)

        assert (await events.show(id[:6]))["id"] == id

    @pytest.mark.parametrize("id", ["", "%", "nothing", "' OR 1=1 --"])
    async def test_an_id_of_nothing_is_said_to_be_so(
        self, journal: Journal, events: EventList, id: str
    ) -> None:
        await put(journal)

        with pytest.raises(EventNotFound, match="there is no event"):
            await events.show(id)

    async def test_an_id_that_is_cut_too_short_asks_for_more(
        self, journal: Journal, events: EventList
    ) -> None:
        ids = [await put(journal, f"{n}") for n in range(17)]
        initial = max("0123456789abcdef", key=lambda c: sum(id.startswith(c) for id in ids))

        with pytest.raises(EventNotFound, match="more than one"):
            await events.show(initial)

    async def test_what_needs_attention_is_counted(
        self, journal: Journal, events: EventList
    ) -> None:
        assert await events.count() == {"ready": 0, "leased": 0, "waiting": 0, "dead": 0}
        for n in range(4):
            await put(journal, "x", f"c{n}")
        await finish(journal, "dead")
        await finish(journal, "done")
        await claimed(journal)

        assert await events.count() == {"ready": 1, "leased": 1, "waiting": 0, "dead": 1}


class TestRetry:
    @pytest.mark.parametrize("state", ["dead", "cancelled"])
    async def test_it_is_tried_from_the_beginning(
        self, journal: Journal, events: EventList, state: str
    ) -> None:
        await put(journal)
        await journal.postpone(await claimed(journal))
        id = await finish(journal, state, reason="it broke")

        shown = await events.retry(id)

        assert (shown["state"], shown["reason"], shown["attempts"]) == ("ready", "", 0)
        lease = await claimed(journal)
        assert (lease.id, lease.attempts) == (id, 1)

    async def test_one_that_had_expired_gets_its_chance(
        self, journal: Journal, events: EventList, clock: FakeClock
    ) -> None:
        event = Event(conversation="c", expires_at=clock.now() + timedelta(seconds=1))
        id = await journal.append(event, source="s", plugin="p")
        clock.jump(5)
        assert await journal.claim() is None

        await events.retry(str(id))

        assert (await claimed(journal)).id == id

    @pytest.mark.parametrize("state", ["ready", "leased", "done"])
    async def test_only_what_is_over_and_failed(
        self, journal: Journal, events: EventList, state: str
    ) -> None:
        id = await put(journal)
        if state == "leased":
            await claimed(journal)
        if state == "done":
            await finish(journal, "done")

        with pytest.raises(EventBusy, match=f"is {state}; only one that is dead or cancelled"):
            await events.retry(id)

    async def test_the_apology_does_not_stand_in_the_way_of_the_answer(
        self, journal: Journal, events: EventList
    ) -> None:
        id = await put(journal)
        to = Address("c", "d")
        reply = Reply(key=f"{id}-0", to=to, text="Sorry", turn=id, conversation="home")
        await finish(journal, "dead", reply=reply)

        await events.retry(id)
        answer = Reply(key=f"{id}-0", to=to, text="Hello!", turn=id, conversation="home")
        await finish(journal, "done", reply=answer)

        rows = await journal.database.read(
            lambda tx: tx.execute("SELECT text FROM outbox ORDER BY seq").fetchall()
        )
        assert rows == [("Sorry",), ("Hello!",)]


class TestDrop:
    @pytest.mark.parametrize("state", ["ready", "dead"])
    async def test_it_is_given_up_and_stays_on_record(
        self, journal: Journal, events: EventList, state: str
    ) -> None:
        id = await put(journal)
        if state == "dead":
            await finish(journal, "dead")

        shown = await events.drop(id)

        assert (shown["state"], shown["reason"]) == ("cancelled", "dropped")
        assert await journal.claim() is None

    async def test_those_behind_it_go_on(self, journal: Journal, events: EventList) -> None:
        first, second = await put(journal, "one"), await put(journal, "two")

        await events.drop(first)

        assert (await claimed(journal)).id == second

    @pytest.mark.parametrize("state", ["leased", "done", "cancelled"])
    async def test_not_what_is_under_way_or_over(
        self, journal: Journal, events: EventList, state: str
    ) -> None:
        id = await put(journal)
        if state == "leased":
            await claimed(journal)
        else:
            await finish(journal, state)

        with pytest.raises(EventBusy):
            await events.drop(id)

    async def test_nobody_is_asked_any_more_for_one_that_waits(
        self, journal: Journal, events: EventList
    ) -> None:
        approvals = Approvals(journal, timedelta(hours=1))
        id = await put(journal)
        lease = await claimed(journal)
        await begin(journal, lease)
        await approvals.ask(lease, ToolCall("1", "shoot"))

        await events.drop(id)

        assert await approvals.open() == []
        state = await journal.database.read(
            lambda tx: tx.execute("SELECT state FROM turns WHERE id = ?", (id,)).fetchone()
        )
        assert state == ("cancelled",)

    async def test_what_had_steered_its_turn_is_dealt_with_by_itself(
        self, journal: Journal, events: EventList
    ) -> None:
        id, said = await put(journal, "do it"), await put(journal, "no, wait")
        lease = await claimed(journal)
        (found,) = await journal.steering(lease)
        now = journal.now()
        await journal.database.write(lambda tx: join(tx, lease, seqs=[found[0]], now=now))
        await Approvals(journal, timedelta(hours=1)).ask(lease, ToolCall("1", "shoot"))

        await events.drop(id)

        again = await claimed(journal)
        assert (again.id, again.event.text) == (said, "no, wait")


async def test_a_dead_letter_that_is_tried_again_is_answered_after_all(argent: Argent) -> None:
    async with argent(model=[ModelRejected("the key is wrong"), "Now I can."]) as kernel:
        id = await argent.channel.say("Are you there?")
        assert "the key is wrong" in (await argent.channel.next_reply()).text

        await kernel.control.run("events.retry", {"id": id})

        assert (await argent.channel.next_reply()).text == "Now I can."
