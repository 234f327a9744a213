from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import argent_terminal
from argent_hookspecs import Address, DeliveryDelayed, Progress, Reply, ReplyChanged
from argent_terminal.link import INTERRUPT, Link

pytestmark = pytest.mark.anyio

TO_MAIN = Address("terminal", "main")


def reply(key: str, text: str = "An answer", to: Address = TO_MAIN) -> Reply:
    return Reply(key=key, to=to, text=text, turn="turn-0", conversation="terminal:main")


class Seat:
    """A person's end of a connection."""

    def __init__(self, wire: Any) -> None:
        self.wire = wire
        self._messages = aiter(wire)

    async def say(self, kind: str, **fields: Any) -> None:
        await self.wire.send({"type": kind, **fields})

    async def hears(self, kind: str) -> Any:
        """Return the next message of a kind."""
        async with asyncio.timeout(60):
            while (message := await anext(self._messages))["type"] != kind:
                pass
        return message


@asynccontextmanager
async def seated(kernel: Any, conversation: str = "main") -> AsyncIterator[Seat]:
    async with kernel.connect("terminal") as wire:
        seat = Seat(wire)
        await seat.say("hello", conversation=conversation)
        await seat.hears("welcome")
        yield seat


async def test_a_message_that_is_sent_again_is_taken_once(kernel: Any) -> None:
    async with kernel.running_kernel(), seated(kernel) as seat:
        await seat.say("message", id="m1", text="hi")
        first = await seat.hears("accepted")
        await seat.say("message", id="m1", text="hi")
        second = await seat.hears("accepted")

    assert first == {"type": "accepted", "id": "m1", "event": "turn-1", "duplicate": False}
    assert second["duplicate"] and second["event"] is None
    assert len(kernel.events) == 1


async def test_messages_keep_their_order(kernel: Any) -> None:
    async with kernel.running_kernel(), seated(kernel) as seat:
        for number in range(30):
            await seat.say("message", id=f"m{number}", text=f"{number}")
        for _ in range(30):
            await seat.hears("accepted")

    assert [event.text for event in kernel.events.values()] == [str(n) for n in range(30)]


async def test_what_happens_in_a_turn_is_shown_where_it_was_asked(kernel: Any) -> None:
    async with kernel.running_kernel(), seated(kernel) as seat, seated(kernel, "other") as other:
        await seat.say("message", id="m1", text="tool")
        turn = await seat.hears("turn")
        tool = await seat.hears("tool")
        answer = await seat.hears("reply")
        await other.say("message", id="m2", text="hi")
        others = await other.hears("turn")

    assert (turn["turn"], turn["message"]) == ("turn-1", "m1")
    assert tool["arguments"] == {"expression": "1+1"}
    assert answer["text"] == "It is 2."
    assert others["message"] == "m2"


async def test_a_delivery_is_done_when_a_terminal_has_confirmed_it(kernel: Any) -> None:
    async with kernel.running_kernel(), seated(kernel) as one, seated(kernel) as two:
        delivery = asyncio.create_task(kernel.connection.deliver(reply("k1")))
        assert (await one.hears("reply"))["key"] == (await two.hears("reply"))["key"] == "k1"
        assert not delivery.done()
        await two.say("ack", key="k1")

        assert (await delivery).id == "k1"


async def test_a_terminal_that_leaves_unconfirmed_delays_the_delivery(kernel: Any) -> None:
    async with kernel.running_kernel():
        async with seated(kernel) as seat:
            delivery = asyncio.create_task(kernel.connection.deliver(reply("k1")))
            await seat.hears("reply")
        with pytest.raises(DeliveryDelayed, match="argent chat -c main"):
            await delivery

        async with seated(kernel) as seat:
            assert (await seat.hears("reply"))["key"] == "k1"
            await seat.say("ack", key="k1")
            await seat.say("status")
            await seat.hears("status")
            assert (await kernel.connection.deliver(reply("k1"))).id == "k1"


async def test_a_reply_waits_a_little_for_a_terminal_to_come(kernel: Any) -> None:
    async with kernel.running_kernel():
        delivery = asyncio.create_task(kernel.connection.deliver(reply("k1")))
        async with seated(kernel) as seat:
            await seat.hears("reply")
            await seat.say("ack", key="k1")

            assert (await delivery).id == "k1"


