from __future__ import annotations

from typing import Any

import pytest

from argent_hookspecs import ModelTier, ModelUnavailable, Permission, Tool, ToolCall
from argent_testing import Argent, MemoryChannel, eventually, hang

from ..demo import Demo
from .vendors import Vendor, starting_with

pytestmark = pytest.mark.anyio

POWERFUL = ModelTier(id="p", name="powerful", below=2.0, provider="scripted", model="large")


def models(argent: Argent) -> list[str]:
    return [request.model for request in argent.model.requests]


async def test_a_message_can_name_its_tier(argent: Argent) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=["a", "b"]):
        await argent.channel.ask("@powerful What is life?")
        await argent.channel.ask("And without?")

    assert models(argent) == ["large", "scripted"]
    assert argent.model.requests[0].messages[-1].text.endswith("What is life?")
    assert "@powerful" not in argent.model.requests[1].messages[0].text


async def test_a_conversation_can_have_its_tier_also_after_a_restart(argent: Argent) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=["a", "b"]):
        assert "powerful answers here" in await argent.channel.ask("/model powerful")
        await argent.channel.ask("one")
        await argent.channel.ask("two", "elsewhere")
    assert models(argent) == ["large", "scripted"]

    async with argent.restart(model=["c", "d"]):
        assert "Now: powerful" in await argent.channel.ask("/model")
        await argent.channel.ask("three")
        await argent.channel.ask("/model auto")
        await argent.channel.ask("four")
    assert models(argent) == ["large", "scripted"]


async def test_who_answers_instead_of_the_tier_that_was_asked_for_is_said(argent: Argent) -> None:
    replies = [ModelUnavailable("overloaded"), "a", "b"]
    async with argent(plugins=[Demo(POWERFUL)], model=replies):
        asked = await argent.channel.ask("@powerful What is life?")
        unasked = await argent.channel.ask("And without?")

    assert asked == "a\n\n(This is from local, as powerful could not answer: overloaded)"
    assert unasked == "b"
    assert models(argent) == ["large", "scripted", "scripted"]
    assert [message.text for message in argent.model.requests[2].messages][1] == "a"


async def test_whose_tier_has_no_provider_hears_how_another_one_answers(argent: Argent) -> None:
    lost = ModelTier(id="l", name="lost", below=2.0, provider="gone", model="large")
    async with argent(plugins=[Demo(lost)], model=[]):
        answer = await argent.channel.ask("@lost What is life?")

    assert "lost was asked for, but none of its models runs" in answer
    assert "leave out @lost; or say /model auto, if lost was chosen for the conversation" in answer


async def test_a_tier_that_is_none_is_named_with_those_that_are(argent: Argent) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=[]):
        answer = await argent.channel.ask("/model enormous")

    assert answer == "There is no enormous. There are: auto, local, powerful."


@pytest.mark.parametrize("text", ["@nobody hi", "@powerful", "me@powerful hi", "/model a b"])
async def test_what_only_looks_like_it_is_told_to_the_model(argent: Argent, text: str) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=["ok"]):
        assert await argent.channel.ask(text) == "ok"

    assert models(argent) == ["scripted"]
    assert argent.model.requests[0].messages[-1].text.endswith(text)


async def test_strangers_choose_nothing(argent: Argent) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=["no", "no"]):
        for text in ("/model powerful", "@powerful hi"):
            await argent.channel.say(text, trust="outside")
            assert (await argent.channel.next_reply()).text == "no"

    assert models(argent) == ["scripted", "scripted"]


async def test_who_asks_for_a_model_of_this_machine_is_not_answered_from_elsewhere(
    argent: Argent,
) -> None:
    local, fast = Vendor("local", ModelUnavailable("busy"), local=True), Vendor("fast")
    plugins, config = [local.plugin(), fast.plugin()], starting_with("fast")

    async with argent(plugins=plugins, config=config):
        assert "busy" in await argent.channel.ask("@local Keep this here.")

    assert fast.requests == []


PEOPLE: dict[str, Any] = {"people": {"allow": {"memory": ["bob"]}}}


@pytest.fixture
def channel(argent: Argent) -> MemoryChannel:
    argent.channel = MemoryChannel(pairing=True)
    return argent.channel


