from __future__ import annotations

import asyncio
import math
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from argent_core import config as configuration
from argent_core.kernel import Kernel
from argent_hookspecs import (
    DiskFull,
    Event,
    Filter,
    ModelRejected,
    ModelRequest,
    ModelUnavailable,
    Observer,
    Permission,
    Priority,
    Reply,
    Tool,
    ToolCall,
    Trust,
    TurnFinished,
)
from argent_testing import Argent, Canary, FakeClock, eventually, hang
from argent_testing.clock import START

from ..demo import Demo, ended

pytestmark = pytest.mark.anyio


def alone(**loop: Any) -> dict[str, Any]:
    """Return settings with which one turn runs at a time."""
    return {"loop": {"conversations": 1, **loop}}


def work(name: str, **other: Any) -> Event:
    """Make an event that nobody waits for."""
    known = {"kind": "task", "conversation": name, "content": name, "trust": Trust.OWNER}
    return Event(**{**known, **other})


class Gate:
    """A step of a script that answers when the test lets it."""

    def __init__(self, answer: str = "ok") -> None:
        self.answer = answer
        self.open = asyncio.Event()

    async def __call__(self, request: ModelRequest) -> str:
        await self.open.wait()
        return self.answer


def asked(argent: Argent) -> list[str]:
    return [request.messages[-1].text for request in argent.model.requests]


