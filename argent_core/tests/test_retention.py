"""What is older than its term leaves the journal; nothing else does."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from argent_core import config
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.retention import Trimmed
from argent_hookspecs import ConfigError, Event, ModelUnavailable, Permission, Tool, ToolCall
from argent_testing import Argent, MadePlugin

pytestmark = pytest.mark.anyio

DAY = 86400.0
LONG = "much " * 500


async def look_up() -> str:
    return LONG


async def days_pass(argent: Argent, kernel: Kernel, days: float) -> Trimmed:
    """Let time pass as it does for an agent that runs: it looks into its journal every few days."""
    kernel.retention.rest = 0.0
    gone = await kernel.retention.trim()
    while days > 0:
        argent.clock.jump(min(days, 5) * DAY)
        gone += await kernel.retention.trim()
        days -= 5
    return gone


async def rows(kernel: Kernel) -> dict[str, int]:
    """Count the rows of every table that turns leave."""
    tables = ("events", "turns", "blocks", "steps", "calls", "approvals", "outbox")

    def count(tx: Any) -> dict[str, int]:
        return {t: tx.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0] for t in tables}

    return await kernel.journal.database.read(count)


async def fresh_starts(kernel: Kernel) -> int:
    """Count the conversations that began anew."""
    sql = "SELECT COUNT(*) FROM fresh_starts"
    return await kernel.journal.database.read(lambda tx: int(tx.execute(sql).fetchone()[0]))


async def exchanges(kernel: Kernel) -> list[str]:
    return [one["asked"] for one in await kernel.agent.history("home", limit=1000)]


async def expire_letters(argent: Argent, kernel: Kernel, count: int, *, size: int) -> None:
    """Let events come that end at once, without a turn."""
    for _ in range(count):
        past = argent.clock.now() - timedelta(days=1)
        letter = Event(conversation="mail", content="x" * size, expires_at=past)
        await argent.channel.emit(letter)
    while len(await kernel.agent.events.list("cancelled", limit=count)) != count:
        await kernel.journal.database.read(lambda tx: None)


async def checkpointed(kernel: Kernel) -> None:
    """Bring what is in the log into the file."""
    await kernel.journal.database.read(lambda tx: tx.execute("PRAGMA wal_checkpoint").fetchall())


async def sent(kernel: Kernel, count: int) -> None:
    """Wait until so many replies are on record as sent."""

    async def all_sent() -> bool:
        return len(await kernel.agent.replies.list("sent", limit=1000)) >= count

    while not await all_sent():
        await kernel.journal.database.read(lambda tx: None)


class TestWhatGoes:
    async def test_a_turn_goes_with_all_that_it_left_but_what_was_said(
        self, argent: Argent
    ) -> None:
        tool = Tool(id="look_up", description="Look.", run=look_up, permission=Permission.ASK)
        script = [ToolCall("1", "look_up"), "It is much."]
        limit = {"tools": {"resultLimit": 300}}
        async with argent([MadePlugin("demo", tool)], model=script, config=limit) as kernel:
            await argent.channel.say("How much is it?")
            while not (asked := await kernel.agent.approvals()):
                await kernel.journal.database.read(lambda tx: None)
            await kernel.agent.answer(asked[0].id, allow=True, by="owner")
            assert (await argent.channel.next_reply()).text == "It is much."
            await sent(kernel, 1)
            (result,) = (argent.home.data / "results").iterdir()

            gone = await days_pass(argent, kernel, 95)

            assert gone == Trimmed(events=1, results=1)
            assert not result.exists()
            assert await rows(kernel) == {
                "events": 0,
                "turns": 1,
                "blocks": 0,
                "steps": 0,
                "calls": 0,
                "approvals": 0,
                "outbox": 0,
            }
            assert await exchanges(kernel) == ["How much is it?"]

    async def test_what_was_cancelled_or_died_goes_too(self, argent: Argent) -> None:
        refused = ModelUnavailable("no")
        loop = {"loop": {"maxAttempts": 1}}
        async with argent(model=[refused], config=loop) as kernel:
            await argent.channel.ask("Hello?")
            await sent(kernel, 1)

            assert (await days_pass(argent, kernel, 95)).events == 1
            assert (await rows(kernel))["events"] == 0

    @pytest.mark.parametrize("said", [0, 1], ids=["nothing was said", "something was said"])
    async def test_calls_that_tried_a_model_out(self, argent: Argent, said: int) -> None:
        async with argent(model=["yes"] * (said + 1)) as kernel:
            await kernel.control.run("models.test", {})

            await days_pass(argent, kernel, 50)
            if said:
                await argent.channel.ask("Hello?")
                await sent(kernel, 1)
            assert (await rows(kernel))["calls"] == 1 + said

            await days_pass(argent, kernel, 45)
            assert (await rows(kernel))["calls"] == said

    async def test_only_the_exchanges_that_the_context_reads_stay(self, argent: Argent) -> None:
        async with argent(model=[f"re {n}" for n in range(205)]) as kernel:
            for n in range(205):
                await argent.channel.ask(f"say {n}")
            await sent(kernel, 205)

            await days_pass(argent, kernel, 95)

            assert await exchanges(kernel) == [f"say {n}" for n in range(5, 205)]
            assert (await rows(kernel))["turns"] == 200

    async def test_where_a_conversation_began_anew_goes_with_what_was_said_before(
        self, argent: Argent
    ) -> None:
        async with argent(model=["yes", "yes", "yes"]) as kernel:
            for text in ("old", "/new", "later"):
                await argent.channel.ask(text)
            await sent(kernel, 3)
            assert await fresh_starts(kernel) == 1

            await days_pass(argent, kernel, 95)
            await argent.channel.ask("now")

            assert await exchanges(kernel) == ["later", "now"]
            assert await fresh_starts(kernel) == 0
            asked = [one.text for one in argent.model.requests[-1].messages]
            assert asked == ["later", "yes", "now"]

    async def test_one_that_said_nothing_since_begins_anew_all_the_same(
        self, argent: Argent
    ) -> None:
        async with argent(model=["yes", "yes", "yes"]) as kernel:
            for text in ("old", "/new"):
                await argent.channel.ask(text)
            await sent(kernel, 2)

            await days_pass(argent, kernel, 95)
            assert (await rows(kernel))["turns"] == await fresh_starts(kernel) == 0
            for text in ("now", "and now"):
                await argent.channel.ask(text)

            asked = [one.text for one in argent.model.requests[-1].messages]
            assert asked == ["now", "yes", "and now"]

    async def test_an_exchange_goes_when_newer_ones_have_taken_its_place(
        self, argent: Argent
    ) -> None:
        async with argent(model=["yes"] * 201) as kernel:
            await argent.channel.ask("first")
            await sent(kernel, 1)
            await days_pass(argent, kernel, 95)
            for n in range(200):
                await argent.channel.ask(f"say {n}")
            await sent(kernel, 200)

            await days_pass(argent, kernel, 95)

            assert await exchanges(kernel) == [f"say {n}" for n in range(200)]

    async def test_the_file_does_not_grow_from_term_to_term(self, argent: Argent) -> None:
        async with argent(model=["yes"] * 450) as kernel:
            sizes = []
            for count in (210, 120, 120):
                for n in range(count):
                    await argent.channel.ask(f"say {n}")
                await days_pass(argent, kernel, 95)
                sizes.append(argent.home.kernel_database.stat().st_size)

            assert sizes[2] <= sizes[1] * 1.2

    async def test_what_was_broken_off_is_gone_on_with(self, argent: Argent) -> None:
        async with argent(model=[]) as kernel:
            await expire_letters(argent, kernel, 120, size=10)
            await days_pass(argent, kernel, 85)
            argent.clock.jump(6 * DAY)
            kernel.retention.rest = 3600.0
            trimming = asyncio.create_task(kernel.retention.trim())
            while (await rows(kernel))["events"] == 120:
                assert not trimming.done()
            trimming.cancel()
            await asyncio.wait({trimming})
            left = (await rows(kernel))["events"]
            assert 0 < left < 120

            assert (await days_pass(argent, kernel, 0)).events == left

    async def test_the_file_shrinks_when_most_of_it_is_free(self, argent: Argent) -> None:
        async with argent(model=[]) as kernel:
            await expire_letters(argent, kernel, 40, size=1_000_000)
            full = argent.home.kernel_database.stat().st_size

            await days_pass(argent, kernel, 95)
            await checkpointed(kernel)

            assert argent.home.kernel_database.stat().st_size < full * 0.6


class TestWhatStays:
    async def test_what_is_younger_than_the_term(self, argent: Argent) -> None:
        async with argent(model=["yes", "yes"]) as kernel:
            await argent.channel.ask("old")
            await days_pass(argent, kernel, 50)
            await argent.channel.ask("young")
            await sent(kernel, 2)

            gone = await days_pass(argent, kernel, 85)

            assert gone.events == 1
            assert (await rows(kernel))["events"] == 1

    async def test_what_is_open(self, argent: Argent) -> None:
        tool = Tool(id="look_up", description="Look.", run=look_up, permission=Permission.ASK)
        config = {"tools": {"approvalTimeout": "10000d"}}
        plugins, script = [MadePlugin("demo", tool)], [ToolCall("1", "look_up"), "It is much."]
        async with argent(plugins, model=script, config=config) as kernel:
            await argent.channel.say("How much?")
            while not (asked := await kernel.agent.approvals()):
                await kernel.journal.database.read(lambda tx: None)

            assert await days_pass(argent, kernel, 200) == Trimmed()
            await kernel.agent.answer(asked[0].id, allow=True, by="owner")

            assert (await argent.channel.next_reply()).text == "It is much."

    async def test_what_ended_a_short_time_ago(self, argent: Argent) -> None:
        refused = ModelUnavailable("no")
        async with argent(
            model=[refused, "at last"], config={"loop": {"maxAttempts": 1}}
        ) as kernel:
            event = await argent.channel.say("Hello?")
            await argent.channel.next_reply()
            await days_pass(argent, kernel, 88)
            assert event is not None
            await kernel.agent.events.retry(event)
            kernel.loop.wake()
            assert (await argent.channel.next_reply()).text == "at last"
            await sent(kernel, 2)

            assert await days_pass(argent, kernel, 60) == Trimmed()
            assert (await days_pass(argent, kernel, 40)).events == 1

    async def test_a_key_is_known_for_45_days(self, argent: Argent) -> None:
        async with argent(model=["yes", "yes"]) as kernel:
            await argent.channel.say("once", dedupe_key="1")
            await argent.channel.next_reply()
            await days_pass(argent, kernel, 44)
            assert await argent.channel.say("once", dedupe_key="1") is None

            await days_pass(argent, kernel, 5)

            assert await argent.channel.say("once", dedupe_key="1") is not None
            await argent.channel.next_reply()

    async def test_a_key_is_known_though_the_clock_is_far_ahead(self, argent: Argent) -> None:
        async with argent(model=["yes"]) as kernel:
            await argent.channel.say("once", dedupe_key="1")
            await argent.channel.next_reply()
            await kernel.retention.trim()
            argent.clock.jump(73 * 365 * DAY)
            await days_pass(argent, kernel, 40)

            assert await argent.channel.say("once", dedupe_key="1") is None

    async def test_a_message_whose_key_is_known(self, argent: Argent) -> None:
        async with argent(model=["yes"], config={"journal": {"retention": "45d"}}) as kernel:
            await argent.channel.say("once", dedupe_key="1")
            await argent.channel.next_reply()
            await days_pass(argent, kernel, 44)

            assert await argent.channel.say("once", dedupe_key="1") is None

    async def test_a_reply_that_is_under_way_keeps_its_turn(self, argent: Argent) -> None:
        async with argent(model=["yes"]) as kernel:
            argent.channel.hang()
            await argent.channel.say("Hello?")
            await argent.channel.tried(1)

            assert await days_pass(argent, kernel, 200) == Trimmed()


class TestTime:
    async def test_it_looks_by_itself(self, argent: Argent) -> None:
        async with argent(model=["yes"]) as kernel:
            await argent.channel.ask("Hello?")
            await sent(kernel, 1)
            await kernel.retention.trim()
            for _ in range(18):
                argent.clock.jump(5 * DAY)
                await kernel.retention.trim()
            argent.clock.jump(5 * DAY)

            await argent.clock.advance(61)

            while (await rows(kernel))["events"]:
                await kernel.journal.database.read(lambda tx: None)

    @pytest.mark.parametrize("years", [-56, 73])
    async def test_a_clock_that_is_set_wrong_makes_nothing_old(
        self, argent: Argent, years: int
    ) -> None:
        async with argent(model=["yes", "yes", "yes"]) as kernel:
            await argent.channel.ask("before")
            await days_pass(argent, kernel, 10)
            argent.clock.jump(years * 365 * DAY)
            await argent.channel.ask("meanwhile")
            gone = await days_pass(argent, kernel, 20)
            argent.clock.jump(-years * 365 * DAY)
            await argent.channel.ask("after")
            await sent(kernel, 3)
            gone += await days_pass(argent, kernel, 50)

            assert gone == Trimmed()
            assert (await days_pass(argent, kernel, 45)).events == 3

    async def test_age_is_counted_over_restarts(self, argent: Argent) -> None:
        async with argent(model=["yes"]) as kernel:
            await argent.channel.ask("Hello?")
            await sent(kernel, 1)
            await days_pass(argent, kernel, 60)
        async with argent.restart(model=[]) as kernel:
            gone = await days_pass(argent, kernel, 35)

        assert gone.events == 1


class TestSetting:
    def test_it_is_no_shorter_than_keys_are_kept(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        home.config_file.write_text('{"version": 1, "journal": {"retention": "44d"}}')

        with pytest.raises(ConfigError, match=r"journal\.retention.*at least 45d.*44d"):
            config.load(home)

    async def test_it_can_be_changed_while_the_kernel_runs(self, argent: Argent) -> None:
        async with argent(model=[]) as kernel:
            argent.home.config_file.write_text('{"version": 1, "journal": {"retention": "1000d"}}')
            await kernel.reload()

            assert kernel.retention.term == timedelta(days=1000)
