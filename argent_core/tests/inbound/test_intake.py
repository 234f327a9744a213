from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from argent_core.inbound.ballast import Ballast
from argent_core.inbound.event_list import EventList
from argent_core.inbound.intake import MOST_READY, Intake
from argent_core.inbound.journal import Journal
from argent_core.log import current_event
from argent_core.loop import turn_store
from argent_core.loop.approvals import Approvals
from argent_core.loop.turn_store import Ending
from argent_hookspecs import Address, DiskFull, Event, EventRefused, PluginError, ToolCall
from argent_testing import Argent, eventually

from ..guarding import Faults

pytestmark = pytest.mark.anyio

SIZE = 1 << 16
EVENT = Event(conversation="home", content="hello")


def emit(intake: Intake, event: Any = EVENT, *, plugin: str = "p") -> Awaitable[str | None]:
    return intake.emit(event, plugin=plugin, source="s")


async def limit(journal: Journal, pages: int) -> None:
    sql = f"PRAGMA max_page_count={pages}"
    while True:
        with suppress(DiskFull):  # what is written at the same time fails together
            await journal.database.write(lambda tx: tx.execute(sql).fetchone())
            return


async def fill(intake: Intake) -> None:
    """Emit until the disk is full."""
    await limit(intake.journal, 60)
    with pytest.raises(EventRefused, match="no room left on the disk"):
        for _ in range(100):
            await emit(intake, evolve(EVENT, content="x" * 20_000))