class TestOrder:
    async def test_the_highest_priority_is_served_first_and_the_oldest_within_it(
        self, argent: Argent
    ) -> None:
        gate, names = Gate(), ["low", "background", "task", "urgent", "message", "other message"]
        priorities: list[dict[str, Any]] = [
            {"priority": Priority.LOW},
            {"priority": Priority.BACKGROUND},
            {},
            {"kind": "calendar"},
            {"kind": "message"},
            {"kind": "message"},
        ]

        async with argent(model=[gate, *names], config=alone()):
            await argent.channel.say("first")
            await argent.model.asked(1)
            for name, priority in zip(names, priorities, strict=True):
                await argent.channel.emit(work(name, **priority))
            gate.open.set()
            await argent.model.asked(7)

        assert asked(argent) == [
            "first",
            "urgent",
            "task",
            "message",
            "other message",
            "low",
            "background",
        ]

    async def test_conversations_are_answered_side_by_side(self, argent: Argent) -> None:
        first, second = Gate("one"), Gate("two")

        async with argent(model=[first, second]):
            await argent.channel.say("slow", "a")
            await argent.model.asked(1)
            await argent.channel.say("quick", "b")
            await argent.model.asked(2)
            second.open.set()
            assert (await argent.channel.next_reply()).conversation == "b"
            first.open.set()
            assert (await argent.channel.next_reply()).conversation == "a"

    async def test_within_a_conversation_one_at_a_time_in_order(self, argent: Argent) -> None:
        running: list[str] = []

        async def answer(request: ModelRequest) -> str:
            said = request.messages[-1].text
            running.append(said)
            for _ in range(3):
                await kernel.agent.events.count()
            assert running == [said]
            running.remove(said)
            return said

        async with argent(model=[answer] * 6) as kernel:
            for n in range(6):
                await argent.channel.say(str(n))
            replies = [(await argent.channel.next_reply()).text for _ in range(6)]

        assert replies == ["0", "1", "2", "3", "4", "5"]

    async def test_an_urgent_event_does_not_overtake_its_own_conversation(
        self, argent: Argent
    ) -> None:
        gate = Gate()

        async with argent(model=[gate, "1", "2", "3"], config=alone()):
            await argent.channel.say("first", "other")
            await argent.model.asked(1)
            await argent.channel.emit(work("normal", kind="message"))
            await argent.channel.emit(work("low", conversation="home", kind="heartbeat"))
            await argent.channel.emit(work("urgent", conversation="home", kind="calendar"))
            gate.open.set()
            await argent.model.asked(4)

        assert asked(argent)[1:] == ["low", "urgent", "normal"]

    async def test_background_work_leaves_a_place_for_a_person(self, argent: Argent) -> None:
        config = {"loop": {"conversations": 3}}

        async with argent(model=[hang, hang, "at once"], config=config):
            for n in range(6):
                await argent.channel.emit(work(f"work {n}", priority=Priority.URGENT))
            await argent.model.asked(2)
            assert await argent.channel.ask("hello") == "at once"

        assert sorted(asked(argent)[:2]) == ["work 0", "work 1"]
        assert asked(argent)[2] == "hello"

    async def test_what_waits_for_a_place_has_it_once_background_work_ends(
        self, argent: Argent
    ) -> None:
        first = Gate()

        async with argent(model=[first, hang, "next"], config={"loop": {"conversations": 3}}):
            for n in range(3):
                await argent.channel.emit(work(f"work {n}"))
            await argent.model.asked(2)
            first.open.set()
            await argent.model.asked(3)

        assert asked(argent)[-1] == "work 2"

    async def test_a_place_that_becomes_free_is_taken_at_once(self, argent: Argent) -> None:
        names = [f"work {n}" for n in range(60)]

        async with argent(model=names[:], config={"loop": {"conversations": 4}}):
            for four in range(0, 60, 4):
                await asyncio.gather(
                    *(argent.channel.emit(work(name)) for name in names[four : four + 4])
                )
            await argent.model.asked(60)

        assert sorted(asked(argent)) == sorted(names)

    async def test_further_places_are_taken_once_the_settings_allow_them(
        self, argent: Argent
    ) -> None:
        async with argent(model=[hang, hang], config=alone()) as kernel:
            for n in range(2):
                await argent.channel.say(f"hello {n}", str(n))
            await argent.model.asked(1)
            configuration.set_value(kernel.home, "loop.conversations", text="2")
            await kernel.reload()
            await argent.model.asked(2)

        assert sorted(asked(argent)) == ["hello 0", "hello 1"]

    async def test_people_may_take_every_place(self, argent: Argent) -> None:
        config = {"loop": {"conversations": 3}}

        async with argent(model=[hang, hang, hang], config=config) as kernel:
            for n in range(4):
                await argent.channel.say(f"hello {n}", str(n))
            await argent.model.asked(3)
            assert len(kernel.loop.running) == 3
            counts = await kernel.agent.events.count()

        assert (counts["leased"], counts["ready"]) == (3, 1)

    async def test_a_stranger_is_no_person(self, argent: Argent) -> None:
        config = {"loop": {"conversations": 2}}

        async with argent(model=[hang, "hello"], config=config):
            for n in range(2):
                await argent.channel.say(f"spam {n}", str(n), trust="outside")
            await argent.model.asked(1)
            assert await argent.channel.ask("hi") == "hello"

    async def test_what_has_waited_long_rises(self, argent: Argent) -> None:
        gate = Gate()

        async with argent(model=[gate, "1", "2"], config=alone()) as kernel:
            await argent.channel.say("first")
            await argent.model.asked(1)
            await argent.channel.emit(work("old", priority=Priority.BACKGROUND))
            for level in (1, 2, 3):
                await argent.clock.advance(601)
                await aged(kernel, "old", level)
            await argent.channel.emit(work("new", priority=Priority.NORMAL))
            gate.open.set()
            await argent.model.asked(3)

        assert asked(argent)[1:] == ["old", "new"]

    async def test_what_comes_too_late_is_cancelled(self, argent: Argent) -> None:
        gate, soon = Gate(), START + timedelta(seconds=30)

        async with argent(model=[gate, "ok"], config=alone()) as kernel:
            await argent.channel.say("first", "other")
            await argent.model.asked(1)
            id = await argent.channel.emit(work("tea time", expires_at=soon))
            await argent.clock.advance(31)
            gate.open.set()
            await argent.channel.next_reply()
            event = await ended(kernel, id)
            await argent.channel.ask("next")

        assert (event["state"], event["reason"]) == ("cancelled", "it expired")
        assert asked(argent) == ["first", "next"]

    async def test_a_full_loop_rests_although_something_is_due(self, tmp_path: Path) -> None:
        clock = CountingClock()
        argent = Argent(tmp_path, clock)

        async with argent(model=[ModelUnavailable("busy"), hang], config=alone()) as kernel:
            await argent.channel.say("first")
            await put_back(kernel, argent, requests=1)
            await argent.channel.say("second", "other")
            await argent.model.asked(2)
            await argent.clock.advance(60)
            clock.looks = 0
            for _ in range(50):
                await kernel.agent.events.count()
            looks = clock.looks

        assert looks < 10


