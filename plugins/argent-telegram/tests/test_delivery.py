"""Replies on their way out, when Telegram does not simply take them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest
from bot_api import LOST, BotApi, Fault, Limits, Refusal

from argent_hookspecs import Address, Channel, DeliveryDelayed, DeliveryRefused, Receipt, Reply
from argent_testing import Argent

pytestmark = pytest.mark.anyio

PLUGINS = ["argent_telegram"]


async def deliver(kernel: Any, *, text: str = "Hello.", chat: str = "1", key: str = "k-0") -> str:
    """Hand a reply to the channel, as the outbox does; return the receipt's id."""
    (channel,) = [one for one in kernel.host.registered(Channel) if one.record.id == "telegram"]
    to = Address("telegram", chat)
    reply = Reply(key=key, to=to, text=text, turn=key, conversation="c")
    receipt: Receipt = await channel.live.deliver(reply)
    return receipt.id


async def test_too_many_requests_are_waited_for_as_telegram_says(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, config=config) as kernel:
        api.bot.open_chat(1)
        api.refuse("sendMessage", 429, "Too Many Requests: retry after 17", retry_after=17)
        with pytest.raises(DeliveryDelayed) as first:
            await deliver(kernel)
        with pytest.raises(DeliveryDelayed) as second:
            await deliver(kernel)

    assert first.value.retry_after == pytest.approx(17)
    assert second.value.retry_after == pytest.approx(17, abs=2)
    assert len(api.methods_called("sendMessage")) == 1


async def test_one_chats_limit_holds_no_other(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, config=config) as kernel:
        api.bot.open_chat(1)
        api.bot.open_chat(2)
        api.refuse("sendMessage", 429, "Too Many Requests: retry after 60", retry_after=60)
        with pytest.raises(DeliveryDelayed):
            await deliver(kernel, chat="1")
        began = time.monotonic()
        await deliver(kernel, chat="2", key="k-1")

    assert time.monotonic() - began < 2
    assert api.texts(2) == ["Hello."]


async def test_it_keeps_within_the_limits_by_itself(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    api.platform.limits = Limits(per_second=30, chat_per_second=1)
    async with argent(plugins=PLUGINS, config=config) as kernel:
        for chat in range(1, 41):
            api.bot.open_chat(chat)
        sending = [deliver(kernel, chat=str(chat), key=f"k{chat}-0") for chat in range(1, 41)]
        await asyncio.gather(*sending, deliver(kernel, chat="1", key="again-0"))

    assert {call.outcome for call in api.methods_called("sendMessage")} == {"ok"}


async def test_who_has_blocked_the_bot_is_not_tried_again(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, config=config) as kernel:
        api.block(1)
        with pytest.raises(DeliveryRefused, match="blocked"):
            await deliver(kernel)


async def test_an_answer_whose_fate_is_not_known_is_never_sent_again(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    api.fail("sendMessage", LOST)
    async with argent(plugins=PLUGINS, model=["Once."], config=config) as kernel:
        await api.say("Say it.")
        await api.settled(1, says=1)
        await wait_for_state(argent, kernel, "unknown")
        await argent.clock.advance(3600)

    assert api.texts(1) == ["Once."]


async def test_an_answer_that_telegram_never_got_is_sent_again(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, config=config) as kernel:
        await api.polled()
    async with argent.restart(config=elsewhere(config), allow_faults=True) as kernel:
        with pytest.raises(DeliveryDelayed, match="not reached"):
            await deliver(kernel)


async def test_a_reply_that_stopped_half_way_goes_on_from_there(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    text = f"{'a ' * 2000}\n\n{'b ' * 1500}"
    async with argent(plugins=PLUGINS, config=config) as kernel:
        api.bot.open_chat(1)
        gate = api.hold("sendMessage")
        sending = asyncio.create_task(deliver(kernel, text=text))
        await gate.reached.wait()
        api.refuse("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
        gate.open()
        with pytest.raises(DeliveryDelayed):
            await sending
        await deliver(kernel, text=text)

    assert [text[0] for text in api.texts(1)] == ["a", "b"]


async def test_a_group_that_has_moved_is_followed(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, config=config) as kernel:
        api.bot.open_chat(-100777)
        moved = Refusal(400, "Bad Request: group chat was upgraded", migrate_to=-100777)
        api.fail("sendMessage", Fault(refusal=moved))
        await deliver(kernel, chat="-5")

    assert api.texts(-100777) == ["Hello."]


def elsewhere(config: Mapping[str, Any]) -> dict[str, Any]:
    section = {**config["plugins"]["telegram"], "baseUrl": "http://127.0.0.1:9"}
    return {**config, "plugins": {"telegram": section}}


async def wait_for_state(argent: Argent, kernel: Any, state: str) -> None:
    """Wait until the only reply has come to a state."""
    async with asyncio.timeout(10):
        while [one["state"] for one in await kernel.agent.replies.list()] != [state]:
            await argent.clock.advance(0.1)