class TestEmitting:
    async def test_it_is_stored_and_the_loop_is_woken(
        self, intake: Intake, stored: list[int]
    ) -> None:
        id = await emit(intake)

        lease = await intake.journal.claim()
        assert lease is not None
        assert (lease.id, lease.event) == (id, EVENT)
        assert stored == [1]

    async def test_whoever_is_heard_from_may_have_replies_waiting(
        self, intake: Intake, heard: list[Address]
    ) -> None:
        await emit(intake, evolve(EVENT, reply_to=Address("c", "d")))

        assert heard == [Address("c", "d")]

    @pytest.mark.parametrize("rubbish", [None, "text", {"conversation": "home"}, Event])
    async def test_what_is_no_event_is_the_plugins_fault(
        self, intake: Intake, rubbish: Any
    ) -> None:
        with pytest.raises(PluginError, match="no Event"):
            await emit(intake, rubbish)

        assert await intake.journal.ready("p") == 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"content": ("not", "parts")},
            {"content": (7,)},
            {"data": None},
            {"data": {(1, 2): 3}},
            {"reply_to": "c/d"},
            {"expires_at": "tomorrow"},
            {"occurred_at": 12345},
        ],
    )
    async def test_an_event_that_could_not_be_read_again_is_not_taken(
        self, intake: Intake, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(PluginError, match="wrong type"):
            await emit(intake, evolve(EVENT, **wrong))

        assert await intake.journal.ready("p") == 0

    @pytest.mark.parametrize("field", ["kind", "conversation", "sender", "dedupe_key"])
    async def test_names_that_cannot_be_written_down_are_refused(
        self, intake: Intake, field: str
    ) -> None:
        with pytest.raises(PluginError):
            await emit(intake, evolve(EVENT, **{field: "\ud800"}))

    async def test_a_database_that_fails_is_a_reason_to_keep_the_event(
        self, intake: Intake, journal: Journal
    ) -> None:
        await journal.database.close()

        with pytest.raises(EventRefused, match="is closed"):
            await emit(intake)

    async def test_a_new_message_of_the_owner_answers_what_waits_with_no(
        self, intake: Intake
    ) -> None:
        await emit(intake)
        lease = await intake.journal.claim()
        assert lease is not None
        approvals = Approvals(intake.journal, timedelta(hours=1))
        await approvals.ask(lease, ToolCall("1", "shoot"))

        await emit(intake, evolve(EVENT, trust="paired", sender="guest"))
        assert len(await approvals.open()) == 1
        await emit(intake, evolve(EVENT, trust="owner", sender="ada"))

        assert await approvals.open() == []
        assert await intake.journal.ready("p") == 3


class TestFloods:
    @pytest.fixture
    async def flooded(self, intake: Intake) -> Intake:
        await asyncio.gather(
            *(emit(intake, evolve(EVENT, conversation=f"c{n % 9}")) for n in range(MOST_READY))
        )
        return intake

    @pytest.fixture
    async def held(
        self, flooded: Intake, faults: Faults
    ) -> AsyncIterator[list[asyncio.Task[str | None]]]:
        """More of the flood, so much that it is held back."""
        tasks = [asyncio.ensure_future(emit(flooded)) for _ in range(300)]
        await eventually(lambda: faults.of("p"), what="it is named")
        yield tasks
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def deal_with(self, intake: Intake, number: int) -> None:
        for _ in range(number):
            lease = await intake.journal.claim()
            assert lease is not None
            await turn_store.finish(intake.journal, lease, ending=Ending(state="done"))
        intake.drained()

    async def test_it_is_held_back_and_named(
        self, held: list[Any], intake: Intake, faults: Faults
    ) -> None:
        assert faults.of("p") == ["floods events: 1000 of them wait; its new ones are held back"]
        assert await intake.journal.ready("p") < MOST_READY + 200
        assert any(not task.done() for task in held)

    async def test_a_neighbour_does_not_notice(self, held: list[Any], intake: Intake) -> None:
        assert await emit(intake, plugin="q") is not None

    async def test_a_held_event_is_stored_once_there_is_room(
        self, held: list[Any], intake: Intake
    ) -> None:
        await self.deal_with(intake, 400)

        async with asyncio.timeout(10):
            ids = await asyncio.gather(*held)
        assert len(set(ids)) == 300
        assert await intake.journal.ready("p") == MOST_READY + 300 - 400

    async def test_it_notices_events_that_end_without_a_turn(
        self, held: list[Any], intake: Intake
    ) -> None:
        await intake.journal.database.write(
            lambda tx: tx.execute("UPDATE events SET state = 'cancelled'").rowcount
        )

        async with asyncio.timeout(10):
            await asyncio.gather(*held)

    async def test_within_a_turn_it_is_refused_at_once(
        self, held: list[Any], intake: Intake
    ) -> None:
        current_event.set("a turn")

        async with asyncio.timeout(5):
            with pytest.raises(EventRefused, match="1000 events of p wait already"):
                await emit(intake)

    async def test_those_who_give_up_waiting_are_in_nobodys_way(
        self, held: list[Any], intake: Intake
    ) -> None:
        for task in held:
            task.cancel()
        await asyncio.wait(held)

        await self.deal_with(intake, 400)

        async with asyncio.timeout(10):
            assert await emit(intake) is not None


class TestFullDisk:
    async def test_new_events_are_refused_with_what_to_do(self, intake: Intake) -> None:
        await fill(intake)
        intake.ballast = Ballast(intake.ballast.path, 1 << 60)

        with pytest.raises(EventRefused, match="Free some space"):
            await emit(intake)
        assert "no new events are taken" in intake.closed

    async def test_the_ballast_is_thrown_off(self, intake: Intake) -> None:
        assert intake.ballast.restore()

        await fill(intake)

        assert not intake.ballast.path.exists()

    async def test_what_was_taken_is_kept_and_goes_on(self, intake: Intake) -> None:
        await emit(intake, evolve(EVENT, conversation="before"))

        await fill(intake)

        await limit(intake.journal, 100_000)
        texts = [(await EventList(intake.journal).list(limit=1000))[-1]["conversation"]]
        assert texts == ["before"]

    async def test_it_opens_again_when_there_is_room(self, intake: Intake) -> None:
        await fill(intake)
        await limit(intake.journal, 100_000)

        intake.reopen_if_roomy()

        assert intake.closed == ""
        assert intake.ballast.path.stat().st_size == intake.ballast.size
        assert await emit(intake) is not None

    async def test_but_not_while_there_is_no_room_for_the_ballast(self, intake: Intake) -> None:
        await fill(intake)
        await limit(intake.journal, 100_000)
        intake.ballast = Ballast(intake.ballast.path, 1 << 60)

        intake.reopen_if_roomy()

        with pytest.raises(EventRefused):
            await emit(intake)

    async def test_the_whole_kernel_says_so_and_recovers_by_itself(self, argent: Argent) -> None:
        async with argent() as kernel:
            await limit(kernel.journal, 80)
            with pytest.raises(EventRefused):
                for n in range(100):
                    long = evolve(EVENT, conversation=f"c{n}", content="x" * 20_000)
                    await argent.channel.emit(long)
            assert "no room left" in (await kernel.agent.status())["refusing"]

            await limit(kernel.journal, 100_000)
            await argent.clock.advance(31)
            assert (await kernel.agent.status())["refusing"] == ""
            assert await argent.channel.emit(EVENT) is not None


class TestBallast:
    def test_it_takes_its_room_once(self, tmp_path: Path) -> None:
        ballast = Ballast(tmp_path / "ballast", SIZE)

        assert ballast.restore()
        assert ballast.restore()

        assert ballast.path.stat().st_size == SIZE
        assert ballast.path.stat().st_mode & 0o777 == 0o600

    def test_it_gives_its_room_back(self, tmp_path: Path) -> None:
        ballast = Ballast(tmp_path / "ballast", SIZE)
        ballast.restore()

        ballast.release()
        ballast.release()

        assert list(tmp_path.iterdir()) == []
