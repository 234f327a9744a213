from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from argent_core.database import Database, open_database
from argent_core.kernel import Kernel
from argent_core.outbound import outbox as rows
from argent_core.schema import MIGRATIONS
from argent_hookspecs import (
    Address,
    DeliveryDelayed,
    DeliveryRefused,
    Filter,
    Observer,
    OutputHandler,
    Receipt,
    Reject,
    Reply,
    ReplyChanged,
)
from argent_testing import Argent, MemoryChannel, eventually

from ..demo import Demo

pytestmark = pytest.mark.anyio


def reply(text: str, chat: str = "home", channel: str = "memory") -> Reply:
    to = Address(channel, chat)
    return Reply(key=f"key of {text}", to=to, text=text, turn="t", conversation=chat)


async def store(database: Database, *replies: Reply, at: float, held: str = "") -> None:
    def work(tx: Any) -> None:
        for one in replies:
            rows.put(tx, one, now=at, held=held)

    await database.write(work)


async def send(kernel: Kernel, *replies: Reply, age: float = 0, held: str = "") -> None:
    outbox = kernel.outbox
    await store(outbox.database, *replies, at=outbox.now() - age, held=held)
    kernel.output_handlers.wake()


async def run_sql(kernel: Kernel, sql: str) -> None:
    await kernel.outbox.database.write(lambda tx: tx.execute(sql).rowcount)


async def states(kernel: Kernel) -> dict[str, str]:
    sql = "SELECT text, state FROM outbox ORDER BY seq"
    return dict(await kernel.outbox.database.read(lambda tx: tx.execute(sql).fetchall()))


