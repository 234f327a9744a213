"""Strangers at the door of a channel, from the message to what became of it."""

from __future__ import annotations

import asyncio
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from argent_core.inbound.event_list import EventBusy
from argent_core.kernel import Kernel
from argent_core.pairing import MOST_REQUESTS, NoSuchCode, PairingShut
from argent_core.paths import Home
from argent_core.people import Standing
from argent_hookspecs import (
    Address,
    ArgentError,
    Event,
    Observer,
    PairingAsked,
    Sender,
    Trust,
)
from argent_testing import Argent, MemoryChannel, eventually, hang

from ..demo import Demo

pytestmark = pytest.mark.anyio

OWNED: dict[str, Any] = {"people": {"owners": {"memory": ["ada"]}}}
WORDS = "Let me in, my secret is 4711"


@pytest.fixture
def channel(argent: Argent) -> MemoryChannel:
    argent.channel = MemoryChannel(pairing=True)
    return argent.channel


def message(text: str, sender: str = "eve", **facts: Any) -> Event:
    chat = facts.pop("chat", f"chat of {sender}")
    event = Event(
        conversation=f"memory:{chat}",
        content=text,
        sender=sender,
        sender_name=f"{sender.capitalize()}\nWho",
        reply_to=Address("memory", chat),
    )
    return evolve(event, **facts)


def in_group(text: str, sender: str = "eve", **facts: Any) -> Event:
    return message(text, sender, **{"chat": "-100", "group": True, **facts})


def code_of(text: str) -> str:
    (code,) = re.findall(r"argent pair approve ([A-Z2-9]{8})`", text)
    return str(code)


async def typed(kernel: Kernel, code: str) -> None:
    """Approve a code as the command does."""
    await kernel.control.run("pair.approve", {"code": code, "standing": "paired", "by": "ada"})


async def put_off(kernel: Kernel, event: str | None) -> str:
    """Check that an event was ended at once, without its words, and return why."""
    assert event is not None
    shown = await kernel.agent.events.show(event)
    assert (shown["state"], shown["turn"], shown["event"]["content"]) == ("cancelled", None, [])
    return str(shown["reason"]).removeprefix("not let in: ")


async def quiet(kernel: Kernel, channel: MemoryChannel, *, replies: int) -> None:
    """Check that so many replies are all there are, sent or under way."""
    await eventually(lambda: len(channel.replies) >= replies, what=f"{replies} replies")
    counted = await kernel.agent.outbox.count()
    assert (counted["pending"], len(channel.replies)) == (0, replies)


