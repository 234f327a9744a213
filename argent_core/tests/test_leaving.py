"""Somebody is blocked, or let in no longer, while something is under way for them."""

from __future__ import annotations

from typing import Any

import pytest

from argent_core.config import PeopleSettings, set_value
from argent_core.kernel import Kernel
from argent_core.people import Standing
from argent_hookspecs import (
    ModelUnavailable,
    Observer,
    Sender,
    StorageError,
    Trust,
    TurnFinished,
)
from argent_testing import Argent, MemoryChannel, eventually, hang

from .demo import Demo
from .loop.letters import Letters, call, open_approval

pytestmark = pytest.mark.anyio

PEOPLE: dict[str, Any] = {"owners": {"memory": ["ada"]}}
CONFIG: dict[str, Any] = {"people": PEOPLE, "tools": {"policy": {"send": "ask"}}}


@pytest.fixture
def channel(argent: Argent) -> MemoryChannel:
    argent.channel = MemoryChannel(pairing=True)
    return argent.channel


async def say(channel: MemoryChannel, text: str, sender: str = "bob") -> str:
    id = await channel.say(text, f"chat of {sender}", sender=sender, trust="outside")
    return str(id)


async def let_in(kernel: Kernel, channel: MemoryChannel) -> None:
    made = await kernel.control.run(
        "pair.invite", {"standing": "paired", "channel": "memory", "by": "ada"}
    )
    await say(channel, made["code"])
    await channel.next_reply()


async def send_away(kernel: Kernel, how: str) -> str:
    """Block or revoke, and return what is said of it on record."""
    given = {"channel": "memory", "sender": "bob"}
    if how == "block":
        await kernel.control.run("pair.block", {**given, "by": "ada"})
        return "its sender was blocked"
    await kernel.control.run("pair.revoke", given)
    return "its sender was let in no longer"


async def demand_cancelled(kernel: Kernel, id: str, reason: str) -> None:
    shown = await kernel.agent.events.show(id)
    assert (shown["state"], shown["reason"]) == ("cancelled", reason)
    turn = await kernel.agent.trace_rows.turn(id)
    assert turn is not None and turn["state"] == "cancelled"


@pytest.mark.parametrize("how", ["block", "revoke"])
async def test_what_waits_for_the_owners_word_ends(
    argent: Argent, channel: MemoryChannel, how: str
) -> None:
    letters, heard = Letters(), []

    async def notify(notice: Any) -> None:
        heard.append((notice.turn, notice.state))

    observer = Observer(id="o", notify=notify, kinds=(TurnFinished,))
    plugins = [Demo(letters.tool(), observer)]
    async with argent(plugins=plugins, model=[call()], config=CONFIG) as kernel:
        await let_in(kernel, channel)
        id = await say(channel, "write")
        approval = await open_approval(kernel, "")
        reason = await send_away(kernel, how)

        assert await kernel.agent.approvals() == []
        assert not await kernel.agent.answer(approval.id, allow=True, by="ada")
        await demand_cancelled(kernel, id, reason)
        await eventually(lambda: (id, "cancelled") in heard, what="it is told")
        assert len(channel.replies) == 1
    assert letters.sent == []


async def test_a_turn_that_runs_is_stopped(argent: Argent, channel: MemoryChannel) -> None:
    async with argent(model=[hang, "Hello Ada."], config=CONFIG) as kernel:
        await let_in(kernel, channel)
        id = await say(channel, "hello")
        await argent.model.asked(1)
        reason = await send_away(kernel, "block")
        await eventually(lambda: not kernel.loop.running, what="it is stopped")

        await demand_cancelled(kernel, id, reason)
        await say(channel, "hello", "ada")
        assert (await channel.next_reply()).text == "Hello Ada."
        assert [reply.text for reply in channel.replies][1:] == ["Hello Ada."]


async def test_who_is_taken_out_of_the_settings_loses_what_is_under_way(
    argent: Argent, channel: MemoryChannel
) -> None:
    named: dict[str, Any] = {"owners": {"memory": ["ada", "bob"]}, "allow": {"memory": ["eve"]}}
    script = [hang, "Hello Eve."]
    async with argent(model=script, config={"people": named}) as kernel:
        id = await say(channel, "hello")
        await argent.model.asked(1)
        set_value(kernel.home, "people.owners.memory", text='["ada"]')
        await kernel.control.run("reload", {})
        await eventually(lambda: not kernel.loop.running, what="it is stopped")

        await demand_cancelled(kernel, id, "its sender was let in no longer")
        await say(channel, "hello", "eve")
        assert (await channel.next_reply()).text == "Hello Eve."
        assert kernel.pairing.people.owner_at is None