class CountingClock(FakeClock):
    """A clock that knows how often somebody looked at it."""

    looks = 0

    def now(self) -> Any:
        self.looks += 1
        return super().now()


async def aged(kernel: Kernel, conversation: str, level: int) -> None:
    """Wait until a conversation has risen by so much."""
    sql = "SELECT aged FROM lanes WHERE conversation = ?"
    async with asyncio.timeout(10):
        while True:
            row = await kernel.journal.database.read(
                lambda tx: tx.execute(sql, (conversation,)).fetchone()
            )
            if row == (level,):
                return


async def put_back(kernel: Kernel, argent: Argent, *, requests: int) -> None:
    """Wait until the model was asked so often and no turn runs."""
    await argent.model.asked(requests)
    await eventually(lambda: not kernel.loop.running, what="the turn is put back")


class TestFailures:
    async def test_it_is_tried_again_a_little_later_each_time(self, argent: Argent) -> None:
        busy = ModelUnavailable("the model is busy")
        waits: list[float] = []

        async def watch(notice: Any) -> None:
            if notice.state == "failed":
                waits.append(float(notice.reason.partition("next try in ")[2].split()[0]))

        observer = Observer(id="watch", notify=watch, kinds=(TurnFinished,))

        async with argent(plugins=[Demo(observer)], model=[busy] * 4 + ["here I am"]) as kernel:
            await argent.channel.say("hello?")
            for n in range(4):
                await put_back(kernel, argent, requests=n + 1)
                await argent.clock.advance(10)
            assert (await argent.channel.next_reply()).text == "here I am"
            await eventually(lambda: len(waits) == 4, what="all failures are told")

        assert waits == sorted(waits) and waits[-1] >= 4

    async def test_as_long_as_the_provider_asks(self, argent: Argent) -> None:
        busy = ModelUnavailable("slow down", retry_after=30)

        async with argent(model=[busy, "better"]) as kernel:
            id = await argent.channel.say("hello?")
            await put_back(kernel, argent, requests=1)
            await argent.clock.advance(29)
            event = await kernel.agent.events.show(str(id))
            assert (event["state"], event["reason"]) == ("ready", "slow down")
            await argent.clock.advance(2)
            assert (await argent.channel.next_reply()).text == "better"

    @pytest.mark.parametrize("asked", [math.nan, math.inf, -1, "soon"])
    async def test_unless_that_is_no_time(self, argent: Argent, asked: Any) -> None:
        busy = ModelUnavailable("slow down", retry_after=asked)

        async with argent(model=[busy, "better"]) as kernel:
            id = await argent.channel.say("hello?")
            await put_back(kernel, argent, requests=1)
            event = await kernel.agent.events.show(str(id))
            assert (event["state"], event["attempts"]) == ("ready", 1)
            await argent.clock.advance(2)
            assert (await argent.channel.next_reply()).text == "better"

    async def test_in_the_end_it_is_set_aside_and_the_person_is_told(self, argent: Argent) -> None:
        busy = ModelUnavailable("the model is busy")

        async with argent(model=[busy] * 3, config={"loop": {"maxAttempts": 3}}) as kernel:
            id = await argent.channel.say("hello?")
            for n in range(2):
                await put_back(kernel, argent, requests=n + 1)
                await argent.clock.advance(60)
            reply = await argent.channel.next_reply()
            event = await ended(kernel, id)

        assert reply.text == "Sorry, I could not answer this: the model is busy"
        assert (event["state"], event["reason"], event["attempts"]) == (
            "dead",
            "the model is busy",
            3,
        )

    async def test_a_try_that_got_a_step_further_counts_as_the_first(self, argent: Argent) -> None:
        busy = ModelUnavailable("busy")
        script = [busy, ToolCall("1", "send"), busy, "done"]
        config = {"loop": {"maxAttempts": 2}}

        async with argent(plugins=[Demo(letter())], model=script, config=config) as kernel:
            await argent.channel.say("write")
            for requests in (1, 3):
                await put_back(kernel, argent, requests=requests)
                await argent.clock.advance(60)
            assert (await argent.channel.next_reply()).text == "done"

    async def test_secrets_are_taken_out_of_the_reasons(
        self, argent: Argent, canary: Canary
    ) -> None:
        script = [ModelUnavailable(f"busy {canary.value}"), ModelRejected(f"wrong {canary.value}")]

        async with argent(model=script) as kernel:
            kernel.redactor.add(canary.value)
            id = str(await argent.channel.say("hello?"))
            await put_back(kernel, argent, requests=1)
            failed = await kernel.agent.events.show(id)
            await argent.clock.advance(60)
            reply = await argent.channel.next_reply()
            dead = await ended(kernel, id)

        assert failed["reason"] == "busy [secret]"
        assert dead["reason"] == "wrong [secret]"
        assert reply.text == "Sorry, I could not answer this: wrong [secret]"
        assert canary.seen_in(argent.home.data) == []

    async def test_a_stranger_is_not_told_why(self, argent: Argent) -> None:
        async with argent(model=[ModelRejected("the key of ada@home is wrong")]):
            await argent.channel.say("hello?", trust="outside")
            reply = await argent.channel.next_reply()

        assert reply.text == "Sorry, I could not answer this."

    async def test_a_reason_that_is_no_text_is_told_as_far_as_it_is(self, argent: Argent) -> None:
        async with argent(model=[ModelRejected("odd \udcff")]):
            assert await argent.channel.ask("hi") == "Sorry, I could not answer this: odd ?"

    async def test_what_can_never_work_is_not_tried_again(self, argent: Argent) -> None:
        async with argent(model=[ModelRejected("the key is wrong")]) as kernel:
            id = await argent.channel.say("hello?")
            assert "the key is wrong" in (await argent.channel.next_reply()).text
            event = await ended(kernel, id)

        assert (event["state"], event["attempts"]) == ("dead", 1)

    async def test_what_is_behind_a_dead_one_goes_on(self, argent: Argent) -> None:
        gate = Gate()

        async def refuse(request: ModelRequest) -> Exception:
            await gate.open.wait()
            return ModelRejected("never")

        async with argent(model=[refuse, "yes"]):
            await argent.channel.say("one")
            await argent.model.asked(1)
            await argent.channel.say("two")
            gate.open.set()
            replies = [(await argent.channel.next_reply()).text for _ in range(2)]

        assert replies == ["Sorry, I could not answer this: never", "yes"]

    @pytest.mark.parametrize(("plugin", "words"), [("scripted", "At last."), ("other", "longer")])
    async def test_a_model_that_reports_progress_has_more_time(
        self, argent: Argent, plugin: str, words: str
    ) -> None:
        async def download(_: ModelRequest) -> str:
            for _ in range(13):
                kernel.loop.extend_deadlines(plugin)
                await asyncio.sleep(0.1)
            return "At last."

        async with argent(model=[download], config={"loop": {"turnTimeout": "1s"}}) as kernel:
            assert words in await argent.channel.ask("hello?")

    async def test_a_turn_has_a_deadline(self, argent: Argent) -> None:
        async with argent(model=[hang], config={"loop": {"turnTimeout": "100ms"}}) as kernel:
            id = await argent.channel.say("hello?")
            reply = await argent.channel.next_reply()
            event = await ended(kernel, id)

        assert reply.text == "Sorry, I could not answer this: it took longer than 0.1 s"
        assert event["state"] == "dead"

    async def test_a_dead_one_that_is_retried_is_answered_under_another_key(
        self, argent: Argent
    ) -> None:
        argent.channel.idempotent = True
        script = [ModelRejected("the key is wrong"), "Hello.", "Bye."]

        async with argent(model=script) as kernel:
            id = str(await argent.channel.say("hello?"))
            apology = await argent.channel.next_reply()
            await ended(kernel, id)
            await kernel.control.run("events.retry", {"id": id})
            answer = await argent.channel.next_reply()
            event = await ended(kernel, id)
            await argent.channel.ask("bye")

        assert answer.text == "Hello." and answer.turn == apology.turn
        assert answer.key != apology.key
        assert (event["state"], event["reason"], event["attempts"]) == ("done", "", 1)
        history = [m.text for m in argent.model.requests[-1].messages]
        assert history == ["hello?", "Hello.", "bye"]

    async def test_one_that_died_twice_is_answered_at_the_third_try(self, argent: Argent) -> None:
        argent.channel.idempotent = True
        wrong = ModelRejected("the key is wrong")

        async with argent(model=[wrong, wrong, "Hello."]) as kernel:
            id = str(await argent.channel.say("hello?"))
            for _ in range(2):
                await argent.channel.next_reply()
                await ended(kernel, id)
                await kernel.control.run("events.retry", {"id": id})
            assert (await argent.channel.next_reply()).text == "Hello."

        assert len({reply.key for reply in argent.channel.replies}) == 3