class TestStrangers:
    async def test_a_stranger_gets_a_code_and_nothing_else(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            id = await channel.emit(message(WORDS))

            reply = await channel.next_reply()
            assert (reply.key, reply.to) == (f"{id}-0", Address("memory", "chat of eve"))
            (asked,) = await kernel.agent.pairings()
            assert code_of(reply.text) == asked.code
            assert (asked.sender, asked.name) == (Sender("memory", "eve"), "Eve Who")
            assert asked.expires_at == argent.clock.now() + timedelta(hours=1)
            assert await put_off(kernel, id) == "its sender is a stranger"

    async def test_nothing_of_their_words_is_kept(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            await channel.emit(message(WORDS, data={"more": WORDS}))
            await channel.next_reply()
            dump = await kernel.journal.database.read(
                lambda tx: [
                    tx.execute(f"SELECT * FROM {table}").fetchall()
                    for table in ("events", "pairings", "outbox", "turns")
                ]
            )

        assert "4711" not in repr(dump)

    async def test_the_same_code_is_told_twice_and_then_no_more(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            for n in range(5):
                await channel.emit(message(f"hello {n}"))

            await quiet(kernel, channel, replies=2)
            assert len({code_of(reply.text) for reply in channel.replies}) == 1
            assert len(await kernel.agent.pairings()) == 1

    async def test_after_an_hour_there_is_another_code(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            await channel.emit(message("hello"))
            first = code_of((await channel.next_reply()).text)
            await argent.clock.advance(3601)
            assert await kernel.agent.pairings() == []
            assert not await kernel.agent.pair(first, allow=True, by="ada")

            await channel.emit(message("hello"))
            assert code_of((await channel.next_reply()).text) != first

    async def test_a_clock_that_is_set_back_lets_no_code_live_longer(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            await channel.emit(message("hello"))
            await channel.next_reply()
            argent.clock.jump(-86400)

            assert await kernel.agent.pairings() == []

    async def test_what_was_seen_before_is_not_answered_again(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            assert await channel.emit(message("hello", dedupe_key="1"), cursor="1")
            assert await channel.emit(message("hello", dedupe_key="1"), cursor="2") is None

            await quiet(kernel, channel, replies=1)
            assert await kernel.journal.cursor("memory") == "2"

    async def test_only_so_many_may_ask_and_the_log_says_so_once(
        self, argent: Argent, channel: MemoryChannel, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with argent(model=[]) as kernel:
            for n in range(MOST_REQUESTS + 5):
                await channel.emit(message("hello", f"eve{n}"))

            await quiet(kernel, channel, replies=MOST_REQUESTS)
            assert len(await kernel.agent.pairings()) == MOST_REQUESTS
        assert caplog.text.count("as many people ask to be let in on memory as may") == 1

    async def test_a_flood_wakes_no_model_and_holds_nobody_back(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=["I am here."], config=OWNED) as kernel:
            for n in range(1100):
                await channel.emit(message("x" * 1000, f"eve{n}"))

            await channel.emit(message("Are you there?", "ada"))
            await eventually(lambda: channel.replies[-1].text == "I am here.", what="the answer")
            (size,) = await kernel.journal.database.read(
                lambda tx: tx.execute("SELECT SUM(length(body)) FROM events").fetchone()
            )
            assert size < 1100 * 400

    async def test_one_who_is_sent_away_is_told_nothing_for_the_hour(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            await channel.emit(message("hello"))
            code = code_of((await channel.next_reply()).text)
            assert await kernel.agent.pair(code, allow=False, by="ada")
            await channel.emit(message("hello?"))

            await quiet(kernel, channel, replies=1)
            assert not await kernel.agent.pair(code, allow=True, by="ada")

    @pytest.mark.parametrize(
        ("facts", "reason"),
        [
            ({"sender": ""}, "it names no sender"),
            ({"reply_to": None}, "its sender is a stranger"),
            ({"kind": "reaction"}, "its sender is a stranger"),
        ],
    )
    async def test_who_cannot_be_told_a_code_asks_for_nothing(
        self, argent: Argent, channel: MemoryChannel, facts: dict[str, Any], reason: str
    ) -> None:
        async with argent(model=[]) as kernel:
            id = await channel.emit(message("hello", **facts))

            assert await put_off(kernel, id) == reason
            assert await kernel.agent.pairings() == []
            assert channel.replies == []

    async def test_what_a_channel_tells_of_itself_is_content_from_outside(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=["I see."]):
            await channel.emit(message("We move at noon.", sender="", kind="notice"))

            assert (await channel.next_reply()).text == "I see."
        assert "comes from outside" in argent.model.requests[0].messages[-1].text

    async def test_what_was_put_off_cannot_be_tried_again(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            id = await channel.emit(message("hello"))

            with pytest.raises(EventBusy, match="nothing of it was kept"):
                await kernel.agent.events.retry(str(id))

    async def test_observers_hear_once_of_who_asks(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        heard: list[Any] = []

        async def notify(notice: Any) -> None:
            heard.append(notice.request.sender.id)

        observer = Observer(id="o", notify=notify, kinds=(PairingAsked,))
        async with argent(plugins=[Demo(observer)], model=[]):
            for sender in ("eve", "eve", "bob"):
                await channel.emit(message("hello", sender))
            await eventually(lambda: len(heard) == 2, what="both are told of")
        assert heard == ["eve", "bob"]


class TestOthers:
    async def test_a_channel_without_pairing_brings_content_from_outside(
        self, argent: Argent
    ) -> None:
        async with argent(model=["Hm."]):
            await argent.channel.emit(message("hello"))
            assert (await argent.channel.next_reply()).text == "Hm."

    async def test_one_that_vouches_is_believed(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=["Hi."]):
            await channel.emit(message("hello", trust="owner"))
            assert (await channel.next_reply()).text == "Hi."

    async def test_the_settings_count_as_on_record_and_hold_at_once(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        config = {"people": {"owners": {"memory": ["ada"]}, "allow": {"memory": ["bob"]}}}
        async with argent(model=["one", "two"], config=config) as kernel:
            trusts = [await kernel.agent.trust(Sender("memory", who)) for who in ("ada", "bob")]
            assert trusts == [Trust.OWNER, Trust.PAIRED]
            for who in ("ada", "bob"):
                await channel.emit(message("hello", who))
                await channel.next_reply()
            argent.home.config_file.write_text('{"version": 1}')
            await kernel.reload()
            await channel.emit(message("hello", "bob"))
            assert "argent pair approve" in (await channel.next_reply()).text

    async def test_who_is_blocked_gets_nothing_whatever_the_settings_say(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[], config={"people": {"allow": {"memory": ["eve"]}}}) as kernel:
            await kernel.pairing.people.block("memory", "eve", by="ada")
            id = await channel.emit(message("hello"))

            assert await put_off(kernel, id) == "its sender is blocked"
            assert await kernel.agent.trust(Sender("memory", "eve")) is Trust.OUTSIDE
            assert channel.replies == []

    async def test_what_waits_of_one_who_is_let_in_no_longer_is_dropped(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        blocked = asyncio.Event()

        async def answer(request: Any) -> str:
            await blocked.wait()
            return "done"

        config = {"people": {"allow": {"memory": ["bob"]}}, "loop": {"conversations": 1}}
        async with argent(model=[answer], config=config) as kernel:
            await channel.say("first")
            await argent.model.asked(1)
            id = await channel.emit(message("hello", "bob"))
            await kernel.pairing.people.block("memory", "bob", by="ada")
            blocked.set()
            await channel.next_reply()

            shown = await kernel.agent.events.show(str(id))
            assert (shown["state"], shown["reason"]) == ("cancelled", "its sender was blocked")


class TestLettingIn:
    async def test_who_is_approved_is_told_and_answered(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=["Hello Eve."]) as kernel:
            await channel.emit(message("hello"))
            code = code_of((await channel.next_reply()).text)
            assert await kernel.agent.pair(code, allow=True, by="ada")
            assert "You are let in" in (await channel.next_reply()).text

            await channel.emit(message("hello again"))
            assert (await channel.next_reply()).text == "Hello Eve."
            assert await kernel.agent.trust(Sender("memory", "eve")) is Trust.PAIRED

    async def test_a_code_opens_one_door(self, argent: Argent, channel: MemoryChannel) -> None:
        async with argent(model=[]) as kernel:
            for sender in ("eve", "bob"):
                await channel.emit(message("hello", sender))
            code = code_of((await channel.next_reply()).text)
            answers = [await kernel.agent.pair(code, allow=True, by="ada") for _ in range(2)]

            assert answers == [True, False]
            assert await kernel.agent.trust(Sender("memory", "bob")) is Trust.OUTSIDE

    async def test_only_an_owner_lets_in_and_answers(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        config = {"people": {"owners": {"memory": ["ada"]}, "allow": {"memory": ["bob"]}}}
        async with argent(model=[], config=config) as kernel:
            await channel.emit(message("hello"))
            code = code_of((await channel.next_reply()).text)
            for who, lets_in in (("eve", False), ("bob", False), ("ada", True)):
                sender = Sender("memory", who)
                done = await kernel.agent.pair(code, allow=True, by=who, sender=sender)
                assert done is lets_in

    async def test_an_invitation_lets_in_one_who_sends_it(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=["Hello."]) as kernel:
            made = await kernel.control.run(
                "pair.invite", {"standing": "owner", "channel": "memory", "by": "ada"}
            )
            code = made["code"]
            id = await channel.emit(message(f" /start {code.lower()} "))
            assert "as the owner" in (await channel.next_reply()).text
            assert (await kernel.agent.events.show(str(id)))["event"]["content"] == []
            await channel.emit(message(code, "bob"))

            assert "argent pair approve" in (await channel.next_reply()).text
            assert await kernel.agent.trust(Sender("memory", "eve")) is Trust.OWNER
            assert kernel.pairing.people.owner_at == Address("memory", "chat of eve")
            await channel.emit(message("hello"))
            assert (await channel.next_reply()).text == "Hello."

    async def test_an_owner_can_be_asked_from_the_start(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            await channel.emit(message("hello"))
            code = code_of((await channel.next_reply()).text)
            approved = {"code": code, "standing": "owner", "by": "ada"}
            await kernel.control.run("pair.approve", approved)
            assert kernel.pairing.people.owner_at == Address("memory", "chat of eve")

            await kernel.control.run("pair.revoke", {"channel": "memory", "sender": "eve"})
            assert kernel.pairing.people.owner_at is None

    async def test_an_invitation_holds_an_hour_and_on_its_channel_only(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            other = await kernel.control.run(
                "pair.invite", {"standing": "paired", "channel": "irc", "by": "ada"}
            )
            late = await kernel.control.run(
                "pair.invite", {"standing": "paired", "channel": "", "by": "ada"}
            )
            await channel.emit(message(other["code"]))
            argent.clock.jump(3601)
            await channel.emit(message(late["code"]))

            await quiet(kernel, channel, replies=2)
            assert await kernel.agent.trust(Sender("memory", "eve")) is Trust.OUTSIDE

    async def test_an_invitation_in_a_group_opens_nothing(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            made = await kernel.pairing.invite(Standing.PAIRED, by="ada")
            await channel.emit(in_group(made["code"]))

            assert await kernel.agent.trust(Sender("memory", "eve")) is Trust.OUTSIDE

    async def test_who_guesses_is_ignored_for_an_hour(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            made = await kernel.pairing.invite(Standing.PAIRED, by="ada")
            for n in range(5):
                await channel.emit(message(f"AAAAAAA{n + 2}"))
            id = await channel.emit(message(made["code"]))

            assert await put_off(kernel, id) == "its sender guesses codes"
            await channel.emit(message(made["code"], "bob"))
            await eventually(lambda: "let in." in channel.replies[-1].text, what="bob is let in")

    async def test_five_wrong_codes_shut_approving_also_over_a_restart(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            await channel.emit(message("hello"))
            code = code_of((await channel.next_reply()).text)
            for n in range(4):
                with pytest.raises(NoSuchCode):
                    await typed(kernel, f"AAAAAAA{n + 2}")
            with pytest.raises(PairingShut):
                await typed(kernel, "AAAAAAA9")
        async with argent.restart() as kernel:
            with pytest.raises(PairingShut):
                await typed(kernel, code)
            await argent.clock.advance(601)
            await typed(kernel, code)

    async def test_wrong_codes_that_are_far_apart_shut_nothing(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            await channel.emit(message("hello"))
            code = code_of((await channel.next_reply()).text)
            for n in range(8):
                with pytest.raises(NoSuchCode):
                    await typed(kernel, f"AAAAAAA{n + 2}")
                await argent.clock.advance(200)
            await typed(kernel, code)

    async def test_buttons_of_requests_that_are_gone_shut_nothing(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            await channel.emit(message("hello"))
            code = code_of((await channel.next_reply()).text)
            for _ in range(8):
                assert not await kernel.agent.pair("AAAAAAA2", allow=True, by="ada")
            await channel.emit(message("hello", "bob"))
            other = code_of((await channel.next_reply()).text)
            await typed(kernel, code)

            for n in range(5):
                with pytest.raises(ArgentError):
                    await typed(kernel, f"AAAAAAA{n + 2}")
            assert await kernel.agent.pair(other, allow=True, by="ada")


class TestGroups:
    async def test_chatter_is_not_kept_and_opens_nothing(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[], config=OWNED) as kernel:
            for sender in ("eve", "ada"):
                id = await channel.emit(in_group("blah", sender, addressed=False))
                assert await put_off(kernel, id) == "it is not said to the agent"
            assert await kernel.agent.pairings() == []

    async def test_a_stranger_opens_a_request_and_hears_nothing(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            await channel.emit(in_group("hello agent"))

            (asked,) = await kernel.agent.pairings()
            assert (asked.group, asked.to.chat) == (True, "-100")
            await quiet(kernel, channel, replies=0)

    async def test_one_who_is_known_is_told_the_code_of_the_group(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=["Hi all."], config=OWNED) as kernel:
            await channel.emit(in_group("hello agent"))
            await channel.emit(in_group("hello agent", "ada"))
            reply = await channel.next_reply()
            assert reply.to.chat == "-100"
            assert await kernel.agent.pair(code_of(reply.text), allow=True, by="ada")
            assert (await channel.next_reply()).text == "This group is allowed now."

            await channel.emit(in_group("and now?", "ada"))
            assert (await channel.next_reply()).text == "Hi all."
            id = await channel.emit(in_group("and me?"))
            assert await put_off(kernel, id) == "its sender is a stranger"

    async def test_a_group_that_is_forbidden_asks_no_more(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[], config=OWNED) as kernel:
            await kernel.pairing.people.set_group("memory", "-100", allowed=False, by="ada")
            id = await channel.emit(in_group("hello", "ada"))

            assert await put_off(kernel, id) == "its group is not allowed"
            assert await kernel.agent.pairings() == []

    async def test_strangers_in_a_group_can_be_answered_as_content_from_outside(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        groups = {"allow": {"memory": ["-100"]}, "strangers": "answer"}
        async with argent(
            plugins=["argent_basics"], model=["Hm."], config={"people": {"groups": groups}}
        ):
            await channel.emit(in_group("hello agent"))
            assert (await channel.next_reply()).text == "Hm."

        (request,) = argent.model.requests
        assert "comes from outside" in request.messages[-1].text
        assert request.tools == ()

    async def test_people_and_groups_that_ask_do_not_crowd_each_other_out(
        self, argent: Argent, channel: MemoryChannel
    ) -> None:
        async with argent(model=[]) as kernel:
            for n in range(MOST_REQUESTS + 2):
                await channel.emit(in_group("hello", chat=f"-{n}"))
            await channel.emit(message("hello"))

            assert len(await kernel.agent.pairings()) == MOST_REQUESTS + 1


async def test_a_kill_leaves_decision_cursor_and_reply_together(
    argent: Argent, channel: MemoryChannel, tmp_path: Path
) -> None:
    """From the home as a kill would leave it, before and after, all goes on as it should."""
    images = []

    async def image() -> None:
        images.append(Home(tmp_path / f"image-{len(images)}"))
        await asyncio.to_thread(shutil.copytree, argent.home.root, images[-1].root)

    channel.hang()
    event = message("hello", dedupe_key="1")
    async with argent(model=[]) as kernel:
        await image()
        await channel.emit(event, cursor="1")
        await image()
        await channel.tried(1)
        await kernel.journal.database.write(lambda tx: None, durable=True)

    for home, was_decided in zip(images, (False, True), strict=True):
        argent.channel = end = MemoryChannel(pairing=True, idempotent=True)
        async with argent(model=[], home=home) as kernel:
            assert await kernel.journal.cursor("memory") == ("1" if was_decided else None)
            again = await end.emit(event, cursor="1")
            assert (again is None) is was_decided
            reply = await end.next_reply()
            (asked,) = await kernel.agent.pairings()
            assert code_of(reply.text) == asked.code
            await quiet(kernel, end, replies=1)
            assert len(await kernel.agent.events.list()) == 1


async def test_channels_that_name_their_conversations_alike_hear_nothing_of_each_other(
    argent: Argent,
) -> None:
    argent.channel = one = MemoryChannel("one", pairing=True)
    two = MemoryChannel("two", pairing=True)
    owners = {"people": {"owners": {"one": ["me"], "two": ["me"]}}}
    script: list[Any] = ["Noted.", hang, "Nothing."]
    async with argent(plugins=[two], model=script, config=owners):
        await one.say("My secret is 42.", "all", sender="me", trust="outside")
        await one.next_reply()
        await one.say("This takes long.", "all", sender="me", trust="outside")
        await argent.model.asked(2)
        await two.say("What was said before?", "all", sender="me", trust="outside")

        reply = await two.next_reply()
        assert (reply.text, reply.to) == ("Nothing.", Address("two", "all"))
        assert reply.conversation == "two:all"
        told = [message.text for message in argent.model.requests[2].messages]
        assert told == ["What was said before?"]