async def test_a_reply_that_was_given_up_is_not_shown_any_more(kernel: Any) -> None:
    async with kernel.running_kernel():
        async with seated(kernel) as seat:
            for key in ("k1", "k2"):
                delivery = asyncio.create_task(kernel.connection.deliver(reply(key)))
                await seat.hears("reply")
                delivery.cancel()
        names = {"turn": "turn-0", "conversation": "terminal:main", "key": "k1"}
        await kernel.publish(ReplyChanged(**names, state="expired"))

        async with seated(kernel) as seat:
            assert (await seat.hears("reply"))["key"] == "k2"


async def test_who_comes_while_work_goes_on_hears_how_far_it_is(kernel: Any) -> None:
    async with kernel.running_kernel():
        await kernel.publish(Progress(plugin="llama", activity="loading", done=1, total=2))
        await kernel.publish(Progress(plugin="llama", activity="done already", done=2, total=2))

        async with seated(kernel) as seat:
            assert (await seat.hears("progress"))["activity"] == "loading"


async def test_what_waits_for_a_word_is_asked_again(kernel: Any) -> None:
    async with kernel.running_kernel():
        async with seated(kernel) as seat:
            await seat.say("message", id="m1", text="ask")
            asked = await seat.hears("approval")
        async with seated(kernel) as seat:
            assert await seat.hears("approval") == asked
            await seat.say("approve", id=asked["id"], allow=True)
            assert (await seat.hears("approved"))["open"]
            assert (await seat.hears("reply"))["text"] == "It is 2."
            await seat.say("approve", id=asked["id"], allow=True)
            assert not (await seat.hears("approved"))["open"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "message", "id": "m1"},
        {"type": "message", "id": "m1", "text": "  "},
        {"type": "message", "id": 5, "text": "hi"},
        {"type": "approve", "id": "a"},
        {"type": "history", "limit": "many"},
        {"type": "hello", "conversation": "../.."},
        {"type": "dance"},
        {},
    ],
)
async def test_a_wrong_request_is_answered_and_does_no_harm(kernel: Any, wrong: Any) -> None:
    async with kernel.running_kernel(), seated(kernel) as seat:
        await seat.wire.send(wrong)
        assert (await seat.hears("error"))["reason"]
        await seat.say("status")
        assert (await seat.hears("status"))["status"]["state"] == "idle"
    assert not kernel.events


async def test_hello_comes_first(kernel: Any) -> None:
    async with kernel.running_kernel(), kernel.connect("terminal") as wire:
        seat = Seat(wire)
        await seat.say("message", id="m1", text="hi")
        assert "hello" in (await seat.hears("error"))["reason"]


async def test_a_terminal_that_does_not_read_holds_up_nobody(kernel: Any) -> None:
    async with kernel.running_kernel(), seated(kernel), seated(kernel) as seat:
        for number in range(5000):
            await kernel.publish(Progress(plugin="p", activity=f"work {number % 5}", done=number))
        await seat.say("message", id="m1", text="hi")

        assert (await seat.hears("reply"))["text"] == "You said: hi"


async def test_a_lost_agent_is_waited_for_and_not_replaced(kernel: Any) -> None:
    link = Link(kernel, "main", patience=0.2)
    await link.open()
    await kernel.stop_serving()
    while (await link.receive())["type"] != "cut":
        pass

    assert not await link.reopen()
    assert kernel.runs == 1 and not link.is_open
    kernel.serve_again()
    assert await link.reopen()

    assert kernel.runs == 1 and link.is_open
    await link.close()


async def test_a_person_who_does_not_want_to_wait_for_a_lost_agent_need_not(kernel: Any) -> None:
    link = Link(kernel, "main")
    await link.open()
    await kernel.stop_serving()
    link.interrupt()

    assert not await link.reopen()

    assert INTERRUPT["type"] == "interrupt" and not link.is_open
    await link.close()


def test_the_channel_says_that_it_can_tell_what_was_shown(kernel: Any) -> None:
    (channel,) = argent_terminal.argent_channels(kernel)

    assert (channel.id, channel.idempotent) == ("terminal", True)