@pytest.mark.parametrize(
    "named", [{"allow": {"memory": ["ada"]}}, {"owners": {"memory": ["eve"]}}], ids=["paired", "no"]
)
async def test_an_owner_who_is_one_no_longer_at_the_next_start_loses_it_too(
    argent: Argent, channel: MemoryChannel, named: dict[str, Any]
) -> None:
    async with argent(model=[hang], config=CONFIG):
        id = await say(channel, "hello", "ada")
        await argent.model.asked(1)
    became = "an owner" if "allow" in named else "let in"

    argent.channel = MemoryChannel(pairing=True)
    async with argent(model=[], config={**CONFIG, "people": named}, home=argent.home) as kernel:
        await demand_cancelled(kernel, id, f"its sender was {became} no longer")
        assert kernel.pairing.people.owner_at is None


async def test_what_is_under_way_goes_on_at_the_next_start_for_an_owner_who_stays_one(
    argent: Argent, channel: MemoryChannel
) -> None:
    named: dict[str, Any] = {"owners": {"memory": ["ada", "bob"]}}
    async with argent(model=[hang], config={"people": named}):
        await say(channel, "hello", "ada")
        await argent.model.asked(1)

    argent.channel = MemoryChannel(pairing=True)
    async with argent(model=["Hello Ada."], config=CONFIG, home=argent.home):
        assert (await argent.channel.next_reply()).text == "Hello Ada."


async def test_an_owner_who_is_merely_let_in_from_now_on_loses_what_an_owner_may(
    argent: Argent, channel: MemoryChannel
) -> None:
    async with argent(model=[hang], config=CONFIG) as kernel:
        id = await say(channel, "hello", "ada")
        await argent.model.asked(1)
        assert kernel.pairing.people.owner_at is not None
        set_value(kernel.home, "people.allow.memory", text='["ada"]')
        set_value(kernel.home, "people.owners.memory", text="[]")
        await kernel.control.run("reload", {})
        await eventually(lambda: not kernel.loop.running, what="it is stopped")

        await demand_cancelled(kernel, id, "its sender was an owner no longer")
        assert kernel.pairing.people.owner_at is None


async def test_so_does_one_who_is_taken_off_the_record_and_let_in_by_the_settings(
    argent: Argent, channel: MemoryChannel
) -> None:
    named: dict[str, Any] = {"allow": {"memory": ["bob"]}}
    async with argent(model=[hang], config={"people": named}) as kernel:
        made = await kernel.pairing.invite(Standing.OWNER, by="ada")
        await say(channel, made["code"])
        await channel.next_reply()
        id = await say(channel, "hello")
        await argent.model.asked(1)
        gone = await kernel.control.run("pair.revoke", {"channel": "memory", "sender": "bob"})
        assert gone["standing"] == "paired"
        await eventually(lambda: not kernel.loop.running, what="it is stopped")

        await demand_cancelled(kernel, id, "its sender was an owner no longer")


async def test_what_could_not_be_ended_is_when_the_settings_are_read_again(
    argent: Argent, channel: MemoryChannel
) -> None:
    async with argent(model=[hang], config=CONFIG) as kernel:
        people, database = kernel.pairing.people, kernel.journal.database
        id = await say(channel, "hello", "ada")
        await argent.model.asked(1)
        refuse = "CREATE TRIGGER no BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'no'); END"
        await database.write(lambda tx: tx.execute(refuse).rowcount)
        with pytest.raises(StorageError):
            await people.go_by(PeopleSettings())
        assert await kernel.agent.trust(Sender("memory", "ada")) is Trust.OUTSIDE
        await database.write(lambda tx: tx.execute("DROP TRIGGER no").rowcount)
        await people.go_by(PeopleSettings())
        await eventually(lambda: not kernel.loop.running, what="it is stopped")

        await demand_cancelled(kernel, id, "its sender was let in no longer")


async def test_one_that_is_to_be_tried_again_is_not(argent: Argent, channel: MemoryChannel) -> None:
    script = [ModelUnavailable("overloaded", retry_after=60)]
    async with argent(model=script, config=CONFIG) as kernel:
        await let_in(kernel, channel)
        id = await say(channel, "hello")
        await argent.model.asked(1)
        await eventually(lambda: not kernel.loop.running, what="it is put off")
        await demand_cancelled(kernel, id, await send_away(kernel, "block"))


async def test_a_reply_that_was_not_sent_is_held_back(
    argent: Argent, channel: MemoryChannel
) -> None:
    async with argent(model=["Hello Bob.", "Hello Ada."], config=CONFIG) as kernel:
        await let_in(kernel, channel)
        for tries, sender in enumerate(("bob", "ada"), 2):
            channel.delay(600)
            await say(channel, "hello", sender)
            await channel.tried(tries)
        await send_away(kernel, "block")

        found = {reply["text"]: reply for reply in await kernel.agent.replies.list()}
        states = {text: reply["state"] for text, reply in found.items() if "Hello" in text}
        assert states == {"Hello Bob.": "held", "Hello Ada.": "pending"}
        assert found["Hello Bob."]["reason"] == "its sender was blocked"
