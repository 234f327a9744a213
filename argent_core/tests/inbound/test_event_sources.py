from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import pytest
from attrs import evolve

from argent_core.kernel import Kernel
from argent_hookspecs import Event, EventRefused, EventSource, Feed, PluginError
from argent_testing import Argent, eventually, hang

from ..demo import Demo
from ..guarding import deaf

pytestmark = pytest.mark.anyio

EVENT = Event(kind="note", conversation="home", content="hello")


class Source:
    """An event source that a test moves: each time that it listens it does the next deed."""

    def __init__(self, *deeds: Callable[[Feed], Awaitable[Any]]) -> None:
        self.deeds = list(deeds)
        self.feeds: list[Feed] = []

    async def listen(self, feed: Feed) -> None:
        self.feeds.append(feed)
        if self.deeds:
            await self.deeds.pop(0)(feed)
        else:
            await hang()

    async def listening(self, times: int = 1) -> Feed:
        """Wait until it listens for the given time."""
        await eventually(lambda: len(self.feeds) >= times, what=f"it listens {times} times")
        return self.feeds[times - 1]

    def plugin(self, name: str = "demo") -> Demo:
        return Demo(EventSource(id=f"{name}-source", open=lambda: nullcontext(self)), name=name)


async def ends(feed: Feed) -> None:
    return None


async def raises(feed: Feed) -> None:
    raise OSError("connection lost")


async def exits(feed: Feed) -> None:
    raise SystemExit(1)


async def limit(kernel: Kernel, pages: int) -> None:
    sql = f"PRAGMA max_page_count={pages}"
    await kernel.journal.database.write(lambda tx: tx.execute(sql).fetchone())


async def contents(kernel: Kernel) -> list[str]:
    rows = await kernel.agent.events.list()
    return [row["event"]["content"][0]["text"] for row in reversed(rows)]


def faults(kernel: Kernel, name: str = "demo") -> int:
    return kernel.host.plugins[name].faults