class TestStop:
    @pytest.mark.parametrize("text", ["/stop", " /stop\n", "/stop@my_bot"])
    async def test_it_does_not_wait_behind_what_it_stops(self, argent: Argent, text: str) -> None:
        async with argent(model=[hang, "Later."]) as kernel:
            first = await argent.channel.say("Tell me everything.")
            await argent.model.asked(1)
            id = await argent.channel.say(text)

            assert (await argent.channel.next_reply()).text == "Stopped."
            shown = [await kernel.agent.events.show(str(one)) for one in (first, id)]
            assert [event["state"] for event in shown] == ["cancelled", "done"]
            assert await argent.channel.ask("And now?") == "Later."

    async def test_where_nothing_is_answered_it_says_so(self, argent: Argent) -> None:
        async with argent(model=[hang]) as kernel:
            await argent.channel.say("Tell me everything.", "elsewhere")
            await argent.model.asked(1)

            assert await argent.channel.ask("/stop") == "Nothing is being answered here."
            assert len(kernel.loop.running) == 1
            await kernel.agent.stop()

    async def test_what_was_seen_before_stops_nothing(self, argent: Argent) -> None:
        async with argent(model=[hang]) as kernel:
            await argent.channel.say("/stop", dedupe_key="1")
            await argent.channel.next_reply()
            await argent.channel.say("Tell me everything.")
            await argent.model.asked(1)
            assert await argent.channel.say("/stop", dedupe_key="1") is None

            assert len(kernel.loop.running) == 1
            await kernel.agent.stop()

    async def test_a_stranger_stops_nothing(self, argent: Argent, channel: MemoryChannel) -> None:
        async with argent(model=[hang]) as kernel:
            await channel.say("Tell me everything.", sender="ada")
            await argent.model.asked(1)
            await channel.say("/stop", sender="eve", trust="outside")

            assert "argent pair approve" in (await channel.next_reply()).text
            assert len(kernel.loop.running) == 1
            await kernel.agent.stop()

    async def test_what_waits_for_a_persons_word_is_stopped_too(self, argent: Argent) -> None:
        async def send() -> str:
            return "sent"

        asking = Tool(id="send", description="", run=send, permission=Permission.ASK)
        async with argent(plugins=[Demo(asking)], model=[ToolCall("1", "send")]) as kernel:
            id = await argent.channel.say("Send it.")
            await argent.model.asked(1)
            await eventually(lambda: not kernel.loop.running, what="the turn waits")

            assert await argent.channel.ask("/stop") == "Stopped."
            assert (await kernel.agent.events.show(str(id)))["state"] == "cancelled"
            assert await kernel.agent.approvals() == []


async def test_what_was_said_before_a_new_conversation_is_not_told(argent: Argent) -> None:
    async with argent(model=["one", "two", "three"]) as kernel:
        await argent.channel.ask("My name is Ada.")
        await argent.channel.ask("I live here.", "elsewhere")
        assert "a new conversation begins" in await argent.channel.ask("/new")
        await argent.channel.ask("Who am I?")
        assert len(await kernel.agent.history("home")) == 2
    async with argent.restart(model=["four", "five"]):
        await argent.channel.ask("And now?")
        await argent.channel.ask("And there?", "elsewhere")

    here, there = (
        [message.text for message in request.messages] for request in argent.model.requests
    )
    assert here == ["Who am I?", "three", "And now?"]
    assert there[0] == "I live here."


async def test_a_paired_person_is_told_less(argent: Argent, channel: MemoryChannel) -> None:
    async with argent(model=[], config=PEOPLE):
        for text, answer in (
            ("/status", "Only the owner may ask for that."),
            ("/help", "`/stop` stops the answer"),
            ("/new", "a new conversation begins"),
        ):
            await channel.say(text, sender="bob", trust="outside")
            assert answer in (await channel.next_reply()).text
        assert "/status" in await channel.ask("/help")


async def test_the_owner_is_told_how_the_agent_is(argent: Argent, channel: MemoryChannel) -> None:
    async with argent(model=[], config={"agent": {"id": "ada"}}):
        await channel.say("hello", sender="eve", trust="outside")
        await channel.next_reply()
        first, *rest = (await channel.ask("/status")).splitlines()

    assert first == "ada runs."
    assert "- Models: local (scripted)" in rest
    assert "- Events: 0 waiting, 0 under way, 0 dead" in rest
    assert "- 1 asking to be let in: `argent pair list`" in rest


@pytest.mark.parametrize("text", ["/tasks", "/foo", "/foo@bot "])
async def test_a_command_that_is_none_reaches_no_model(argent: Argent, text: str) -> None:
    async with argent(model=[]):
        answer = await argent.channel.ask(text)

    assert (
        answer
        == f"There is no {text.strip().removesuffix('@bot')} here. /help lists what there is."
    )


@pytest.mark.parametrize("text", ["/etc/passwd", "/tmp what is that?", "/Users", "what is /foo"])
async def test_what_only_looks_like_one_is_a_message(argent: Argent, text: str) -> None:
    async with argent(model=["A folder."]):
        assert await argent.channel.ask(text) == "A folder."
