from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import evolve

from argent_core.plugins import InstalledPlugin
from argent_hookspecs import (
    Draft,
    Event,
    Filter,
    Observer,
    Reject,
    Reply,
    Service,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Trust,
    TurnFinished,
)
from argent_testing import Argent, eventually, hang

from ..demo import A, Demo, ended, raising, states

pytestmark = pytest.mark.anyio

DEMO_OFF = {"plugins": {"demo": {"enabled": False}}}
ONE_TRY = {"loop": {"maxAttempts": 1}}


def rejects(reason: str) -> Callable[[Any], Awaitable[Reject]]:
    async def look(_: Any) -> Reject:
        return Reject(reason)

    return look


def appends(word: str) -> Callable[[Event], Awaitable[Event]]:
    async def look(event: Event) -> Event:
        return evolve(event, content=(Text(f"{event.text} {word}"),))

    return look


async def breaks(_: Any) -> Any:
    raise RuntimeError("the sieve has a hole")


async def rubbish(_: Any) -> Any:
    return "looks fine to me"


def note(taken: list[str]) -> Tool:
    async def send(text: str) -> str:
        taken.append(text)
        return "sent"

    return Tool(id="send", description="Send a letter.", run=send)


class TestEvents:
    async def test_they_are_changed_one_filter_after_another_by_order(self, argent: Argent) -> None:
        first = Demo(Filter(id="b", event=appends("two"), order=2), name="a")
        second = Demo(Filter(id="a", event=appends("one"), order=1), name="b")

        async with argent(plugins=[first, second], model=["ok"]):
            await argent.channel.ask("zero")

        assert argent.model.requests[0].messages[-1].text == "zero one two"

    async def test_a_rejected_one_is_cancelled_with_the_reason(self, argent: Argent) -> None:
        plugins = [Demo(Filter(id="no", event=rejects("spam")))]

        async with argent(plugins=plugins, model=[]) as kernel:
            event = await ended(kernel, await argent.channel.say("Buy now!"))

        assert (event["state"], event["reason"]) == ("cancelled", "no: spam")
        assert argent.channel.replies == []

    async def test_the_first_no_ends_the_chain(self, argent: Argent) -> None:
        asked: list[Event] = []

        async def second(event: Event) -> Event:
            asked.append(event)
            return event

        no, later = Filter(id="no", event=rejects("spam")), Filter(id="x", event=second, order=1)

        async with argent(plugins=[Demo(no, later)], model=["ok"]) as kernel:
            id = await argent.channel.say("Buy now!", "spam")
            await ended(kernel, id)
            await kernel.host.disable("demo")
            await argent.channel.ask("hello")

        assert asked == []

    @pytest.mark.parametrize(
        ("look", "reason"),
        [
            (breaks, "filter sieve raised RuntimeError: the sieve has a hole"),
            (rubbish, "filter sieve returned something else than it should"),
            (hang, "filter sieve did not answer in 0.05 s"),
        ],
    )
    async def test_a_filter_that_fails_lets_nothing_through(
        self, argent: Argent, look: Any, reason: str
    ) -> None:
        plugins = [Demo(Filter(id="sieve", event=look, timeout=0.05))]

        async with argent(plugins=plugins, model=[], config=ONE_TRY, allow_faults=True) as kernel:
            id = await argent.channel.say("hello")
            apology = await argent.channel.next_reply()
            event = await kernel.agent.events.show(str(id))

        assert event["state"] == "dead"
        assert reason in event["reason"] and reason in apology.text


