from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from argent_core.database import open_database
from argent_core.outbound import outbox as rows
from argent_core.outbound.outbox import Outbox, OutboxRow
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Address, Receipt, Reply, StorageError
from argent_testing import FakeClock

pytestmark = pytest.mark.anyio

HOME, WORK = Address("chat", "home"), Address("chat", "work", "topic")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def outbox(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Outbox]:
    async with open_database(tmp_path / "kernel.db", MIGRATIONS) as database:
        yield Outbox(database, clock)


def reply(text: Any, to: Address = HOME, *, key: str | None = None) -> Reply:
    return Reply(key=key or f"key of {text}", to=to, text=text, turn="t", conversation="c")


async def put(outbox: Outbox, *replies: Reply, held: str = "") -> None:
    now = outbox.now()
    for one in replies:
        await outbox.database.write(partial(rows.put, reply=one, now=now, held=held))


async def due(outbox: Outbox, *channels: str) -> list[OutboxRow]:
    found, _ = await outbox.database.read(partial(outbox.due, channels=channels or ("chat",)))
    return found


async def begin(outbox: Outbox, row: OutboxRow) -> None:
    await outbox.database.write(partial(outbox.begin, row=row))


async def texts(outbox: Outbox, *channels: str) -> list[str]:
    return [row.reply.text for row in await due(outbox, *channels)]


async def next_due(outbox: Outbox) -> float | None:
    _, seconds = await outbox.database.read(partial(outbox.due, channels=("chat",)))
    return seconds


class TestStoring:
    async def test_a_reply_comes_out_as_it_went_in(self, outbox: Outbox) -> None:
        await put(outbox, reply("Zoë's **☕**\n", WORK))

        (row,) = await due(outbox)

        assert row.reply == reply("Zoë's **☕**\n", WORK)

    async def test_the_same_key_is_stored_once(self, outbox: Outbox) -> None:
        await put(outbox, reply("one", key="k"), reply("two", key="k"))

        assert await texts(outbox) == ["one"]

    async def test_what_cannot_be_stored_is_not_lost_in_silence(self, outbox: Outbox) -> None:
        with pytest.raises(StorageError, match="NOT NULL"):
            await put(outbox, reply(None))

    async def test_a_held_reply_is_never_due(self, outbox: Outbox) -> None:
        await put(outbox, reply("secret"), held="a filter said no")
        await put(outbox, reply("open"))

        assert await texts(outbox) == ["open"]
        assert (await outbox.count())["held"] == 1


class TestOrder:
    async def test_only_the_oldest_of_each_address_is_due(self, outbox: Outbox) -> None:
        await put(outbox, reply("a1"), reply("b1", WORK), reply("a2"), reply("b2", WORK))

        assert await texts(outbox) == ["a1", "b1"]

    async def test_the_next_is_due_when_the_one_before_is_settled(self, outbox: Outbox) -> None:
        await put(outbox, reply("a1"), reply("a2"))
        (first,) = await due(outbox)

        await begin(outbox, first)
        assert await texts(outbox) == []
        await outbox.sent(first, Receipt("r"))
        assert await texts(outbox) == ["a2"]

    @pytest.mark.parametrize("state", ["unknown", "dead", "expired"])
    async def test_one_that_failed_for_good_holds_up_nobody(
        self, outbox: Outbox, state: str
    ) -> None:
        await put(outbox, reply("a1"), reply("a2"))
        (first,) = await due(outbox)

        await outbox.settle(first, state, reason="it failed")

        assert await texts(outbox) == ["a2"]
        assert (await outbox.count())[state] == 1

    async def test_channels_that_do_not_run_are_left_out(self, outbox: Outbox) -> None:
        await put(outbox, reply("here"), reply("there", Address("other", "x")))

        assert await texts(outbox) == ["here"]
        assert await texts(outbox, "chat", "other") == ["here", "there"]
        assert await texts(outbox, "nobody") == []


class TestWaiting:
    async def delayed(self, outbox: Outbox, seconds: float) -> None:
        (row,) = await due(outbox)
        await begin(outbox, row)
        await outbox.settle(row, "pending", reason="slow down", after=seconds)

    async def test_one_that_is_delayed_is_due_again_in_time(
        self, outbox: Outbox, clock: FakeClock
    ) -> None:
        await put(outbox, reply("a1"), reply("a2"))
        await self.delayed(outbox, 60)

        assert await texts(outbox) == []
        assert await next_due(outbox) == 60
        clock.jump(60)
        (row,) = await due(outbox)
        assert (row.reply.text, row.attempts) == ("a1", 1)

    async def test_what_is_due_now_is_not_what_is_due_next(self, outbox: Outbox) -> None:
        await put(outbox, reply("a1"))

        assert await next_due(outbox) is None

    async def test_nobody_waits_for_longer_than_an_hour(
        self, outbox: Outbox, clock: FakeClock
    ) -> None:
        await put(outbox, reply("a1"))
        await self.delayed(outbox, 1e9)

        assert await next_due(outbox) == 3600

    async def test_a_clock_that_is_set_back_delays_nothing_new(
        self, outbox: Outbox, clock: FakeClock
    ) -> None:
        await put(outbox, reply("a1"))
        clock.jump(-600)

        assert await texts(outbox) == ["a1"]

    async def test_nor_for_long_what_was_tried(self, outbox: Outbox, clock: FakeClock) -> None:
        await put(outbox, reply("a1"))
        await self.delayed(outbox, 60)
        clock.jump(-86400)

        assert await texts(outbox) == ["a1"]

    async def test_an_address_that_is_heard_from_is_tried_at_once(self, outbox: Outbox) -> None:
        await put(outbox, reply("a1"))
        await self.delayed(outbox, 60)

        await outbox.hurry(WORK)
        assert await texts(outbox) == []
        await outbox.hurry(HOME)
        assert await texts(outbox) == ["a1"]


class TestRecovery:
    @pytest.mark.parametrize(("idempotent", "state"), [(True, "pending"), (False, "unknown")])
    async def test_what_was_being_sent_is_sent_again_only_where_that_does_no_harm(
        self, outbox: Outbox, idempotent: bool, state: str
    ) -> None:
        await put(outbox, reply("a1"), reply("a2"), reply("b1", WORK))
        (first, _) = await due(outbox)
        await begin(outbox, first)

        assert await outbox.recover({"chat": idempotent}) == [(first.reply, state)]

        oldest = "a1" if state == "pending" else "a2"
        assert sorted(await texts(outbox)) == [oldest, "b1"]

    async def test_a_second_time_there_is_nothing_to_do(self, outbox: Outbox) -> None:
        await put(outbox, reply("a1"))
        await begin(outbox, (await due(outbox))[0])

        await outbox.recover({"chat": False})

        assert await outbox.recover({"chat": False}) == []

    async def test_what_another_channel_was_sending_waits_until_that_is_up(
        self, outbox: Outbox
    ) -> None:
        await put(outbox, reply("a1"))
        await begin(outbox, (await due(outbox))[0])

        assert await outbox.recover({"letter": True}) == []

        assert (await outbox.count())["sending"] == 1


async def test_what_needs_attention_is_counted(outbox: Outbox) -> None:
    assert await outbox.count() == {"pending": 0, "unknown": 0}
    await put(outbox, reply("a1"), reply("a2"), reply("b1", WORK))
    first, second = await due(outbox)
    await outbox.sent(first, Receipt("r"))
    await outbox.settle(second, "unknown", reason="who knows")

    assert await outbox.count() == {"pending": 1, "unknown": 1}