class TestListening:
    async def test_the_cursor_comes_back_after_a_restart(self, argent: Argent) -> None:
        source = Source()

        async with argent(plugins=[source.plugin()]):
            first = await source.listening()
            assert first.cursor is None
            await first.emit(EVENT, cursor="17")
            await first.emit(EVENT)
            assert first.cursor == "17"

        async with argent.restart():
            assert (await source.listening(2)).cursor == "17"

    async def test_each_source_has_its_own(self, argent: Argent) -> None:
        one, other = Source(), Source()

        async with argent(plugins=[one.plugin("one"), other.plugin("other")]):
            await (await one.listening()).emit(EVENT, cursor="1")
            await (await other.listening()).emit(EVENT, cursor="2")
        async with argent.restart():
            assert (await one.listening(2)).cursor == "1"
            assert (await other.listening(2)).cursor == "2"

    async def test_those_that_stop_are_named_and_started_again(self, argent: Argent) -> None:
        words = {
            "one": (
                raises,
                "its event source one-source failed (OSError: connection lost); it starts again",
            ),
            "two": (ends, "its event source two-source ended by itself; it starts again in "),
            "three": (
                exits,
                "its event source three-source failed (SystemExit: 1); it starts again",
            ),
        }
        sources = {name: Source(deed) for name, (deed, _) in words.items()}
        plugins = [source.plugin(name) for name, source in sources.items()]

        async with argent(plugins=plugins, allow_faults=True) as kernel:
            for name, source in sources.items():
                feed = await source.listening(2)
                plugin = kernel.host.plugins[name]
                assert plugin.reason.startswith(words[name][1])
                assert plugin.state == "degraded"
                assert await feed.emit(EVENT) is not None
                assert (plugin.state, plugin.reason) == ("running", "")

    async def test_what_fails_the_same_way_again_is_said_once(
        self, argent: Argent, caplog: pytest.LogCaptureFixture
    ) -> None:
        source = Source(raises, raises, ends)

        async with argent(plugins=[source.plugin()], allow_faults=True) as kernel:
            await source.listening(4)
            assert faults(kernel) == 3

        said = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
        words = ("connection lost", "ended by itself")
        assert [sum(why in line for line in said) for why in words] == [1, 1]

    async def test_one_that_listens_again_is_well_though_nothing_comes(
        self, argent: Argent
    ) -> None:
        source = Source(raises)

        async with argent(plugins=[source.plugin()], allow_faults=True) as kernel:
            await source.listening(2)

            async def state() -> str:
                (plugin,) = (p for p in kernel.agent.plugins() if p["name"] == "demo")
                return f"{plugin['state']} {plugin['reason']}"

            assert (await state()).startswith("degraded its event source demo-source failed")
            async with asyncio.timeout(30):
                while await state() != "running ":  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    async def test_it_is_not_started_again_at_once(self, argent: Argent) -> None:
        loop = asyncio.get_running_loop()
        times: list[float] = []

        async def note_and_raise(feed: Feed) -> None:
            times.append(loop.time())
            raise OSError

        source = Source(note_and_raise, note_and_raise, note_and_raise)
        async with argent(plugins=[source.plugin()], allow_faults=True):
            await source.listening(3)

        assert times[1] - times[0] >= 0.5
        assert times[2] - times[1] >= 1.0

    async def test_what_it_had_stored_before_it_fell_is_where_it_goes_on(
        self, argent: Argent
    ) -> None:
        async def store_and_raise(feed: Feed) -> None:
            await feed.emit(EVENT, cursor="5")
            raise OSError

        source = Source(store_and_raise)
        async with argent(plugins=[source.plugin()], allow_faults=True):
            assert (await source.listening(2)).cursor == "5"

    async def test_neighbours_go_on_listening(self, argent: Argent) -> None:
        bad, good = Source(raises), Source()

        async with argent(plugins=[bad.plugin("bad"), good.plugin("good")], allow_faults=True):
            await bad.listening(2)
            assert await good.feeds[0].emit(EVENT) is not None
            assert len(good.feeds) == 1

    async def test_a_plugin_that_is_switched_off_listens_no_more(self, argent: Argent) -> None:
        source = Source()

        async with argent(plugins=[source.plugin()]) as kernel:
            await source.listening()
            await kernel.host.disable("demo")
            assert kernel.guard.tasks.running_tasks("demo") == 0
            await kernel.host.enable("demo")
            await source.listening(2)

    async def test_one_that_does_not_let_go_is_left_behind_and_named(self, argent: Argent) -> None:
        async def cling(feed: Feed) -> None:
            await deaf()

        source = Source(cling)
        async with argent(plugins=[source.plugin()], allow_faults=True) as kernel:
            await source.listening()
            await kernel.host.disable("demo")
            assert faults(kernel) > 0
            await eventually(
                lambda: kernel.guard.tasks.running_tasks("demo") == 0, what="it lets go after all"
            )


