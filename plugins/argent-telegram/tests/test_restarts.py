"""What outlives a restart, and several bots at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from bot_api import CUT, BotApi

from argent_hookspecs import ModelRequest
from argent_testing import Argent, hang

pytestmark = pytest.mark.anyio

PLUGINS = ["argent_telegram"]


async def test_what_is_told_again_is_answered_once(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=["One."], config=config):
        update = await api.say("First")
        await api.settled(1, says=1)
    api.bot.updates.waiting.append(update)
    async with argent.restart(model=["Two."]):
        await api.say("Second")
        await api.settled(1, says=2)

    assert api.texts(1) == ["One.", "Two."]


async def test_what_is_told_again_without_a_cursor_is_answered_once(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=["One."], config=config) as kernel:
        update = await api.say("First")
        await api.settled(1, says=1)
        forget = "DELETE FROM cursors WHERE source = 'telegram'"
        await kernel.journal.database.write(lambda tx: tx.execute(forget).rowcount)
    api.bot.updates.waiting.append(update)
    async with argent.restart(model=["Two."]):
        await api.say("Second")
        await api.settled(1, says=2)

    assert api.texts(1) == ["One.", "Two."]


async def test_the_cursor_is_where_polling_goes_on(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=["One."], config=config):
        update = await api.say("First")
        await api.settled(1, says=1)
    asked_before = len(api.methods_called("getUpdates"))
    async with argent.restart():
        await api.until(lambda: len(api.methods_called("getUpdates")) > asked_before)
    first = api.methods_called("getUpdates")[asked_before]

    assert first.arguments.integer("offset") == update["update_id"] + 1


async def test_the_cursor_keeps_up_with_many_messages_of_one_chat(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    updates = [await api.say(f"Message {n}") for n in range(8)]
    async with argent(plugins=PLUGINS, model=[hang], config=config) as kernel:
        await api.until(lambda: api.bot.updates.confirmed == len(updates))
        await api.until(lambda: api.actions)
        sql = "SELECT value FROM cursors WHERE source = 'telegram'"
        cursor = await kernel.journal.database.read(lambda tx: tx.execute(sql).fetchone()[0])

    assert f":{updates[-1]['update_id']}@" in cursor


async def test_what_has_waited_is_taken_in_order(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async def think(_: ModelRequest) -> str:
        await hang()
        return ""

    words = [f"Message {n}" for n in range(230)]
    for text in words:
        await api.say(text)
    async with argent(plugins=PLUGINS, model=[think], config=config) as kernel:
        await api.until(lambda: api.bot.updates.confirmed == len(words))
        await api.until(lambda: api.actions)
        events = await kernel.agent.events.list(limit=1000)

    assert [row["event"]["content"][0]["text"] for row in reversed(events)] == words


async def test_polling_goes_on_after_a_broken_connection(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=["Here."], config=config):
        api.fail("getUpdates", CUT, times=2)
        await api.say("Hello?")
        await api.settled(1, says=1)

    assert api.texts(1) == ["Here."]


async def test_two_bots_are_two_channels(
    argent: Argent, api: BotApi, config: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = api.add_bot("work_bot")
    monkeypatch.setenv("WORK_TOKEN", work.token)
    section = {
        **config["plugins"]["telegram"],
        "bots": {"work": {"token": "env:WORK_TOKEN", "baseUrl": api.url}},
    }
    config = {
        "plugins": {"telegram": section},
        "people": {"owners": {"telegram": ["1"], "telegram:work": ["1"]}},
    }
    async with argent(plugins=PLUGINS, model=["At home.", "At work."], config=config):
        await api.say("Where?")
        await api.settled(1, says=1)
        await api.say("Where?", bot=work)
        await api.settled(1, says=1, bot=work)

    assert api.texts(1) == ["At home."]
    assert api.texts(1, bot=work) == ["At work."]


async def test_a_bot_whose_token_is_missing_leaves_the_others_alone(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    section = {**config["plugins"]["telegram"], "bots": {"lost": {"token": "env:NO_SUCH_TOKEN"}}}
    config = {**config, "plugins": {"telegram": section}}
    async with argent(plugins=PLUGINS, model=["Here."], config=config, allow_faults=True):
        await api.say("Hello?")
        await api.settled(1, says=1)

    assert api.texts(1) == ["Here."]


async def test_an_update_that_cannot_be_read_stops_nothing(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=["Here."], config=config):
        await api.polled()
        api.bot.updates.put("message", {"message_id": "none", "chat": 7})
        await api.say("Hello?")
        await api.settled(1, says=1)

    assert api.texts(1) == ["Here."]


async def test_what_a_new_bot_was_told_first_is_heard(
    argent: Argent, api: BotApi, config: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.bot.updates.next_id = 100_000
    async with argent(plugins=PLUGINS, model=["One."], config=config):
        await api.say("First")
        await api.settled(1, says=1)
    other = api.add_bot("other_bot")
    other.updates.next_id = 700
    monkeypatch.setenv("TELEGRAM_TOKEN", other.token)
    await api.say("Hello, new one", bot=other)
    async with argent.restart(model=["Hello."]):
        await api.settled(1, says=1, bot=other)

    assert api.texts(1, bot=other) == ["Hello."]


async def test_what_comes_after_a_quiet_week_under_lower_numbers_is_heard(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    api.bot.updates.next_id = 100_000
    async with argent(plugins=PLUGINS, model=["One."], config=config):
        await api.say("First")
        await api.settled(1, says=1)
    api.bot.updates.next_id = 500
    argent.clock.jump(8 * 86400)
    async with argent.restart(model=["Two."]):
        await api.say("Second")
        await api.settled(1, says=2)
    await api.say("Third")
    async with argent.restart(model=["Three."]):
        await api.settled(1, says=3)

    assert api.texts(1) == ["One.", "Two.", "Three."]