class BrokenClock(FakeClock):
    """A clock that breaks when it is looked at, as often as a test wants."""

    breaks = 0

    def now(self) -> Any:
        if self.breaks and str(asyncio.current_task().get_name()).startswith("turn "):
            self.breaks -= 1
            raise ZeroDivisionError("a spring is loose")
        return super().now()


@pytest.mark.parametrize("breaks", [1, 2])
async def test_a_fault_in_the_kernel_ends_the_turn_and_not_the_agent(
    tmp_path: Path, breaks: int
) -> None:
    clock = BrokenClock()
    argent = Argent(tmp_path, clock)

    def answer(request: ModelRequest) -> str:
        clock.breaks = breaks
        return "never recorded"

    async with argent(model=[answer, "fine"]) as kernel:
        id = await argent.channel.say("hello?")
        reply = await argent.channel.next_reply()
        event = await ended(kernel, id)
        assert await argent.channel.ask("and now?") == "fine"

    assert "a fault in Argent itself, ZeroDivisionError('a spring is loose')" in reply.text
    assert event["state"] == "dead"


class TestFullDisk:
    """What is done is not done again because there was no room to write it down."""

    async def test_an_answer_waits_until_it_can_be_stored(self, argent: Argent) -> None:
        async def answer(request: ModelRequest) -> str:
            await room(kernel, pages=1)
            return LONG

        async with argent(model=[answer]) as kernel:
            ballast = kernel.intake.ballast.path
            assert ballast.exists()
            await argent.channel.say("tell me")
            await eventually(lambda: not ballast.exists(), what="the ballast is thrown off")
            await room(kernel, pages=100_000)
            assert (await argent.channel.next_reply()).text == LONG

    async def test_so_does_what_came_of_a_tool(self, argent: Argent) -> None:
        sent: list[str] = []

        async def send() -> str:
            sent.append("letter")
            await room(kernel, pages=1)
            return LONG

        plugins = [Demo(Tool(id="send", description="Send a letter.", run=send))]

        async with argent(plugins=plugins, model=[ToolCall("1", "send"), "sent"]) as kernel:
            ballast = kernel.intake.ballast.path
            await argent.channel.say("write")
            await eventually(lambda: not ballast.exists(), what="the ballast is thrown off")
            await room(kernel, pages=100_000)
            assert (await argent.channel.next_reply()).text == "sent"
            trace = await kernel.agent.trace("home")

        assert sent == ["letter"]
        assert trace is not None and trace["steps"][1]["state"] == "done"