class Watcher:
    """Notes what becomes of replies."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def notify(self, notice: Any) -> None:
        self.seen.append((notice.key.removeprefix("key of "), notice.state))

    @property
    def plugin(self) -> Demo:
        observer = Observer(id="watcher", notify=self.notify, kinds=(ReplyChanged,))
        return Demo(observer, name="watcher")

    async def until(self, *seen: tuple[str, str]) -> None:
        await eventually(lambda: set(seen) <= set(self.seen), what=f"{seen} in {self.seen}")


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


class Printer:
    """A way out that does what a test wants of it."""

    def __init__(self, deliver: Callable[[Reply], Any], **facts: Any) -> None:
        self.deliver = deliver
        handler = OutputHandler(id="printer", open=lambda: nullcontext(self), **facts)
        self.plugin = Demo(handler, name="printer")


class Mute:
    """What an error says that cannot say it."""

    def __str__(self) -> str:
        raise RuntimeError("mute")


def throw(error: Exception) -> Receipt:
    raise error


class TestOrder:
    async def test_replies_to_one_address_leave_one_after_another(self, argent: Argent) -> None:
        sent: list[str] = []

        async def deliver(one: Reply) -> Receipt:
            sent.append(f"{one.text} begins")
            await asyncio.sleep(0.001)
            sent.append(f"{one.text} ends")
            return Receipt(one.text)

        async with argent(plugins=[Printer(deliver).plugin]) as kernel:
            await send(kernel, *(reply(f"{n}", channel="printer") for n in range(10)))
            await eventually(lambda: len(sent) == 20, what="all are sent")

        assert sent == [f"{n} {what}" for n in range(10) for what in ("begins", "ends")]

    async def test_an_address_that_hangs_holds_up_no_other(self, argent: Argent) -> None:
        argent.channel = MemoryChannel(timeout=0.2)
        argent.channel.hang()

        async with argent() as kernel:
            await send(kernel, reply("stuck", "away"), reply("behind", "away"))
            await argent.channel.tried(1)
            await send(kernel, reply("fine", "home"))
            assert (await argent.channel.next_reply()).text == "fine"
            assert (await argent.channel.next_reply()).text == "behind"

    async def test_a_channel_that_hangs_holds_up_no_other(self, argent: Argent) -> None:
        release = asyncio.Event()

        async def deliver(one: Reply) -> Receipt:
            await release.wait()
            return Receipt("r")

        async with argent(plugins=[Printer(deliver).plugin]) as kernel:
            await send(kernel, *(reply(f"stuck {n}", f"{n}", "printer") for n in range(40)))
            await send(kernel, reply("fine"))

            assert (await argent.channel.next_reply()).text == "fine"
            release.set()


class TestOutcomes:
    async def test_a_delivery_is_recorded_with_its_receipt(
        self, argent: Argent, watcher: Watcher
    ) -> None:
        async with argent(plugins=[watcher.plugin]) as kernel:
            await send(kernel, reply("hello"))
            await watcher.until(("hello", "sent"))
            row = await kernel.outbox.database.read(
                lambda tx: tx.execute("SELECT state, receipt, attempts FROM outbox").fetchone()
            )

        assert row == ("sent", "memory-1", 1)

    async def test_one_that_is_refused_is_dead_and_the_next_goes(
        self, argent: Argent, watcher: Watcher
    ) -> None:
        argent.channel.refuse("blocked by the person")

        async with argent(plugins=[watcher.plugin]) as kernel:
            await send(kernel, reply("one"), reply("two"))
            await watcher.until(("one", "dead"), ("two", "sent"))
            assert await states(kernel) == {"one": "dead", "two": "sent"}

    @pytest.mark.parametrize("sent", [True, False])
    async def test_one_whose_outcome_is_not_known_is_not_sent_again(
        self, argent: Argent, watcher: Watcher, sent: bool
    ) -> None:
        argent.channel.fail(ConnectionResetError("in the middle"), sent=sent)

        async with argent(plugins=[watcher.plugin], allow_faults=True) as kernel:
            await send(kernel, reply("one"), reply("two"))
            await watcher.until(("one", "unknown"), ("two", "sent"))

        assert [one.text for one in argent.channel.tries] == ["one", "two"]

    async def test_an_idempotent_channel_gets_it_again_with_the_same_key(
        self, argent: Argent, watcher: Watcher
    ) -> None:
        argent.channel = MemoryChannel(idempotent=True)
        argent.channel.fail(ConnectionResetError("in the middle"), sent=True)

        async with argent(plugins=[watcher.plugin], allow_faults=True) as kernel:
            await send(kernel, reply("one"))
            await watcher.until(("one", "pending"))
            await argent.clock.advance(3)
            await watcher.until(("one", "sent"))

        assert [one.key for one in argent.channel.tries] == ["key of one"] * 2
        assert [one.text for one in argent.channel.replies] == ["one"]

    @pytest.mark.parametrize(
        ("deed", "state", "why"),
        [
            (lambda: Receipt(["m1", "m2"]), "unknown", "must be <class 'str'>"),  # type: ignore[arg-type]
            (lambda: Receipt("m\ud800"), "sent", ""),
            (lambda: throw(DeliveryRefused("no \ud800")), "dead", "no ?"),
            (lambda: throw(DeliveryRefused(Mute())), "unknown", "cannot be shown"),
        ],
    )
    async def test_nothing_that_a_channel_says_blocks_its_address(
        self,
        argent: Argent,
        watcher: Watcher,
        deed: Callable[[], Receipt],
        state: str,
        why: str,
    ) -> None:
        async def deliver(one: Reply) -> Receipt:
            return deed() if one.text == "one" else Receipt("r")

        plugins = [watcher.plugin, Printer(deliver).plugin]
        async with argent(plugins=plugins, allow_faults=True) as kernel:
            await send(kernel, *(reply(text, channel="printer") for text in ("one", "two")))
            await watcher.until(("one", state), ("two", "sent"))
            reasons = await kernel.outbox.database.read(
                lambda tx: tx.execute("SELECT reason FROM outbox ORDER BY seq").fetchall()
            )

        assert why in reasons[0][0]

    @pytest.mark.parametrize("answer", [None, "sent!", True, Receipt])
    async def test_an_answer_that_is_no_receipt_proves_nothing(
        self, argent: Argent, watcher: Watcher, answer: object
    ) -> None:
        async def deliver(one: Reply) -> Any:
            return answer

        plugins = [watcher.plugin, Printer(deliver).plugin]
        async with argent(plugins=plugins, allow_faults=True) as kernel:
            await send(kernel, reply("one", channel="printer"))
            await watcher.until(("one", "unknown"))
            assert kernel.host.plugins["printer"].faults == 1

    async def test_one_that_is_too_old_expires_untried(
        self, argent: Argent, watcher: Watcher
    ) -> None:
        days = 86400.0
        async with argent(plugins=[watcher.plugin]) as kernel:
            await send(kernel, reply("old"), age=7.1 * days)
            await send(kernel, reply("young"), age=6.9 * days)
            await watcher.until(("old", "expired"), ("young", "sent"))

        assert [one.text for one in argent.channel.tries] == ["young"]

    async def test_one_that_is_held_back_stays(self, argent: Argent, watcher: Watcher) -> None:
        async with argent(plugins=[watcher.plugin]) as kernel:
            await send(kernel, reply("secret"), held="a filter said no")
            await send(kernel, reply("open"))
            await watcher.until(("open", "sent"))
            assert await states(kernel) == {"secret": "held", "open": "sent"}


class TestDelays:
    async def test_one_that_is_delayed_is_tried_again_in_time_and_the_rest_waits(
        self, argent: Argent, watcher: Watcher
    ) -> None:
        argent.channel.delay(600)

        async with argent(plugins=[watcher.plugin]) as kernel:
            await send(kernel, reply("one"), reply("two"), reply("other", "away"))
            await watcher.until(("one", "pending"), ("other", "sent"))
            await argent.clock.advance(590)
            assert len(argent.channel.tries) == 2
            await argent.clock.advance(11)
            await watcher.until(("one", "sent"), ("two", "sent"))

        assert [one.text for one in argent.channel.replies] == ["other", "one", "two"]

    @pytest.mark.parametrize("wait", ["30", -5, 0, float("nan"), float("inf"), 1e12])
    async def test_a_delay_that_makes_no_sense_neither_spins_nor_lasts(
        self, argent: Argent, watcher: Watcher, wait: Any
    ) -> None:
        argent.channel.fail(DeliveryDelayed("slow down", retry_after=wait))

        async with argent(plugins=[watcher.plugin]) as kernel:
            await send(kernel, reply("one"))
            await watcher.until(("one", "pending"))
            assert len(argent.channel.tries) == 1
            await argent.clock.advance(3601)
            await watcher.until(("one", "sent"))

    async def test_whoever_is_heard_from_gets_what_waits(
        self, argent: Argent, watcher: Watcher
    ) -> None:
        argent.channel.delay(3000)

        async with argent(plugins=[watcher.plugin]) as kernel:
            await send(kernel, reply("one"))
            await watcher.until(("one", "pending"))
            kernel.output_handlers.hear_from(Address("memory", "home"))
            await watcher.until(("one", "sent"))

    async def test_what_is_for_a_channel_that_is_off_waits_until_it_is_on(
        self, argent: Argent, watcher: Watcher
    ) -> None:
        async with argent(plugins=[watcher.plugin]) as kernel:
            await kernel.host.disable("memory")
            await send(kernel, reply("one"))
            assert await states(kernel) == {"one": "pending"}
            await kernel.host.enable("memory")
            await watcher.until(("one", "sent"))

    async def test_switching_a_channel_off_lets_a_delivery_end(
        self, argent: Argent, watcher: Watcher
    ) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def deliver(one: Reply) -> Receipt:
            begun.set()
            await go_on.wait()
            return Receipt("r")

        async with argent(plugins=[watcher.plugin, Printer(deliver).plugin]) as kernel:
            await send(kernel, *(reply(text, channel="printer") for text in ("one", "two")))
            await begun.wait()
            disabling = asyncio.create_task(kernel.host.disable("printer"))
            await asyncio.sleep(0)
            go_on.set()
            await disabling
            assert await states(kernel) == {"one": "sent", "two": "pending"}

    async def test_nothing_is_begun_in_a_channel_that_was_switched_off_meanwhile(
        self, argent: Argent, watcher: Watcher
    ) -> None:
        tried: list[str] = []
        entered, go_on = threading.Event(), threading.Event()

        async def deliver(one: Reply) -> Receipt:
            tried.append(one.text)
            return Receipt("r")

        def read(_: Any) -> None:
            entered.set()
            go_on.wait(10)

        async with argent(plugins=[watcher.plugin, Printer(deliver).plugin]) as kernel:
            reading = asyncio.create_task(kernel.outbox.database.read(read))
            await eventually(entered.is_set, what="whoever looks into the outbox has to wait")
            await send(kernel, reply("one", channel="printer"))
            await asyncio.sleep(0)
            await kernel.host.disable("printer")
            go_on.set()
            await reading
            await send(kernel, reply("other"))
            await watcher.until(("other", "sent"))
            assert await states(kernel) == {"one": "pending", "other": "sent"}

        assert tried == []


class TestTrouble:
    @asynccontextmanager
    async def failing(self, kernel: Kernel, state: str) -> AsyncIterator[None]:
        """Let the database refuse that a reply gets into a state."""
        await run_sql(
            kernel,
            f"CREATE TRIGGER full BEFORE UPDATE ON outbox WHEN NEW.state = '{state}'"
            " BEGIN SELECT RAISE(ABORT, 'no room'); END",
        )
        yield
        await run_sql(kernel, "DROP TRIGGER full")

    async def test_nothing_is_sent_that_is_not_on_record_and_nothing_spins(
        self, argent: Argent, watcher: Watcher, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with argent(plugins=[watcher.plugin]) as kernel:
            async with self.failing(kernel, "sending"):
                await send(kernel, reply("one"))
                await eventually(lambda: "outbox pauses" in caplog.text, what="it is told")
                for _ in range(50):
                    kernel.output_handlers.wake()
                    await kernel.outbox.count()
                assert caplog.text.count("outbox pauses") <= 3
                assert argent.channel.tries == []
            await watcher.until(("one", "sent"))

    async def test_what_was_sent_gets_on_record_and_is_not_sent_again(
        self, argent: Argent, watcher: Watcher, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with argent(plugins=[watcher.plugin]) as kernel:
            async with self.failing(kernel, "sent"):
                await send(kernel, reply("one"), reply("two"))
                await eventually(lambda: "not on record yet" in caplog.text, what="it is told")
                assert await states(kernel) == {"one": "sending", "two": "pending"}
            await watcher.until(("one", "sent"), ("two", "sent"))

        assert [one.text for one in argent.channel.tries] == ["one", "two"]

    async def test_a_kernel_that_stops_lets_a_delivery_end(self, argent: Argent) -> None:
        begun = asyncio.Event()

        async def deliver(one: Reply) -> Receipt:
            begun.set()
            await asyncio.sleep(0.05)
            return Receipt("r")

        async with argent(plugins=[Printer(deliver).plugin]) as kernel:
            await send(kernel, reply("one", channel="printer"))
            await begun.wait()

        async with argent.restart() as kernel:
            assert await states(kernel) == {"one": "sent"}


class TestRecovery:
    @pytest.mark.parametrize("idempotent", [True, False])
    async def test_what_was_being_sent_when_the_kernel_died(
        self, argent: Argent, watcher: Watcher, idempotent: bool
    ) -> None:
        argent.channel = MemoryChannel(idempotent=idempotent)
        async with argent():
            pass
        at = (argent.clock.now() - timedelta(minutes=1)).timestamp()
        async with open_database(argent.home.kernel_database, MIGRATIONS) as database:
            await store(database, reply("one"), reply("two"), at=at)
            await database.write(
                lambda tx: tx.execute("UPDATE outbox SET state = 'sending' WHERE text = 'one'")
            )

        async with argent.restart(plugins=[watcher.plugin]) as kernel:
            await watcher.until(("two", "sent"))
            assert await states(kernel) == {
                "one": "sent" if idempotent else "unknown",
                "two": "sent",
            }

        tried = ["one", "two"] if idempotent else ["two"]
        assert [one.text for one in argent.channel.tries] == tried


class TestParts:
    async def test_a_long_reply_arrives_in_parts_in_order(self, argent: Argent) -> None:
        argent.channel.longest = 40
        words = " ".join(f"word{n}" for n in range(30))
        async with argent(model=[words, "short"]) as kernel:
            await argent.channel.say("Tell me much")
            await argent.channel.say("And little")
            parts = [await argent.channel.next_reply()]
            while parts[-1].text != "short":
                parts.append(await argent.channel.next_reply())
            stored = await kernel.agent.replies.list()

        *long, short = parts
        assert " ".join(part.text for part in long) == words
        assert all(len(part.text) <= 40 for part in long)
        assert [part.key for part in long] == [f"{long[0].turn}-{n}" for n in range(len(long))]
        assert short.key == f"{short.turn}-0"
        assert len(stored) == len(parts)

    async def test_files_go_with_the_last_part(self, argent: Argent) -> None:
        argent.channel.longest = 10

        async def attach(reply: Reply) -> Reply:
            return evolve(reply, files=(kept,))

        filter = Filter(id="attach", reply=attach)
        async with argent(plugins=[Demo(filter)], model=["several words here"]) as kernel:
            kept = await kernel.files.add(b"\x89PNG\r\n\x1a\n", name="plot.png")
            await argent.channel.say("Draw")
            first, last = [await argent.channel.next_reply() for _ in range(2)]

        assert (first.files, last.files) == ((), (kept,))

    async def test_the_parts_of_a_reply_that_is_held_are_all_held(self, argent: Argent) -> None:
        argent.channel.longest = 10

        async def hold(reply: Reply) -> Reject:
            return Reject("not this one")

        filter = Filter(id="hold", reply=hold)
        async with argent(plugins=[Demo(filter)], model=["several words here"]) as kernel:
            await argent.channel.say("Talk")
            stored: list[dict[str, object]] = []
            while not stored:
                stored = await kernel.agent.replies.list("held")

        assert len(stored) == 2
        assert argent.channel.replies == []
