from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from argent_core.database import open_database
from argent_core.inbound.event_list import EventList
from argent_core.inbound.journal import Journal, Lease, LeaseLost
from argent_core.loop import turn_store
from argent_core.loop.turn_store import Ending
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Address, Event, Priority, Text, Transaction
from argent_testing import FakeClock

pytestmark = pytest.mark.anyio


async def put(journal: Journal, text: str, conversation: str = "home", **facts: Any) -> str | None:
    event = Event(conversation=conversation, content=text, **facts)
    return await journal.append(event, source="s", plugin="p")


async def claimed(journal: Journal, **options: Any) -> Lease:
    lease = await journal.claim(**options)
    assert lease is not None
    return lease


async def finish(journal: Journal, lease: Lease, state: str = "done") -> None:
    await turn_store.finish(journal, lease, ending=Ending(state=state))


async def order(journal: Journal) -> list[str]:
    """Deal with everything that is due, one after another; return the texts."""
    texts = []
    while (lease := await journal.claim()) is not None:
        texts.append(lease.event.text)
        await finish(journal, lease)
    return texts


class TestEvents:
    async def test_what_was_stored_comes_back_as_it_was(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        event = Event(
            kind="calendar",
            conversation="Zoë's ☕",
            content=(Text("one"), Text("zwei\n\x00 \N{GRINNING FACE}")),
            sender="ada",
            trust="paired",
            priority=Priority.LOW,
            dedupe_key="k",
            reply_to=Address("c", "d", "e"),
            occurred_at=clock.now(),
            expires_at=clock.now() + timedelta(hours=1),
            data={"nested": {"list": [1, 2.5, None, True, "x"]}},
        )
        await journal.append(event, source="s", plugin="p")

        assert (await claimed(journal)).event == event

    async def test_an_event_that_cannot_be_read_is_dead_and_holds_up_nobody(
        self, journal: Journal
    ) -> None:
        broken = await put(journal, "broken")
        await put(journal, "behind it")
        await journal.database.write(
            lambda tx: tx.execute("UPDATE events SET body = '[]' WHERE id = ?", (broken,))
        )

        assert await order(journal) == ["behind it"]
        (dead,) = await EventList(journal).list("dead")
        assert dead["id"] == broken
        assert "cannot be read" in dead["reason"]


class TestOrder:
    async def test_the_highest_priority_first_and_the_oldest_within(self, journal: Journal) -> None:
        for n, priority in enumerate([3, 1, 2, 1, 0, 4]):
            await put(journal, f"{priority}-{n}", f"c{n}", priority=Priority(priority))

        assert await order(journal) == ["0-4", "1-1", "1-3", "2-2", "3-0", "4-5"]

    async def test_an_urgent_event_takes_those_before_it_in_its_conversation_along(
        self, journal: Journal
    ) -> None:
        await put(journal, "normal", "other")
        await put(journal, "first", "home", priority=Priority.BACKGROUND)
        await put(journal, "urgent", "home", priority=Priority.URGENT)

        assert await order(journal) == ["first", "urgent", "normal"]

    async def test_conversations_run_beside_each_other(self, journal: Journal) -> None:
        for text, conversation in (("a1", "a"), ("a2", "a"), ("b1", "b")):
            await put(journal, text, conversation)

        first, second = await claimed(journal), await claimed(journal)

        assert [first.event.text, second.event.text] == ["a1", "b1"]
        assert await journal.claim() is None
        await finish(journal, first)
        assert (await claimed(journal)).event.text == "a2"

    async def test_a_retried_event_waits_for_the_turn_under_way(self, journal: Journal) -> None:
        failed = await put(journal, "failed")
        await put(journal, "later")
        await finish(journal, await claimed(journal), "dead")
        running = await claimed(journal)

        await EventList(journal).retry(str(failed))

        assert await journal.claim() is None
        await finish(journal, running)
        assert (await claimed(journal)).id == failed

    async def test_the_place_of_a_person_is_kept_for_a_person(self, journal: Journal) -> None:
        await put(journal, "work", "a", priority=Priority.URGENT)
        assert await journal.claim(person_only=True) is None

        await put(journal, "hello", "b", trust="owner", priority=Priority.LOW)
        assert (await claimed(journal, person_only=True)).event.text == "hello"

    async def test_a_person_behind_other_work_may_use_it_too(self, journal: Journal) -> None:
        await put(journal, "work", "a", kind="task")
        await put(journal, "hello", "a", trust="owner")

        assert (await claimed(journal, person_only=True)).event.text == "work"


class TestAgeing:
    async def wait(self, journal: Journal, clock: FakeClock, *, minutes: int) -> None:
        for _ in range(minutes):
            clock.jump(60)
            await journal.age()

    async def test_what_waits_long_overtakes_what_comes(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        await put(journal, "background", "old", priority=Priority.BACKGROUND)
        await self.wait(journal, clock, minutes=35)
        for n in range(3):
            await put(journal, f"high {n}", f"new{n}", priority=Priority.HIGH)

        assert (await order(journal))[0] == "background"

    async def test_nothing_rises_above_the_urgent(self, journal: Journal, clock: FakeClock) -> None:
        await put(journal, "urgent", "first", priority=Priority.URGENT)
        await put(journal, "background", "second", priority=Priority.BACKGROUND)

        await self.wait(journal, clock, minutes=600)

        assert await order(journal) == ["urgent", "background"]

    async def test_what_is_served_is_young_again(self, journal: Journal, clock: FakeClock) -> None:
        await put(journal, "old 1", "old", priority=Priority.BACKGROUND)
        await put(journal, "old 2", "old", priority=Priority.BACKGROUND)
        await self.wait(journal, clock, minutes=45)
        await put(journal, "high", "new", priority=Priority.HIGH)

        assert await order(journal) == ["old 1", "high", "old 2"]

    async def test_nothing_starves_under_a_steady_stream(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        await put(journal, "humble", "humble", priority=Priority.BACKGROUND)
        served = []
        for n in range(60):
            await put(journal, "busy", f"c{n}", priority=Priority.HIGH)
            await self.wait(journal, clock, minutes=1)
            lease = await claimed(journal)
            served.append(lease.event.text)
            await finish(journal, lease)

        assert "humble" in served


class TestClock:
    async def test_set_back_it_delays_no_event_that_waits(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        await put(journal, "one")
        await put(journal, "two")
        clock.jump(-1800)

        assert await order(journal) == ["one", "two"]

    async def test_set_back_far_it_delays_no_event_that_is_tried_again(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        await put(journal, "one")
        await journal.postpone(await claimed(journal), seconds=60)
        clock.jump(-86400 * 365)

        assert await order(journal) == ["one"]

    async def test_set_back_it_does_not_stop_ageing(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        await put(journal, "background", "old", priority=Priority.BACKGROUND)
        clock.jump(-86400)
        for _ in range(31):
            clock.jump(61)
            await journal.age()
        await put(journal, "high", "new", priority=Priority.HIGH)

        assert (await order(journal))[0] == "background"

    async def test_however_long_a_wait_is_asked_for_it_is_an_hour_at_most(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        await put(journal, "one")
        await journal.postpone(await claimed(journal), seconds=86400)

        assert await journal.claim() is None
        assert await journal.database.read(journal.next_due) == 3600
        clock.jump(3600)
        assert await order(journal) == ["one"]


class TestPostponing:
    async def test_it_is_claimed_again_when_it_is_due(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        await put(journal, "one")
        await journal.postpone(await claimed(journal), seconds=10, reason="busy")

        assert await journal.claim() is None
        assert await journal.database.read(journal.next_due) == 10
        clock.jump(10)
        assert (await claimed(journal)).attempts == 2

    async def test_those_behind_it_wait_and_others_do_not(self, journal: Journal) -> None:
        for text, conversation in (("a1", "a"), ("a2", "a"), ("b1", "b")):
            await put(journal, text, conversation)
        await journal.postpone(await claimed(journal), seconds=10)

        assert await order(journal) == ["b1"]

    async def test_an_attempt_that_does_not_count_is_not_counted(self, journal: Journal) -> None:
        await put(journal, "one")
        for _ in range(5):
            await journal.postpone(await claimed(journal), counted=False)

        assert (await claimed(journal)).attempts == 1


class TestExpiry:
    async def test_an_event_past_its_time_is_cancelled_and_says_why(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        await put(journal, "stale", expires_at=clock.now() + timedelta(minutes=1))
        await put(journal, "fresh")
        clock.jump(61)

        assert await order(journal) == ["fresh"]
        (cancelled,) = await EventList(journal).list("cancelled")
        assert cancelled["reason"] == "it expired"

    async def test_one_that_was_begun_in_time_is_seen_through(
        self, journal: Journal, clock: FakeClock
    ) -> None:
        await put(journal, "begun", expires_at=clock.now() + timedelta(minutes=1))
        await journal.postpone(await claimed(journal), counted=False)
        clock.jump(61)

        assert await order(journal) == ["begun"]


class TestDeduplication:
    async def test_the_same_key_is_taken_once(self, journal: Journal) -> None:
        assert await put(journal, "one", dedupe_key="k") is not None
        assert await put(journal, "two", dedupe_key="k") is None
        assert await order(journal) == ["one"]
        assert await put(journal, "three", dedupe_key="k") is None

    async def test_at_the_same_time_too(self, journal: Journal) -> None:
        ids = await asyncio.gather(*(put(journal, f"{n}", dedupe_key="k") for n in range(64)))

        assert sum(id is not None for id in ids) == 1

    async def test_plugins_do_not_share_keys(self, journal: Journal) -> None:
        event = Event(conversation="c", dedupe_key="k")

        ids = [await journal.append(event, source="s", plugin=plugin) for plugin in ("p", "q")]

        assert None not in ids

    async def test_the_cursor_moves_past_an_event_that_was_known(self, journal: Journal) -> None:
        event = Event(conversation="c", dedupe_key="k")
        await journal.append(event, source="s", plugin="p", cursor="1")
        await journal.append(event, source="s", plugin="p", cursor="2")

        assert await journal.cursor("s") == "2"
        assert await journal.cursor("other") is None


class TestRestart:
    @pytest.fixture
    async def next_run(self, tmp_path: Path, journal: Journal) -> AsyncIterator[Journal]:
        await journal.database.close()
        async with open_database(tmp_path / "kernel.db", MIGRATIONS) as database:
            yield Journal(database, journal.clock)

    @pytest.fixture
    async def held(self, journal: Journal) -> Lease:
        for text, conversation in (("a1", "a"), ("a2", "a"), ("b1", "b")):
            await put(journal, text, conversation)
        return await claimed(journal)

    async def test_what_was_held_is_ready_again_in_its_order(
        self, held: Lease, next_run: Journal
    ) -> None:
        assert await next_run.recover() == 1

        again = await claimed(next_run)
        assert (again.id, again.attempts) == (held.id, 2)
        await finish(next_run, again)
        assert await order(next_run) == ["a2", "b1"]

    async def test_a_lease_of_the_run_before_is_void(self, held: Lease, next_run: Journal) -> None:
        await next_run.recover()
        again = await claimed(next_run)

        with pytest.raises(LeaseLost):
            await finish(next_run, held)
        await finish(next_run, again)

    async def test_what_this_run_holds_is_left_alone(self, journal: Journal, held: Lease) -> None:
        assert await journal.recover() == 0
        await finish(journal, held)


class TestLeases:
    async def test_a_claim_that_is_cancelled_takes_all_or_nothing(self, journal: Journal) -> None:
        await put(journal, "one")
        task = asyncio.create_task(journal.claim())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        (event,) = await EventList(journal).list()
        assert event["state"] == "leased"
        successor = Journal(journal.database, journal.clock)
        assert await successor.recover() == 1
        assert (await claimed(successor)).id == event["id"]

    async def test_two_who_claim_at_once_get_different_events(self, journal: Journal) -> None:
        for n in range(20):
            await put(journal, f"{n}", f"c{n}")

        leases = await asyncio.gather(*(journal.claim() for _ in range(30)))

        ids = [lease.id for lease in leases if lease is not None]
        assert len(ids) == len(set(ids)) == 20

    async def test_what_failed_halfway_changed_nothing(self, journal: Journal) -> None:
        await put(journal, "one")
        lease = await claimed(journal)

        def broken(tx: Transaction) -> None:
            tx.execute("DELETE FROM events")
            raise LookupError

        with pytest.raises(LookupError):
            await journal.database.write(broken)

        await finish(journal, lease)
        assert (await EventList(journal).show(lease.id))["state"] == "done"