LONG = "word " * 1500


async def room(kernel: Kernel, *, pages: int) -> None:
    """Let the database grow to so many pages; not below those that it has."""
    sql = f"PRAGMA max_page_count={pages}"
    while True:
        with suppress(DiskFull):  # what is written at the same time fails together
            await kernel.journal.database.write(lambda tx: tx.execute(sql).fetchone())
            return


def letter(**other: Any) -> Tool:
    async def send() -> str:
        return "sent"

    return Tool(id="send", description="Send a letter.", run=send, **other)


class TestStop:
    async def test_one_conversation(self, argent: Argent) -> None:
        gate = Gate("still here")

        async with argent(model=[hang, gate]) as kernel:
            stopped = await argent.channel.say("one", "a")
            await argent.model.asked(1)
            await argent.channel.say("two", "b")
            await argent.model.asked(2)
            assert await kernel.agent.stop("a") == 1
            event = await kernel.agent.events.show(str(stopped))
            gate.open.set()
            assert (await argent.channel.next_reply()).conversation == "b"

        assert (event["state"], event["reason"]) == ("cancelled", "stopped by the person")

    async def test_all_of_them(self, argent: Argent) -> None:
        async with argent(model=[hang, hang, "ok"]) as kernel:
            await argent.channel.say("one", "a")
            await argent.channel.say("two", "b")
            await argent.model.asked(2)
            assert await kernel.agent.stop() == 2
            assert await kernel.agent.stop() == 0
            assert await argent.channel.ask("and now?", "a") == "ok"

    async def test_one_that_waits_for_a_persons_word(self, argent: Argent) -> None:
        plugins = [Demo(letter(permission=Permission.ASK))]

        async with argent(plugins=plugins, model=[ToolCall("1", "send"), "ok"]) as kernel:
            id = str(await argent.channel.say("write"))
            await state_of(kernel, id, "waiting")
            assert await kernel.agent.stop("home") == 1
            assert await kernel.agent.approvals() == []
            event = await kernel.agent.events.show(id)
            assert await argent.channel.ask("hello") == "ok"

        assert event["state"] == "cancelled"

    async def test_one_that_waits_for_another_try(self, argent: Argent) -> None:
        async with argent(model=[ModelUnavailable("busy")]) as kernel:
            id = await argent.channel.say("hello?")
            await put_back(kernel, argent, requests=1)
            assert await kernel.agent.stop("elsewhere") == 0
            assert await kernel.agent.stop("home") == 1
            await argent.clock.advance(1000)
            event = await kernel.agent.events.show(str(id))

        assert event["state"] == "cancelled"

    async def test_one_that_can_no_longer_be_read(self, argent: Argent) -> None:
        sql = "UPDATE events SET body = '[]' WHERE id = ?"

        async with argent(model=[ModelUnavailable("busy")]) as kernel:
            id = str(await argent.channel.say("hello?"))
            await put_back(kernel, argent, requests=1)
            await kernel.journal.database.write(lambda tx: tx.execute(sql, (id,)))
            assert await kernel.agent.stop("home") == 1
            trace = await kernel.agent.trace("home")

        assert trace is not None and trace["state"] == "cancelled"

    async def test_one_whose_end_is_being_stored_ends_as_that_says(self, argent: Argent) -> None:
        told: list[Any] = []
        there, go, disk = asyncio.Event(), asyncio.Event(), threading.Event()

        async def watch(notice: Any) -> None:
            told.append((notice.state, notice.text))

        async def pause(reply: Reply) -> Reply:
            there.set()
            await go.wait()
            return reply

        watching = Observer(id="watch", notify=watch, kinds=(TurnFinished,))
        plugins = [Demo(watching, Filter(id="pause", reply=pause))]

        async with argent(plugins=plugins, model=["hi"]) as kernel:
            await argent.channel.say("hello")
            await there.wait()
            (running,) = kernel.loop.running.values()
            busy = asyncio.create_task(kernel.journal.database.write(lambda _: disk.wait(10)))
            go.set()
            await eventually(lambda: running.turn.text == "hi", what="its end is being stored")
            stopping = asyncio.create_task(kernel.agent.stop("home"))
            await eventually(lambda: running.stopped, what="it is stopped")
            disk.set()
            await asyncio.gather(busy, stopping)
            assert (await argent.channel.next_reply()).text == "hi"
            await eventually(lambda: told, what="its end is told")

        assert told == [("done", "hi")]

    async def test_what_nobody_has_begun_is_not_stopped(self, argent: Argent) -> None:
        async with argent(model=[hang, "two"], config=alone()) as kernel:
            await argent.channel.say("one", "a")
            await argent.model.asked(1)
            await argent.channel.say("two", "b")
            assert await kernel.agent.stop() == 1
            assert (await argent.channel.next_reply()).text == "two"


