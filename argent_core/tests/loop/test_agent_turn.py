from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from argent_core.kernel import Kernel
from argent_hookspecs import (
    Address,
    ContextBlock,
    ContextProvider,
    ContextTooLong,
    Draft,
    Event,
    Filter,
    Finish,
    FinishReason,
    Message,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    ModelTier,
    ModelUnavailable,
    Notice,
    Observer,
    Price,
    Reject,
    Role,
    Text,
    TextDelta,
    ToolCall,
    ToolFinished,
    ToolResult,
    ToolStarted,
    Trust,
    TurnFinished,
    TurnStarted,
    Usage,
    tool,
)
from argent_testing import Argent, eventually, hang

from ..demo import Demo, ended
from .slow_tool import LOOK, SlowTool

pytestmark = pytest.mark.anyio

Stream = Callable[[ModelRequest], AsyncIterator[Any]]


class Talker:
    """A model whose streams a test has written as generators."""

    def __init__(self, *streams: Stream, price: Price | None = None) -> None:
        self.streams = list(streams)
        self.requests: list[ModelRequest] = []
        self.price = price

    def plugin(self, **provider: Any) -> Demo:
        tier = ModelTier(id="talk", name="local", below=0.3, provider="talk", model="talk-1")
        opened = ModelProvider(id="talk", open=lambda: nullcontext(self), **provider)
        return Demo(opened, tier, name="talk")

    def stream(self, request: ModelRequest) -> AsyncIterator[Any]:
        self.requests.append(request)
        return self.streams.pop(0)(request)

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=8000, price=self.price)


def says(*parts: Any) -> Stream:
    async def stream(request: ModelRequest) -> AsyncIterator[Any]:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield TextDelta(part) if isinstance(part, str) else part

    return stream


def making(part: Callable[[], Any]) -> Stream:
    """Make a stream of a part that is made while it streams."""

    async def stream(request: ModelRequest) -> AsyncIterator[Any]:
        yield TextDelta("Half ")
        yield part()

    return stream


def says_and_hangs(*words: str) -> Stream:
    async def stream(request: ModelRequest) -> AsyncIterator[Any]:
        for word in words:
            yield TextDelta(word)
        await hang()

    return stream


