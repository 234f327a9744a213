"""What people see of it on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from argent_hookspecs import Address, Channel, DeliveryDelayed, DeliveryRefused, Event, Reply
from argent_testing import RecordingFeed, Specimen, eventually
from conftest import PASSWORD, Server, somebody

from argent_irc.channel import IrcChannel
from argent_irc.wire import IrcError

pytestmark = pytest.mark.anyio
GOOD = b":ada!u@h PRIVMSG argent :still here"
Load = Callable[..., AbstractAsyncContextManager[Specimen]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def opened(load_plugin: Load, settings: dict[str, Any]) -> AsyncIterator[IrcChannel]:
    async with load_plugin("irc", settings=settings) as plugin:
        (channel,) = plugin.of(Channel)
        async with channel.open() as live:
            yield live


@asynccontextmanager
async def listening(live: IrcChannel, feed: RecordingFeed) -> AsyncIterator[None]:
    task = asyncio.create_task(live.listen(feed))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def reply(text: str, *, to: str = "ada") -> Reply:
    return Reply(key="k", to=Address("irc", to), text=text, turn="t", conversation="c")


async def test_a_person_and_a_channel_are_told_apart(load_plugin: Load, server: Server) -> None:
    feed = RecordingFeed()
    settings = server.settings(channels=["#home"])
    async with somebody(server, "Ada") as ada, opened(load_plugin, settings) as live:
        await ada.join("#home")
        async with listening(live, feed):
            await eventually(lambda: "argent" in ada.joined, what="argent in #home")
            await ada.say("argent", "\x02hello\x02")
            for text in ("what a day", "Argent: and you?", "\x01ACTION waves\x01"):
                await ada.say("#home", text)
            last = await feed.next_event(after=3)

    private, aside, called, _ = feed.events
    assert private.content == Event(conversation="", content="hello").content
    assert private.reply_to == Address("irc", "Ada")
    assert (private.group, private.addressed, private.sender_name) == (False, True, "Ada")
    assert private.sender.startswith("ada!") and private.sender in private.conversation
    assert (aside.group, aside.addressed, aside.text) == (True, False, "what a day")
    assert (called.group, called.addressed, called.text) == (True, True, "and you?")
    assert aside.conversation == called.conversation == "irc:#home"
    assert called.reply_to == Address("irc", "#home")
    assert last.text == "* Ada waves"


async def test_each_line_is_a_message_and_a_long_one_several(
    load_plugin: Load, server: Server
) -> None:
    long = " ".join(f"wört{n}" for n in range(150))
    async with somebody(server, "ada") as ada, opened(load_plugin, server.settings()) as live:
        await live.deliver(reply(f"first\n\nsecond\n{long}\n{'🦉' * 300}"))
        await eventually(lambda: sum(map(len, ada.told)) > len(long) + 300, what="all of it")

    owls = [line for line in ada.told if "🦉" in line]
    words = [line for line in ada.told if "wört" in line]
    assert ada.told[:2] == ["first", "second"]
    assert " ".join(words) == long
    assert set("".join(owls)) == {"🦉"} and len("".join(owls)) == 300
    assert all(len(line.encode()) < 450 for line in ada.told)


async def test_a_flood_is_held_back(load_plugin: Load, server: Server) -> None:
    settings = server.settings(burst=2, pace=0.2)
    loop = asyncio.get_running_loop()
    async with somebody(server, "ada"), opened(load_plugin, settings) as live:
        await live.deliver(reply("the line is open"))
        began = loop.time()
        await live.deliver(reply("\n".join("abcdef")))

    assert loop.time() - began > 4 * 0.2


async def test_who_is_not_there_cannot_be_told(load_plugin: Load, server: Server) -> None:
    async with opened(load_plugin, server.settings()) as live:
        with pytest.raises(DeliveryRefused, match="nobody: No such nick"):
            await live.deliver(reply("hello", to="nobody"))


async def test_nothing_is_nothing_to_say(load_plugin: Load, server: Server) -> None:
    async with opened(load_plugin, server.settings()) as live:
        with pytest.raises(DeliveryRefused, match="nothing to say"):
            await live.deliver(reply(" \n "))


async def test_a_server_that_is_down_is_tried_again_later(
    load_plugin: Load, server: Server
) -> None:
    server.stop()
    async with opened(load_plugin, server.settings()) as live:
        with pytest.raises(DeliveryDelayed, match="cannot be reached"):
            await live.deliver(reply("hello"))
        with pytest.raises(OSError):
            await live.listen(RecordingFeed())


async def test_after_a_lost_connection_it_goes_on(load_plugin: Load, server: Server) -> None:
    feed = RecordingFeed()
    async with opened(load_plugin, server.settings()) as live:
        async with somebody(server, "ada") as ada:
            lost = asyncio.create_task(live.listen(feed))
            await ada.say_when_there("argent", "before")
            await feed.next_event()
        server.stop()
        with pytest.raises(IrcError):
            await lost
        server.start()
        async with listening(live, feed), somebody(server, "ada") as ada:
            await ada.say_when_there("argent", "after")
            await feed.next_event(after=1)
            await live.deliver(reply("I am back"))
            await eventually(lambda: ada.told, what="an answer")

    assert [event.text for event in feed.events] == ["before", "after"]
    assert ada.told == ["I am back"]


async def test_a_nickname_that_is_taken_gets_a_number(load_plugin: Load, server: Server) -> None:
    settings = server.settings()
    async with somebody(server, "argent"), somebody(server, "ada") as ada:
        async with opened(load_plugin, settings) as live:
            await live.deliver(reply("it is me"))
            await eventually(lambda: ada.told, what="a message")
    assert ada.told == ["it is me"]


async def test_a_wrong_password_is_said_without_it(
    load_plugin: Load, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRC_PASSWORD", f"{PASSWORD}-or-not")
    async with opened(load_plugin, server.settings()) as live:
        with pytest.raises(IrcError, match=r"127\.0\.0\.1") as refused:
            await live.listen(RecordingFeed())

    assert PASSWORD not in str(refused.value)


async def test_nonsense_of_a_server_does_no_harm(load_plugin: Load) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonsense = (
            b"",
            b":",
            b"\0",
            b"@",
            b"  ",
            b":x",
            b"NICK",
            b"PING",
            b"PONG",
            b"001",
            b"\xff\xfe",
        )
        for line in (
            *nonsense,
            b":s 001 argent :hi",
            *nonsense,
            b":s 401 argent",
            b"PRIVMSG",
            GOOD,
        ):
            writer.write(line + b"\r\n")
        await reader.read()
        writer.close()

    feed = RecordingFeed()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as strange:
        host, port = strange.sockets[0].getsockname()
        settings = {"host": host, "port": port, "tls": False}
        async with opened(load_plugin, settings) as live, listening(live, feed):
            event = await feed.next_event()

    assert (event.text, event.sender_name) == ("still here", "ada")


async def test_many_short_lines_are_put_behind_one_another(
    load_plugin: Load, server: Server
) -> None:
    numbers = [str(n) for n in range(60)]
    async with somebody(server, "ada") as ada, opened(load_plugin, server.settings()) as live:
        await live.deliver(reply("\n".join(numbers)))
        await eventually(lambda: ada.told, what="an answer")

    assert ada.told == [" | ".join(numbers)]


async def test_a_secret_that_is_missing_delays_what_is_to_be_sent(
    load_plugin: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IRC_PASSWORD", raising=False)
    async with opened(load_plugin, {"password": "env:IRC_PASSWORD"}) as live:
        with pytest.raises(DeliveryDelayed, match="IRC_PASSWORD"):
            await live.deliver(reply("hello"))