async def state_of(kernel: Kernel, event: str, state: str) -> None:
    async with asyncio.timeout(10):
        while (await kernel.agent.events.show(event))["state"] != state or kernel.loop.running:
            pass


class TestEndOfTheKernel:
    async def test_turns_go_on_at_the_next_start_uncounted(self, argent: Argent) -> None:
        config = {"loop": {"maxAttempts": 1}}

        async with argent(model=[hang], config=config):
            id = str(await argent.channel.say("hello?"))
            await argent.model.asked(1)
        for _ in range(3):
            async with argent.restart(model=[hang]):
                await argent.model.asked(1)
        async with argent.restart(model=["at last"]) as kernel:
            assert (await argent.channel.next_reply()).text == "at last"
            event = await ended(kernel, id)

        assert (event["state"], event["attempts"]) == ("done", 1)

    async def test_what_was_about_to_begin_is_put_back_uncounted_too(self, argent: Argent) -> None:
        disk = threading.Event()

        async with argent(model=["hi"], config={"loop": {"maxAttempts": 1}}) as kernel:
            await argent.channel.ask("hello")
            write = kernel.journal.database.write
            id = await kernel.journal.append(work("tidy"), source="memory", plugin="memory")
            busy = asyncio.create_task(write(lambda _: disk.wait(10)))
            (looking,) = (task for task in asyncio.all_tasks() if task.get_name() == "loop")
            kernel.loop.wake()
            stopping = asyncio.create_task(kernel.stop())
            await eventually(looking.cancelling, what="it is about to stop")
            disk.set()
            await asyncio.gather(busy, stopping)
        async with argent.restart(model=["done"]) as kernel:
            event = await ended(kernel, id)

        assert (event["state"], event["attempts"]) == ("done", 1)

    async def test_what_was_done_is_not_done_again(self, argent: Argent) -> None:
        plugins = [Demo(letter())]

        async with argent(plugins=plugins, model=[ToolCall("1", "send"), hang]):
            await argent.channel.say("write")
            await argent.model.asked(2)
        async with argent.restart(model=["It is sent."]):
            assert (await argent.channel.next_reply()).text == "It is sent."

        (request,) = argent.model.requests
        assert [getattr(part, "text", None) for part in request.messages[-1].parts] == ["sent"]

    async def test_it_is_quick_and_leaves_nothing_behind(self, argent: Argent) -> None:
        loop = asyncio.get_running_loop()
        before = asyncio.all_tasks()

        async with argent(model=[hang] * 5):
            for n in range(5):
                await argent.channel.say("hello?", str(n))
            await argent.model.asked(5)
            began = loop.time()

        assert loop.time() - began < 4
        assert asyncio.all_tasks() == before
