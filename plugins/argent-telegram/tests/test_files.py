"""Files, in and out, and albums."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import pytest
from bot_api import BotApi

from argent_hookspecs import (
    Address,
    Effect,
    Event,
    File,
    Receipt,
    Reply,
    Tool,
    ToolCall,
    WithFiles,
)
from argent_testing import Argent, MadePlugin

pytestmark = pytest.mark.anyio

PLUGINS = ["argent_telegram"]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
OGG = b"OggS\x00\x02" + b"\0" * 22 + b"\x01\x13OpusHead\x01\x01" + b"\0" * 60
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


async def events_of(argent: Argent, kernel: Any) -> list[Event]:
    """Return what came in, in order."""
    from argent_core import codec

    sql = "SELECT body FROM events ORDER BY seq"
    rows = await kernel.journal.database.read(lambda tx: tx.execute(sql).fetchall())
    return [codec.load(body, Event) for (body,) in rows]


def files_in(event: Event) -> list[File]:
    return [part for part in event.content if isinstance(part, File)]


@pytest.mark.parametrize(
    ("kind", "given", "media_type"),
    [
        ("photo", PNG, "image/png"),
        ("voice", OGG, "audio/ogg"),
        ("document", ("paper.pdf", PDF), "application/pdf"),
    ],
)
async def test_a_file_comes_in_whole(
    argent: Argent, api: BotApi, config: Mapping[str, Any], kind: str, given: Any, media_type: str
) -> None:
    async with argent(plugins=PLUGINS, model=["Nice."], config=config) as kernel:
        await api.say("Look.", **{kind: given})
        await api.settled(1, says=1)
        (event,) = await events_of(argent, kernel)
        (file,) = files_in(event)
        content = await kernel.files.read(file)

    assert event.text == "Look."
    assert file.media_type == media_type
    assert content == (given[1] if isinstance(given, tuple) else given)


async def test_an_album_is_one_event(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=["Two pictures."], config=config) as kernel:
        await api.say("My cats", album=[PNG, PNG + b"2"])
        await api.settled(1, says=1)
        (event,) = await events_of(argent, kernel)

    assert event.text == "My cats"
    assert len(files_in(event)) == 2


async def test_what_is_said_after_an_album_shows_that_it_is_whole(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, config=config) as kernel:
        await api.say(album=[PNG, PNG + b"2", PNG + b"3"])
        await api.say("What is this?")
        await api.settled()
        first, second = await events_of(argent, kernel)

    assert len(files_in(first)) == 3
    assert second.text == "What is this?"


async def test_an_album_that_was_not_stored_is_collected_anew(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, config=config):
        await api.polled()
        gate = api.hold("getFile")
        await api.say(album=[PNG, PNG + b"2"])
        await gate.reached.wait()
    gate.open()
    async with argent.restart(model=["Two pictures."]) as kernel:
        await api.settled(1, says=1)
        (event,) = await events_of(argent, kernel)

    assert len(files_in(event)) == 2


async def test_a_slow_file_holds_up_nobody_else(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    config = {**config, "people": {"owners": {"telegram": ["1", "2"]}}}
    async with argent(plugins=PLUGINS, model=["Quick.", "Slow."], config=config):
        gate = api.hold("getFile")
        await api.say("Look", chat=1, photo=PNG)
        await gate.reached.wait()
        await api.say("Hello", chat=2)
        await api.until(lambda: api.texts(2) == ["Quick."])
        assert api.bot.updates.waiting
        gate.open()
        await api.settled(1, says=1)


async def test_a_file_that_is_too_large_is_named(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    config = {**config, "files": {"largest": 1000}}
    async with argent(plugins=PLUGINS, model=["I cannot see it."], config=config) as kernel:
        await api.say("Read this", document=("huge.bin", b"x" * 2000))
        await api.settled(1, says=1)
        (event,) = await events_of(argent, kernel)

    assert "huge.bin" in event.text
    assert "which is not here: it has 0.002 MB; the agent keeps at most 0.001 MB" in event.text


async def test_nothing_of_a_strangers_is_fetched(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, config=config):
        await api.say("Look", chat=66, photo=PNG)
        await api.settled(66, says=1)

    assert api.methods_called("getFile") == []


@pytest.mark.parametrize(
    ("name", "content", "method"),
    [
        ("owl.png", PNG, "sendPhoto"),
        ("note.ogg", OGG, "sendVoice"),
        ("paper.pdf", PDF, "sendDocument"),
    ],
)
async def test_a_file_goes_out_as_what_it_is(
    argent: Argent,
    api: BotApi,
    config: Mapping[str, Any],
    name: str,
    content: bytes,
    method: str,
) -> None:
    async with argent(plugins=PLUGINS, config=config) as kernel:
        await api.polled()
        api.bot.open_chat(1)
        file = await kernel.files.add(content, name=name)
        await deliver(kernel, text="Here *it* is.", files=(file,))

    (message,) = api.messages(1)
    (call,) = api.methods_called(method)
    kind = method.removeprefix("send").lower()
    shown = message[kind][-1] if kind == "photo" else message[kind]
    assert message["caption"] == "Here it is."
    assert api.content_of(shown["file_id"]) == content
    assert call.outcome == "ok"


@pytest.mark.parametrize(
    ("name", "content", "method"), [("owl.png", PNG, "sendPhoto"), ("a.pdf", PDF, "sendDocument")]
)
async def test_what_a_tool_makes_goes_out_under_its_answer(
    argent: Argent,
    api: BotApi,
    config: Mapping[str, Any],
    name: str,
    content: bytes,
    method: str,
) -> None:
    async def make() -> WithFiles:
        return WithFiles("It is made.", [await plugin.ctx.files.add(content, name=name)])

    tool = Tool(id="make", description="Make it.", run=make, effect=Effect.IDEMPOTENT)
    plugin = MadePlugin("maker", tool)
    script: list[Any] = [ToolCall("1", "make"), "Here *it* is."]
    async with argent(plugins=[*PLUGINS, plugin], model=script, config=config):
        await api.say("Make one!")
        (message,) = await api.settled(1, says=1)

    kind = method.removeprefix("send").lower()
    shown = message[kind][-1] if kind == "photo" else message[kind]
    assert message["caption"] == "Here it is."
    assert api.content_of(shown["file_id"]) == content
    assert [call.outcome for call in api.methods_called(method)] == ["ok"]


async def deliver(kernel: Any, *, text: str, files: tuple[File, ...] = ()) -> Receipt:
    """Hand a reply to the channel, as the outbox does."""
    from argent_hookspecs import Channel

    (channel,) = [one for one in kernel.host.registered(Channel) if one.record.id == "telegram"]
    to = Address("telegram", "1")
    reply = Reply(key="k-0", to=to, text=text, turn="k", conversation="c", files=files)
    receipt: Receipt = await channel.live.deliver(reply)
    return receipt


async def test_a_file_waits_for_as_long_as_telegram_asks(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    for _ in range(4):
        api.refuse("getFile", 429, "Too Many Requests: retry after 1", retry_after=1)
    async with argent(plugins=PLUGINS, model=["Nice."], config=config) as kernel:
        await api.say("Look.", photo=PNG)
        await api.settled(1, says=1, timeout=30)
        (event,) = await events_of(argent, kernel)

    assert len(files_in(event)) == 1


async def test_a_file_waits_until_there_is_room_on_the_disk(
    argent: Argent, api: BotApi, config: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with argent(plugins=PLUGINS, model=["Nice."], config=config) as kernel:
        with monkeypatch.context() as full:
            usage = shutil.disk_usage(argent.folder)
            full.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
            await api.say("Look.", photo=PNG)
            await api.until(lambda: len(api.methods_called("getFile")) == 2)
            assert await events_of(argent, kernel) == []
        await api.settled(1, says=1)
        (event,) = await events_of(argent, kernel)

    assert len(files_in(event)) == 1


async def test_a_file_for_which_the_settings_leave_no_room_is_named_at_once(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    config = {**config, "files": {"total": len(PNG) + 10}}
    async with argent(plugins=PLUGINS, model=["Nice.", "I cannot see it."], config=config):
        await api.say("Look.", photo=PNG)
        await api.settled(1, says=1)
        await api.say("And here.", photo=PNG + b"2")
        await api.settled(1, says=2)

    assert "files.total" in argent.model.requests[1].messages[-1].text