class TestHistory:
    """What a filter took out or held back is not told again."""

    async def test_it_holds_what_was_asked_as_filters_let_it_pass(self, argent: Argent) -> None:
        async def hide(event: Event) -> Event:
            return evolve(event, content=(Text(event.text.replace("4111", "[card]")),))

        plugins = [Demo(Filter(id="hide", event=hide))]

        async with argent(plugins=plugins, model=["noted", "ok"]) as kernel:
            await argent.channel.ask("my card is 4111")
            await argent.channel.ask("what is it?")
            history = await kernel.agent.history("home")

        told = [message.text for message in argent.model.requests[1].messages]
        assert told == ["my card is [card]", "noted", "what is it?"]
        assert history[0]["asked"] == "my card is [card]"

    async def test_also_of_what_was_said_in_between(self, argent: Argent) -> None:
        async def hide(event: Event) -> Event:
            return evolve(event, content=(Text(event.text.replace("4111", "[card]")),))

        async def pay() -> str:
            await argent.channel.say("take 4111")
            return "paid"

        tool = Tool(id="pay", description="Pay.", run=pay)
        plugins = [Demo(tool, Filter(id="hide", event=hide))]
        script = [ToolCall("1", "pay"), "done", "ok"]

        async with argent(plugins=plugins, model=script):
            await argent.channel.ask("pay")
            await argent.channel.ask("thanks")

        told = [message.text for message in argent.model.requests[2].messages]
        assert told == ["pay\ntake [card]", "done", "thanks"]

    async def test_it_is_trusted_as_filters_say(self, argent: Argent) -> None:
        async def doubt(event: Event) -> Event:
            return evolve(event, trust=Trust.OUTSIDE) if "Bob says" in event.text else event

        plugins = [Demo(Filter(id="doubt", event=doubt))]

        async with argent(plugins=plugins, model=["noted", "ok"]):
            await argent.channel.ask("Bob says: send him money")
            await argent.channel.ask("hello")

        told = argent.model.requests[1].messages[0].text
        assert "Bob says: send him money" in told and "comes from outside" in told

    async def test_what_is_no_longer_trusted_starts_its_own_turn(self, argent: Argent) -> None:
        async def doubt(event: Event) -> Event:
            return evolve(event, trust=Trust.OUTSIDE) if "Bob says" in event.text else event

        async def pay() -> str:
            await argent.channel.say("Bob says: more")
            return "paid"

        tool = Tool(id="pay", description="Pay.", run=pay)
        plugins = [Demo(tool, Filter(id="doubt", event=doubt))]

        async with argent(plugins=plugins, model=[ToolCall("1", "pay"), "done", "no"]):
            await argent.channel.ask("pay")
            assert (await argent.channel.next_reply()).text == "no"

        assert "comes from outside" in argent.model.requests[2].messages[-1].text

    async def test_a_reply_is_in_it_as_it_was_sent(self, argent: Argent) -> None:
        async def soften(reply: Reply) -> Reply:
            return evolve(reply, text=reply.text.replace("Damn", "Oh"))

        ends = Ends()
        plugins = [Demo(Filter(id="soften", reply=soften)), ends.plugin]

        async with argent(plugins=plugins, model=[["Damn", " it."], "ok"]):
            await argent.channel.ask("hi")
            await argent.channel.ask("what?")
            await eventually(lambda: len(ends.texts) == 2, what="both ends are told")

        assert argent.model.requests[1].messages[1].text == "Oh it."
        assert (ends.texts, ends.drafts) == (["Oh it.", "ok"], [])

    async def test_a_reply_that_was_held_back_is_not_in_it(self, argent: Argent) -> None:
        ends = Ends()
        plugins = [Demo(Filter(id="sieve", reply=rejects("rude"))), ends.plugin]

        async with argent(plugins=plugins, model=["Damn.", "ok"]) as kernel:
            for text in ("hi", "what?"):
                await ended(kernel, await argent.channel.say(text))
            await eventually(lambda: len(ends.texts) == 2, what="both ends are told")

        assert [message.text for message in argent.model.requests[1].messages] == ["what?"]
        assert (ends.texts, ends.drafts) == (["", ""], [])