class Diary:
    """An observer that keeps every notice."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def notify(self, notice: Notice) -> None:
        self.notices.append(notice)

    @property
    def plugin(self) -> Demo:
        return Demo(Observer(id="diary", notify=self.notify), name="diary")

    def of(self, kind: type[Any]) -> list[Any]:
        return [notice for notice in self.notices if isinstance(notice, kind)]


async def test_the_model_is_told_what_it_said_and_what_came_of_it(argent: Argent) -> None:
    @tool
    async def double(number: int) -> int:
        return 2 * number

    script: list[Any] = [
        ["Let me see.", ToolCall("x", "double", {"number": 1})],
        ToolCall("x", "double", {"number": 2}),
        "It is 4.",
    ]

    async with argent(plugins=[Demo(double)], model=script):
        assert await argent.channel.ask("twice 2?") == "It is 4."

    calls = [
        ToolCall("c00000000", "double", {"number": 1}),
        ToolCall("c00002000", "double", {"number": 2}),
    ]
    assert argent.model.requests[2].messages == (
        Message(Role.USER, "twice 2?"),
        Message(Role.ASSISTANT, (Text("Let me see."), calls[0])),
        Message(Role.USER, (ToolResult("c00000000", "double", "2"),)),
        Message(Role.ASSISTANT, (calls[1],)),
        Message(Role.USER, (ToolResult("c00002000", "double", "4"),)),
    )
    assert len({request.key for request in argent.model.requests}) == 3


class TestSteering:
    async def test_what_is_said_meanwhile_is_given_to_the_running_turn(
        self, argent: Argent
    ) -> None:
        slow = SlowTool()

        async with argent(plugins=[slow.plugin], model=[LOOK, "both", "later"]) as kernel:
            first = await argent.channel.say("look")
            await slow.begun.wait()
            second = await argent.channel.say("and be quick")
            third = await argent.channel.say("please")
            slow.open.set()
            assert (await argent.channel.next_reply()).text == "both"
            events = [await ended(kernel, id) for id in (first, second, third)]
            assert await argent.channel.ask("next") == "later"

        heard = argent.model.requests[1].messages[-1]
        assert heard.parts[1:] == (Text("and be quick\nplease"),)
        assert [event["state"] for event in events] == ["done"] * 3
        assert {event["turn"] for event in events} == {first}
        assert argent.model.requests[2].messages[0].text == "look\nand be quick\nplease"
        assert len(argent.channel.replies) == 2

    @pytest.mark.parametrize(
        "other",
        [
            {"sender": "somebody else"},
            {"trust": Trust.OUTSIDE},
            {"trust": Trust.PAIRED},
            {"kind": "task"},
            {"reply_to": Address("memory", "elsewhere")},
        ],
    )
    async def test_only_the_same_person_steers(self, argent: Argent, other: dict[str, Any]) -> None:
        slow = SlowTool()
        known = {
            "sender": "owner",
            "trust": Trust.OWNER,
            "conversation": "home",
            "reply_to": Address("memory", "home"),
        }

        async with argent(plugins=[slow.plugin], model=[LOOK, "one", "two"]) as kernel:
            await argent.channel.say("look")
            await slow.begun.wait()
            id = await argent.channel.emit(Event(**{**known, "content": "stop!", **other}))
            slow.open.set()
            assert (await argent.channel.next_reply()).text == "one"
            assert (await ended(kernel, id))["turn"] == id
            answer = await argent.channel.next_reply()

        assert argent.model.requests[1].messages[-1].text == ""
        assert answer.to == other.get("reply_to", known["reply_to"])

    async def test_one_that_cannot_be_read_does_not_steer(self, argent: Argent) -> None:
        slow, sql = SlowTool(), "UPDATE events SET body = '[]' WHERE id = ?"

        async with argent(plugins=[slow.plugin], model=[LOOK, "looked"]) as kernel:
            await argent.channel.say("look")
            await slow.begun.wait()
            broken = await argent.channel.say("and be quick")
            await kernel.journal.database.write(lambda tx: tx.execute(sql, (broken,)))
            slow.open.set()
            assert (await argent.channel.next_reply()).text == "looked"
            event = await ended(kernel, broken)

        assert event["state"] == "dead"

    async def test_what_is_said_during_the_last_answer_starts_the_next_turn(
        self, argent: Argent
    ) -> None:
        going, gate = asyncio.Event(), asyncio.Event()

        async def last(request: ModelRequest) -> AsyncIterator[Any]:
            yield TextDelta("one")
            going.set()
            await gate.wait()
            yield Finish()

        talker = Talker(last, says("two", Finish()))

        async with argent(plugins=[talker.plugin()]):
            await argent.channel.say("first")
            await going.wait()
            await argent.channel.say("second")
            gate.set()
            replies = [(await argent.channel.next_reply()).text for _ in range(2)]

        assert replies == ["one", "two"]
        assert talker.requests[1].messages[-1].text == "second"

    async def test_it_is_remembered_across_a_restart(self, argent: Argent) -> None:
        slow = SlowTool()

        async with argent(plugins=[slow.plugin], model=[LOOK, hang]):
            await argent.channel.say("look")
            await slow.begun.wait()
            await argent.channel.say("and be quick")
            slow.open.set()
            await argent.model.asked(2)
        async with argent.restart(model=["done"]):
            assert (await argent.channel.next_reply()).text == "done"

        (request,) = argent.model.requests
        assert request.messages[-1].text == "and be quick"
        assert len(argent.channel.replies) == 1

    async def test_what_comes_before_a_restart_waits_until_the_turn_is_where_it_was(
        self, argent: Argent
    ) -> None:
        slow = SlowTool()
        slow.open.set()

        async with argent(plugins=[slow.plugin], model=[LOOK, LOOK, hang]):
            await argent.channel.say("look twice")
            await argent.model.asked(3)
            await argent.channel.say("and then?")
        async with argent.restart(model=["looked", "nothing"]):
            replies = [(await argent.channel.next_reply()).text for _ in range(2)]

        assert replies == ["looked", "nothing"]
        assert argent.model.requests[1].messages[-1].text == "and then?"

    async def test_it_is_heard_again_when_the_turn_is_tried_again(self, argent: Argent) -> None:
        slow, busy = SlowTool(), ModelUnavailable("busy")

        async with argent(plugins=[slow.plugin], model=[LOOK, busy, "both"]) as kernel:
            first = await argent.channel.say("look")
            await slow.begun.wait()
            second = await argent.channel.say("and be quick")
            slow.open.set()
            await argent.model.asked(2)
            await eventually(lambda: not kernel.loop.running, what="the turn is put back")
            await argent.clock.advance(60)
            assert (await argent.channel.next_reply()).text == "both"
            events = [await ended(kernel, id) for id in (first, second)]

        assert argent.model.requests[2].messages[-1].text == "and be quick"
        assert [event["state"] for event in events] == ["done", "done"]

    async def test_it_ends_with_a_turn_that_is_stopped(self, argent: Argent) -> None:
        slow = SlowTool()

        async with argent(plugins=[slow.plugin], model=[LOOK, hang, "ok"]) as kernel:
            first = await argent.channel.say("look")
            await slow.begun.wait()
            second = await argent.channel.say("and be quick")
            slow.open.set()
            await argent.model.asked(2)
            assert await kernel.agent.stop("home") == 1
            events = [await ended(kernel, id) for id in (first, second)]
            assert await argent.channel.ask("hello") == "ok"

        assert [event["state"] for event in events] == ["cancelled", "cancelled"]

    async def test_what_a_filter_rejects_does_not_steer(self, argent: Argent) -> None:
        async def manners(event: Event) -> Event | Reject:
            return Reject("shouting") if event.text.isupper() else event

        slow = SlowTool()
        plugins = [slow.plugin, Demo(Filter(id="manners", event=manners), name="manners")]

        async with argent(plugins=plugins, model=[LOOK, "looked"]) as kernel:
            await argent.channel.say("look")
            await slow.begun.wait()
            rejected = await argent.channel.say("HURRY UP")
            slow.open.set()
            assert (await argent.channel.next_reply()).text == "looked"
            event = await ended(kernel, rejected)

        assert (event["state"], event["reason"]) == ("cancelled", "manners: shouting")
        assert argent.model.requests[1].messages[-1].text == ""


class TestAnswers:
    async def test_drafts_are_the_whole_text_so_far(self, argent: Argent) -> None:
        diary, talker = Diary(), Talker(says("Hel", "lo ", "you.", Finish()))

        async with argent(plugins=[talker.plugin(), diary.plugin]):
            assert await argent.channel.ask("hi") == "Hello you."
            await eventually(lambda: diary.of(TurnFinished), what="the end is told")

        drafts = [draft.text for draft in diary.of(Draft)]
        assert drafts[0] == "Hel" and drafts[-1] == "Hello you."
        assert all(text.startswith(before) for before, text in pairwise(drafts))

    async def test_what_was_said_until_it_was_stopped_is_kept(self, argent: Argent) -> None:
        diary = Diary()
        talker = Talker(says_and_hangs("Half ", "an ", "answer"), says("Yes.", Finish()))

        async with argent(plugins=[talker.plugin(), diary.plugin]) as kernel:
            id = await argent.channel.say("tell me")
            await eventually(lambda: diary.of(Draft), what="the first words are told")
            assert await kernel.agent.stop("home") == 1
            event, trace = await ended(kernel, id), await kernel.agent.trace("home")
            await argent.channel.ask("go on")
            await eventually(lambda: len(diary.of(TurnFinished)) == 2, what="both ends are told")

        assert event["state"] == "cancelled"
        assert trace is not None and trace["answer"] == "Half an answer"
        assert diary.of(TurnFinished)[0].text == "Half an answer"
        assert talker.requests[1].messages[1] == Message(Role.ASSISTANT, "Half an answer")

    @pytest.mark.parametrize("text", ["", " \n\t"])
    async def test_an_empty_one_is_said_to_be_empty(self, argent: Argent, text: str) -> None:
        async with argent(model=[[text]]):
            assert await argent.channel.ask("hi") == "(The model gave no answer.)"

    async def test_one_that_was_cut_says_so(self, argent: Argent) -> None:
        async with argent(model=[["Half an", Finish(reason=FinishReason.LENGTH)]]):
            reply = await argent.channel.ask("hi")

        assert reply.startswith("Half an\n\n(The answer was cut here")

    async def test_an_event_with_nowhere_to_answer_to_is_recorded(self, argent: Argent) -> None:
        async with argent(model=["noted"]) as kernel:
            event = Event(kind="task", conversation="home", content="tidy up", trust="owner")
            id = await argent.channel.emit(event)
            await ended(kernel, id)
            trace = await kernel.agent.trace("home")

        assert trace is not None
        assert (trace["state"], trace["answer"], trace["replies"]) == ("done", "noted", [])

    async def test_after_the_last_step_the_model_answers_without_tools(
        self, argent: Argent
    ) -> None:
        slow = SlowTool()
        slow.open.set()
        config = {"loop": {"maxSteps": 2}}
        script = [LOOK, LOOK, ["That is all.", LOOK]]

        async with argent(plugins=[slow.plugin], model=script, config=config):
            assert await argent.channel.ask("look") == "That is all."

        requests = argent.model.requests
        assert [request.may_call for request in requests] == [True, True, False]
        assert requests[0].tools == requests[1].tools == requests[2].tools != ()


class TestFailingModels:
    @pytest.mark.parametrize(
        ("stream", "reason"),
        [
            (says("Half an"), "the answer of talk-1 broke off"),
            (says(), "the answer of talk-1 broke off"),
            (says("Half", RuntimeError("out of memory")), "raised RuntimeError: out of memory"),
            (says("Half", {"text": "an"}), "streamed something else than it should"),
            (says(None), "streamed something else than it should"),
            (says(TextDelta("x"), LOOK), "the answer of talk-1 broke off"),
            (says(5), "streamed something else than it should"),
            (making(lambda: TextDelta(5)), "model talk-1 raised TypeError"),  # type: ignore[arg-type]
            (making(lambda: ToolCall("1", "look", [1])), "model talk-1 raised TypeError"),  # type: ignore[arg-type]
            (making(lambda: ToolCall("1", None)), "model talk-1 raised TypeError"),  # type: ignore[arg-type]
            (lambda request: None, "'async for' requires"),
            (lambda request: 1 / 0, "raised ZeroDivisionError"),
        ],
    )
    async def test_is_a_failed_try_and_the_next_one_counts(
        self, argent: Argent, stream: Any, reason: str
    ) -> None:
        talker, slow = Talker(stream, says("whole", Finish())), SlowTool()
        plugins = [talker.plugin(), slow.plugin]

        async with argent(plugins=plugins, allow_faults=True) as kernel:
            id = str(await argent.channel.say("hi"))
            await eventually(lambda: talker.requests, what="the model is asked")
            await eventually(lambda: not kernel.loop.running, what="the turn is put back")
            failed = await kernel.agent.events.show(id)
            await argent.clock.advance(60)
            assert (await argent.channel.next_reply()).text == "whole"

        assert (failed["state"], failed["attempts"]) == ("ready", 1)
        assert reason in failed["reason"]
        assert not slow.begun.is_set()
        assert talker.requests[0].key == talker.requests[1].key

    async def test_a_silent_one_is_given_up(self, argent: Argent) -> None:
        talker = Talker(says_and_hangs("Half"))
        plugins, config = [talker.plugin(idle_timeout=0.05)], {"loop": {"maxAttempts": 1}}

        async with argent(plugins=plugins, config=config, allow_faults=True):
            reply = await argent.channel.ask("hi")

        assert "model talk-1 was silent for 0.05 s" in reply

    async def test_one_that_never_ends_is_given_up(self, argent: Argent) -> None:
        async def forever(request: ModelRequest) -> AsyncIterator[Any]:
            while True:
                yield TextDelta("la ")
                await asyncio.sleep(0)

        plugins = [Talker(forever).plugin(timeout=0.1)]

        async with argent(plugins=plugins, config={"loop": {"maxAttempts": 1}}):
            reply = await argent.channel.ask("hi")

        assert "talk-1 took longer than 0.1 s" in reply

    async def test_too_much_context_is_cut_down(self, argent: Argent) -> None:
        too_long = ContextTooLong("my window is smaller than I said")
        script = [*["word " * 400] * 20, too_long, too_long, "ok"]

        async with argent(model=script):
            for n in range(20):
                await argent.channel.ask(f"{n} " + "word " * 800)
            assert await argent.channel.ask("and now?") == "ok"

        sizes = [len(request.messages) for request in argent.model.requests[-3:]]
        assert sizes[0] > sizes[1] > sizes[2]
        assert len({request.key for request in argent.model.requests[-3:]}) == 1

    @pytest.mark.parametrize(("words", "tries"), [(1, 3), (9000, 2)])
    async def test_if_it_is_still_too_much_the_person_is_told(
        self, argent: Argent, words: int, tries: int
    ) -> None:
        too_long = ContextTooLong("no")

        async with argent(model=[too_long] * tries) as kernel:
            id = await argent.channel.say("word " * words)
            reply = await argent.channel.next_reply()
            event = await ended(kernel, id)

        assert "the message does not fit the model's window; shorten it" in reply.text
        assert (event["state"], event["attempts"]) == ("dead", 1)


async def test_observers_hear_of_a_turn_in_order(argent: Argent) -> None:
    diary, slow = Diary(), SlowTool()
    slow.open.set()

    async with argent(plugins=[diary.plugin, slow.plugin], model=[LOOK, "done"]):
        await argent.channel.ask("look")
        await eventually(lambda: diary.of(TurnFinished), what="the end is told")

    kinds = (TurnStarted, ToolStarted, ToolFinished, Draft, TurnFinished)
    told = [notice for notice in diary.notices if isinstance(notice, kinds)]
    assert [type(notice) for notice in told] == list(kinds)
    assert told[1].tool == "look" and told[2].text == "looked"
    assert told[4].state == "done" and told[4].text == "done"
    assert len({notice.turn for notice in told}) == 1


async def test_a_turn_leaves_a_complete_trace(argent: Argent) -> None:
    async def rain(request: Any) -> list[ContextBlock]:
        return [ContextBlock(text="It rains.", source="sky", trust=Trust.OUTSIDE)]

    slow = SlowTool()
    slow.open.set()
    talker = Talker(
        says(LOOK, Finish(usage=Usage(input_tokens=1000, output_tokens=10))),
        says("Done.", Finish(usage=Usage(input_tokens=2000, output_tokens=20))),
        price=Price(input=3.0, output=15.0),
    )
    sky = Demo(ContextProvider(id="weather", provide=rain), name="sky")

    async with argent(plugins=[slow.plugin, talker.plugin(), sky]) as kernel:
        id = await argent.channel.say("look")
        await argent.channel.next_reply()
        trace = await finished_trace(kernel)

    (event,) = trace["events"]
    assert (event["id"], event["source"], event["priority"]) == (id, "memory", 2)
    assert event["event"]["content"] == [{"text": "look"}]
    assert [(b["provider"], b["stable"], b["trust"]) for b in trace["context"]] == [
        ("argent/workspace", True, "owner"),
        ("argent/workspace", True, "owner"),
        ("sky/weather", False, "outside"),
    ]
    assert trace["route"]["provider"] == "talk" and trace["route"]["score"] > 0
    assert [(s["kind"], s["name"], s["state"]) for s in trace["steps"]] == [
        ("model", "talk-1", "done"),
        ("tool", "look", "done"),
        ("model", "talk-1", "done"),
    ]
    assert trace["steps"][0]["cost"] == pytest.approx(0.00315)
    usage = trace["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (3000, 30)
    assert usage["cost"] == pytest.approx(0.00945)
    (reply,) = trace["replies"]
    assert (reply["state"], reply["receipt"], reply["attempts"]) == ("sent", "memory-1", 1)
    times = [event["received_at"], trace["started_at"], trace["finished_at"], reply["finished_at"]]
    assert all(datetime.fromisoformat(time).tzinfo is not None for time in times)


async def finished_trace(kernel: Kernel) -> dict[str, Any]:
    """Wait until the reply to the newest turn was sent, and explain that turn."""
    async with asyncio.timeout(10):
        while True:
            trace = await kernel.agent.trace("home")
            if trace is not None and [r["state"] for r in trace["replies"]] == ["sent"]:
                return dict(trace)
