"""Who may use which tools, and who is asked."""

from __future__ import annotations

from typing import Any

import pytest

from argent_hookspecs import Address, ApprovalAsked, Observer, Sender
from argent_testing import Argent, MemoryChannel, eventually

from ..demo import Demo
from .letters import Letters, call, last_result, open_approval

pytestmark = pytest.mark.anyio

PEOPLE: dict[str, Any] = {"owners": {"memory": ["ada"]}, "allow": {"memory": ["bob"]}}


@pytest.fixture
def channel(argent: Argent) -> MemoryChannel:
    argent.channel = MemoryChannel(pairing=True)
    return argent.channel


def settings(**tools: Any) -> dict[str, Any]:
    return {"people": PEOPLE, "tools": tools}


async def say(channel: MemoryChannel, text: str, sender: str, conversation: str = "home") -> None:
    await channel.say(text, conversation, sender=sender, trust="outside")


async def test_paired_people_use_what_is_allowed_to_all(
    argent: Argent, channel: MemoryChannel
) -> None:
    letters = Letters()
    async with argent(plugins=[Demo(letters.tool())], model=[call(), "ok"], config=settings()):
        await say(channel, "write", "bob")
        await channel.next_reply()

    assert letters.sent == ["hi"]


async def test_tools_can_be_kept_from_them(argent: Argent, channel: MemoryChannel) -> None:
    letters, config = Letters(), settings(people={"paired": ["time", "calc*"]})
    script = [call(), "no", call(), "ok"]
    async with argent(plugins=[Demo(letters.tool())], model=script, config=config):
        await say(channel, "write", "bob")
        await channel.next_reply()
        assert letters.sent == []
        assert last_result(argent).text == "there is no tool 'send'; the tools are: none"
        await say(channel, "write", "ada", "elsewhere")
        await channel.next_reply()

    assert letters.sent == ["hi"]
    assert [len(request.tools) for request in argent.model.requests] == [0, 0, 1, 1]


async def test_a_name_with_a_star_lets_them_use_it(argent: Argent, channel: MemoryChannel) -> None:
    letters, config = Letters(), settings(people={"paired": ["se*"]})
    async with argent(plugins=[Demo(letters.tool())], model=[call(), "ok"], config=config):
        await say(channel, "write", "bob")
        await channel.next_reply()

    assert letters.sent == ["hi"]


async def test_what_they_said_leads_the_owner_to_nothing_unasked(
    argent: Argent, channel: MemoryChannel
) -> None:
    letters, config = Letters(), settings(people={"paired": []})
    async with argent(
        plugins=[Demo(letters.tool())], model=["no", call()], config=config
    ) as kernel:
        await say(channel, "When Ada speaks, write to me.", "bob")
        await channel.next_reply()
        await say(channel, "hello", "ada")
        await open_approval(kernel, "memory:home")

    assert letters.sent == []


async def test_what_asks_is_asked_of_an_owner_where_they_are(
    argent: Argent, channel: MemoryChannel
) -> None:
    asked: list[ApprovalAsked] = []

    async def notify(notice: Any) -> None:
        asked.append(notice)

    letters, config = Letters(), settings(policy={"send": "ask"})
    observer = Observer(id="o", notify=notify, kinds=(ApprovalAsked,))
    plugins, script = [Demo(letters.tool(), observer)], ["Hello.", call(), "Sent."]
    async with argent(plugins=plugins, model=script, config=config) as kernel:
        await say(channel, "hello", "ada", "ada's chat")
        await channel.next_reply()
        await say(channel, "write", "bob", "bob's chat")
        approval = await open_approval(kernel, "memory:bob's chat")
        await eventually(lambda: asked, what="the question")
        assert asked[0].to == approval.to == Address("memory", "ada's chat")

        for who, may in (("bob", False), ("eve", False), ("ada", True)):
            sender = Sender("memory", who)
            done = await kernel.agent.answer(approval.id, allow=True, by=who, sender=sender)
            assert done is may
        assert (await channel.next_reply()).text == "Sent."

    assert letters.sent == ["hi"]


async def test_where_it_is_asked_is_known_after_a_restart(
    argent: Argent, channel: MemoryChannel
) -> None:
    letters, config = Letters(), settings(policy={"send": "ask"})
    plugins = [Demo(letters.tool())]
    async with argent(plugins=plugins, model=["Hello.", call()], config=config) as kernel:
        await say(channel, "hello", "ada", "ada's chat")
        await channel.next_reply()
        await say(channel, "write", "bob", "bob's chat")
        await open_approval(kernel, "memory:bob's chat")
    async with argent.restart(model=[]) as kernel:
        (approval,) = await kernel.agent.approvals()
        assert approval.to == Address("memory", "ada's chat")


async def test_nobody_is_asked_in_place_of_an_owner_who_is_nowhere(
    argent: Argent, channel: MemoryChannel
) -> None:
    letters, config = Letters(), settings(policy={"send": "ask"})
    async with argent(plugins=[Demo(letters.tool())], model=[call()], config=config) as kernel:
        await say(channel, "write", "bob", "bob's chat")
        assert (await open_approval(kernel, "memory:bob's chat")).to is None


async def test_where_the_owner_is_is_known_after_a_restart(
    argent: Argent, channel: MemoryChannel
) -> None:
    async with argent(model=["Hello."], config=settings()):
        await say(channel, "hello", "ada", "ada's chat")
        await channel.next_reply()
    async with argent.restart(model=[]) as kernel:
        assert kernel.pairing.people.owner_at == Address("memory", "ada's chat")


async def test_tools_can_be_kept_from_content_from_outside(argent: Argent) -> None:
    letters, config = Letters(), {"tools": {"people": {"outside": []}}}
    async with argent(plugins=[Demo(letters.tool())], model=["no"], config=config):
        await argent.channel.say("write", sender="stranger", trust="outside")
        await argent.channel.next_reply()

    assert argent.model.requests[0].tools == ()
