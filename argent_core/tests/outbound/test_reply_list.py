from __future__ import annotations

import asyncio
from typing import Any

import pytest

from argent_core.kernel import Kernel
from argent_core.outbound import outbox as rows
from argent_hookspecs import (
    Address,
    ArgentError,
    DeliveryRefused,
    Event,
    Filter,
    Observer,
    Reject,
    Reply,
    ReplyChanged,
)
from argent_testing import Argent, eventually

from ..demo import Demo, ended

pytestmark = pytest.mark.anyio

DAYS = 86400.0


async def rude(_: Reply) -> Reject:
    return Reject("rude")


async def only(kernel: Kernel, key: str = "") -> dict[str, Any]:
    """Return the one reply that there is, or that has a key."""
    replies = await kernel.control.run("replies.list", {})
    (found,) = (reply for reply in replies if key in ("", reply["key"]))
    assert isinstance(found, dict)
    return found


async def store(
    kernel: Kernel, key: str, *, age: float = 0, channel: str = "gone", where: str = "home"
) -> None:
    to, at = Address(channel, where), kernel.outbox.now() - age
    one = Reply(key=key, to=to, text=f"text of {key}", turn="t", conversation="home")
    await kernel.outbox.database.write(lambda tx: rows.put(tx, one, now=at))
    kernel.output_handlers.wake()


async def test_one_that_a_filter_held_is_sent_when_the_person_wants_it(argent: Argent) -> None:
    plugins = [Demo(Filter(id="sieve", reply=rude))]

    async with argent(plugins=plugins, model=["Damn."]) as kernel:
        await ended(kernel, await argent.channel.say("hi"))
        held = await only(kernel)
        retried = await kernel.control.run("replies.retry", {"key": held["key"][:6]})
        sent = await argent.channel.next_reply()

    assert (held["state"], held["reason"], held["channel"]) == ("held", "sieve: rude", "memory")
    assert (retried["state"], retried["reason"]) == ("pending", "")
    assert (sent.key, sent.text) == (held["key"], "Damn.")


async def test_one_that_the_channel_refused_is_sent_again(argent: Argent) -> None:
    argent.channel.fail(DeliveryRefused("blocked"))

    async with argent(model=["hello"]) as kernel:
        await ended(kernel, await argent.channel.say("hi"))
        await argent.channel.tried(1)
        await eventually_in(kernel, "dead")
        await kernel.control.run("replies.retry", {"key": (await only(kernel))["key"]})
        assert (await argent.channel.next_reply()).text == "hello"
        await eventually_in(kernel, "sent")


async def eventually_in(kernel: Kernel, state: str, *, key: str = "") -> None:
    async with asyncio.timeout(10):
        while (await only(kernel, key))["state"] != state:
            pass


async def test_one_that_expired_gets_another_week(argent: Argent) -> None:
    async with argent() as kernel:
        await store(kernel, "old", age=8 * DAYS, channel="memory")
        await eventually_in(kernel, "expired")
        await kernel.control.run("replies.retry", {"key": "old"})
        assert (await argent.channel.next_reply()).text == "text of old"


async def test_one_for_a_channel_that_is_gone_expires_too(argent: Argent) -> None:
    told: list[tuple[str, str]] = []

    async def notify(notice: Any) -> None:
        told.append((notice.key, notice.state))

    watcher = Observer(id="watcher", notify=notify, kinds=(ReplyChanged,))

    async with argent(plugins=[Demo(watcher)]) as kernel:
        await store(kernel, "old", age=7.1 * DAYS)
        await store(kernel, "young", age=6.9 * DAYS)
        await argent.clock.advance(31)
        await eventually(lambda: ("old", "expired") in told, what="it is told")
        found = {one["key"]: one for one in await kernel.control.run("replies.list", {})}

    assert (found["old"]["state"], found["young"]["state"]) == ("expired", "pending")
    assert found["old"]["reason"] == "it could not be delivered for seven days"


async def test_one_that_is_dropped_is_never_sent_and_the_next_goes(argent: Argent) -> None:
    argent.channel.delay(600)

    async with argent() as kernel:
        await store(kernel, "one", channel="memory")
        await argent.channel.tried(1)
        await eventually_in(kernel, "pending")
        dropped = await kernel.control.run("replies.drop", {"key": "one"})
        await store(kernel, "two", channel="memory")
        assert (await argent.channel.next_reply()).key == "two"

    assert (dropped["state"], dropped["reason"]) == ("dead", "dropped")
    assert [one.key for one in argent.channel.tries] == ["one", "two"]


async def test_what_waits_behind_one_that_is_dropped_goes_at_once(argent: Argent) -> None:
    argent.channel.delay(600)

    async with argent() as kernel:
        await store(kernel, "one", channel="memory")
        await argent.channel.tried(1)
        await eventually_in(kernel, "pending")
        await store(kernel, "two", channel="memory")
        for key in ("elsewhere", "there again"):
            await store(kernel, key, channel="memory", where="cabin")
            assert (await argent.channel.next_reply()).key == key
            await eventually_in(kernel, "sent", key=key)
        await kernel.control.run("replies.drop", {"key": "one"})
        assert (await argent.channel.next_reply()).key == "two"


@pytest.mark.parametrize(
    ("operation", "key", "complaint"),
    [
        ("show", "zz", "there is no reply 'zz'; see: argent replies list"),
        ("show", "", "there is no reply ''"),
        ("retry", "on", "more than one reply begins with 'on'; give more of it"),
        ("retry", "one", "reply one is pending; only one that is held or unknown or dead or"),
        ("drop", "sent", "reply sent is sent; only one that is pending or held or unknown or"),
    ],
)
async def test_what_cannot_be_done_is_said(
    argent: Argent, operation: str, key: str, complaint: str
) -> None:
    async with argent() as kernel:
        await store(kernel, "sent", channel="memory")
        await argent.channel.next_reply()
        await eventually_in(kernel, "sent")
        for name in ("one", "one-1"):
            await store(kernel, name)
        with pytest.raises(ArgentError, match=complaint):
            await kernel.control.run(f"replies.{operation}", {"key": key})


async def test_an_event_leads_to_its_reply(argent: Argent) -> None:
    async with argent(model=["hello"]) as kernel:
        id = await argent.channel.emit(
            Event(conversation="home", content="hi", reply_to=Address("memory", "home"))
        )
        await argent.channel.next_reply()
        shown = await kernel.control.run("replies.show", {"key": str(id)})

    assert (shown["turn"], shown["text"], shown["conversation"]) == (id, "hello", "home")