class TestRefusedEvents:
    async def test_a_refused_event_can_be_emitted_again(self, argent: Argent) -> None:
        source = Source()

        async with argent(plugins=[source.plugin()]) as kernel:
            feed = await source.listening()
            await limit(kernel, 1)
            big = evolve(EVENT, content="x" * 500_000)
            with pytest.raises(EventRefused):
                await feed.emit(big, cursor="1")
            assert feed.cursor is None

            await limit(kernel, 100_000)
            await argent.clock.advance(31)
            assert await feed.emit(big, cursor="1") is not None
            assert await feed.emit(EVENT, cursor="2") is not None
            assert feed.cursor == "2"
            assert faults(kernel) == 0

    async def test_no_later_cursor_passes_over_an_event_that_was_not_stored(
        self, argent: Argent
    ) -> None:
        source = Source()

        async with argent(plugins=[source.plugin()]) as kernel:
            feed = await source.listening()
            await feed.emit(evolve(EVENT, content="one"), cursor="1")
            await limit(kernel, 1)
            with pytest.raises(EventRefused):
                await feed.emit(evolve(EVENT, content="x" * 500_000), cursor="2")
            await limit(kernel, 100_000)
            await argent.clock.advance(31)

            with pytest.raises(EventRefused, match="it starts again"):
                await feed.emit(evolve(EVENT, content="three"), cursor="3")

            again = await source.listening(2)
            assert again.cursor == "1"
            await again.emit(evolve(EVENT, content="two"), cursor="2")
            await again.emit(evolve(EVENT, content="three"), cursor="3")
            assert await contents(kernel) == ["one", "two", "three"]
            assert faults(kernel) == 0

    async def test_no_cursor_passes_over_the_first_of_several_that_were_not_stored(
        self, argent: Argent
    ) -> None:
        source = Source()
        first, second = (evolve(EVENT, content=letter * 500_000) for letter in "ab")

        async with argent(plugins=[source.plugin()]) as kernel:
            feed = await source.listening()
            await limit(kernel, 1)
            for event in (first, second):
                with pytest.raises(EventRefused):
                    await feed.emit(event)
            await limit(kernel, 100_000)
            await argent.clock.advance(31)
            assert await feed.emit(second) is not None

            with pytest.raises(EventRefused, match="it starts again"):
                await feed.emit(EVENT, cursor="3")

    async def test_a_source_without_cursors_goes_on(self, argent: Argent) -> None:
        rubbish: Any = "not an event"
        source = Source()

        async with argent(plugins=[source.plugin()], allow_faults=True):
            feed = await source.listening()
            with pytest.raises(PluginError):
                await feed.emit(rubbish)

            assert await feed.emit(EVENT) is not None
            assert len(source.feeds) == 1

    async def test_one_that_lets_the_refusal_through_is_not_blamed(self, argent: Argent) -> None:
        async def big(feed: Feed) -> None:
            await full.wait()
            await feed.emit(evolve(EVENT, content="x" * 500_000), cursor="1")

        full = asyncio.Event()
        source = Source(big)
        async with argent(plugins=[source.plugin()]) as kernel:
            await source.listening()
            await limit(kernel, 1)
            full.set()
            assert (await source.listening(2)).cursor is None
            assert faults(kernel) == 0
            await limit(kernel, 100_000)

    async def test_an_emission_that_is_cancelled_is_either_stored_or_not(
        self, argent: Argent
    ) -> None:
        source = Source()

        async with argent(plugins=[source.plugin()]) as kernel:
            feed = await source.listening()
            task = asyncio.ensure_future(feed.emit(EVENT, cursor="1"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

            stored = await kernel.journal.cursor("demo-source")
            assert stored in (None, "1")
            assert len(await kernel.agent.events.list()) == (stored == "1")

    async def test_events_emitted_at_once_are_stored_in_order(self, argent: Argent) -> None:
        source = Source()

        async with argent(plugins=[source.plugin()]) as kernel:
            feed = await source.listening()
            await asyncio.gather(
                *(feed.emit(evolve(EVENT, content=f"{n}"), cursor=f"{n}") for n in range(30))
            )

            assert feed.cursor == "29"
            assert await contents(kernel) == [f"{n}" for n in range(30)]


async def test_a_database_that_fails_for_a_moment_ends_no_source(
    argent: Argent, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(raises)

    async with argent(plugins=[source.plugin()], allow_faults=True) as kernel:
        await source.listening()
        rename = "ALTER TABLE cursors RENAME TO away"
        await kernel.journal.database.write(lambda tx: tx.execute(rename).rowcount)
        await eventually(lambda: "keeps its events" in caplog.text, what="the next try fails")
        rename = "ALTER TABLE away RENAME TO cursors"
        await kernel.journal.database.write(lambda tx: tx.execute(rename).rowcount)

        await source.listening(2)