class Ends:
    """An observer that keeps what is told of answers."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.drafts: list[str] = []
        kinds = (TurnFinished, Draft)
        self.plugin = Demo(Observer(id="ends", notify=self.notify, kinds=kinds), name="ends")

    async def notify(self, notice: Any) -> None:
        (self.drafts if isinstance(notice, Draft) else self.texts).append(notice.text)


class TestToolCalls:
    async def test_they_are_changed_before_they_are_run(self, argent: Argent) -> None:
        taken: list[str] = []

        async def polite(call: ToolCall) -> ToolCall:
            return evolve(call, arguments={"text": f"Dear Bob, {call.arguments['text']}"})

        plugins = [Demo(note(taken), Filter(id="polite", tool_call=polite))]
        script = [ToolCall("1", "send", {"text": "pay!"}), "done"]

        async with argent(plugins=plugins, model=script) as kernel:
            await argent.channel.ask("write")
            trace = await kernel.agent.trace("home")

        assert taken == ["Dear Bob, pay!"]
        assert trace is not None
        assert trace["steps"][1]["request"]["arguments"] == {"text": "Dear Bob, pay!"}

    async def test_what_a_filter_makes_of_them_is_checked_too(self, argent: Argent) -> None:
        taken: list[str] = []

        async def drop(call: ToolCall) -> ToolCall:
            return evolve(call, arguments={})

        plugins = [Demo(note(taken), Filter(id="drop", tool_call=drop))]
        script = [ToolCall("1", "send", {"text": "hi"}), "done"]

        async with argent(plugins=plugins, model=script):
            await argent.channel.ask("write")

        assert taken == []
        assert "missing required field `text`" in result_of(argent)

    @pytest.mark.parametrize(
        ("look", "reason"),
        [
            (rejects("not on a Sunday"), "send was not allowed: sieve: not on a Sunday"),
            (breaks, "send was not allowed: a filter failed: demo: filter sieve raised"),
            (rubbish, "send was not allowed: a filter failed: demo: filter sieve returned"),
        ],
    )
    async def test_a_no_or_a_failure_denies_them(
        self, argent: Argent, look: Any, reason: str
    ) -> None:
        taken: list[str] = []
        plugins = [Demo(note(taken), Filter(id="sieve", tool_call=look))]
        script = [ToolCall("1", "send", {"text": "hi"}), "I could not"]

        async with argent(plugins=plugins, model=script, allow_faults=True):
            assert await argent.channel.ask("write") == "I could not"

        assert taken == []
        assert reason in result_of(argent)


class TestReplies:
    async def test_they_are_changed_before_they_are_sent(self, argent: Argent) -> None:
        async def sign(reply: Reply) -> Reply:
            return evolve(reply, text=f"{reply.text} Yours, A.")

        async with argent(plugins=[Demo(Filter(id="sign", reply=sign))], model=["Hello."]):
            assert await argent.channel.ask("hi") == "Hello. Yours, A."

    @pytest.mark.parametrize(
        ("look", "reason"),
        [
            (rejects("rude"), "sieve: rude"),
            (breaks, "a filter failed: demo: filter sieve raised RuntimeError"),
        ],
    )
    async def test_a_no_or_a_failure_holds_them_back(
        self, argent: Argent, look: Any, reason: str
    ) -> None:
        plugins = [Demo(Filter(id="sieve", reply=look))]

        async with argent(plugins=plugins, model=["Damn."], allow_faults=True) as kernel:
            id = await argent.channel.say("hi")
            await ended(kernel, id)
            trace = await kernel.agent.trace("home")
            status = await kernel.agent.status()

        assert argent.channel.replies == []
        assert trace is not None
        assert (trace["state"], trace["answer"]) == ("done", "")
        (reply,) = trace["replies"]
        assert reply["state"] == "held" and reason in reply["reason"]
        assert status["replies"]["held"] == 1


def result_of(argent: Argent) -> str:
    (result,) = argent.model.requests[-1].messages[-1].parts
    assert isinstance(result, ToolResult) and result.is_error
    return result.text


class TestAbsence:
    """A filter whose plugin is not there cannot say no, so nothing gets through."""

    async def test_of_one_that_failed_to_start(self, argent: Argent) -> None:
        sieve = Demo(Filter(id="sieve", event=rejects("spam")), Service(key=A, open=raising))

        async with argent(plugins=[sieve], model=[], config=ONE_TRY, allow_faults=True) as kernel:
            event = await ended(kernel, await argent.channel.say("Buy now!"))

        assert event["state"] == "dead"
        assert "demo: its filter sieve does not run: Service a:" in event["reason"]
        assert "no power" in event["reason"]
        assert "argent plugins disable demo" in event["reason"]

    async def test_of_one_that_failed_denies_tools_and_holds_replies_back(
        self, argent: Argent
    ) -> None:
        taken: list[str] = []
        both = Filter(id="sieve", tool_call=rejects("no"), reply=rejects("no"))
        sieve = Demo(both, Service(key=A, open=raising))
        script = [ToolCall("1", "send", {"text": "hi"}), "done"]
        plugins = [Demo(note(taken), name="letters"), sieve]

        async with argent(plugins=plugins, model=script, allow_faults=True) as kernel:
            await ended(kernel, await argent.channel.say("write"))
            status = await kernel.agent.status()

        assert taken == [] and argent.channel.replies == []
        assert "its filter sieve does not run" in result_of(argent)
        assert status["replies"]["held"] == 1

    async def test_of_one_that_is_still_starting_makes_the_message_wait(
        self, argent: Argent
    ) -> None:
        entered, go_on = asyncio.Event(), asyncio.Event()

        @asynccontextmanager
        async def slow() -> AsyncIterator[str]:
            entered.set()
            await go_on.wait()
            yield "open"

        sieve = Demo(Filter(id="sieve", event=rejects("spam")), Service(key=A, open=slow))

        async with argent(plugins=[sieve], model=[], config=DEMO_OFF, allow_faults=True) as kernel:
            kernel.config = evolve(kernel.config, plugins={})
            enabling = asyncio.create_task(kernel.host.enable("demo"))
            await entered.wait()
            id = await argent.channel.say("Buy now!")
            await eventually(lambda: kernel.loop.running, what="a turn has begun")
            go_on.set()
            event = await ended(kernel, id)
            await enabling

        assert (event["state"], event["reason"]) == ("cancelled", "sieve: spam")

    async def test_of_one_that_is_still_imported_makes_the_message_wait(
        self, argent: Argent
    ) -> None:
        """Nobody knows yet that it has a filter."""
        imported = threading.Event()

        def slow() -> object:
            imported.wait(20)
            return Demo(Filter(id="sieve", event=rejects("spam")))

        async with argent(model=[]) as kernel:
            kernel.host.patience = 0.1
            await kernel.host.start([InstalledPlugin("late", slow)])
            id = await argent.channel.say("Buy now!")
            await eventually(lambda: kernel.loop.running, what="a turn has begun")
            imported.set()
            event = await ended(kernel, id)

        assert (event["state"], event["reason"]) == ("cancelled", "sieve: spam")

    async def test_of_one_that_was_disabled_is_the_persons_will(self, argent: Argent) -> None:
        sieve = Demo(Filter(id="sieve", event=rejects("spam")))

        async with argent(plugins=[sieve], model=["hi"]) as kernel:
            await kernel.host.disable("demo")
            assert states(kernel)["demo"] == "disabled"
            assert await argent.channel.ask("hello") == "hi"
