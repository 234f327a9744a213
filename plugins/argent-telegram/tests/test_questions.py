"""Questions with buttons."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from bot_api import BotApi
from bot_api.people import Button

from argent_core.kernel import Kernel
from argent_hookspecs import Sender, ToolCall
from argent_testing import Argent, hang

pytestmark = pytest.mark.anyio

PLUGINS = ["argent_telegram", "argent_basics"]
CALL = ToolCall(id="1", name="calc", arguments={"expression": "6*7"})


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    """Sums need a person's word; one more person may talk with the agent."""
    people = {**config["people"], "allow": {"telegram": ["2"]}}
    return {**config, "people": people, "tools": {"policy": {"calc": "ask"}}}


@pytest.mark.parametrize(("button", "said"), [("Allow", "Allowed by"), ("Deny", "Denied by")])
async def test_a_button_answers_an_approval(
    argent: Argent, api: BotApi, config: Mapping[str, Any], button: str, said: str
) -> None:
    async with argent(plugins=PLUGINS, model=[CALL, "It is settled."], config=config):
        await api.say("6*7?")
        (question,) = await api.settled(1, says=1)
        await api.press(api.button(1, button))
        await api.settled(1, says=2)
        await api.until(lambda: said in api.texts(1)[0])

    assert "6*7" in question["text"]
    assert "reply_markup" not in api.messages(1)[0]
    assert api.texts(1)[1] == "It is settled."


async def test_only_an_owner_can_answer(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=[CALL, "42."], config=config):
        await api.say("6*7?")
        await api.settled(1, says=1)
        await api.press(api.button(1, "Allow"), user=2)
        await api.until(lambda: any("Only the owner" in one for one in api.answers.values()))
        assert "reply_markup" in api.messages(1)[0]
        await api.press(api.button(1, "Allow"))
        await api.settled(1, says=2)


async def test_a_button_that_nobody_waits_for_says_so(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=[CALL, "42."], config=config):
        await api.say("6*7?")
        await api.settled(1, says=1)
        button = api.button(1, "Allow")
        await api.press(button)
        await api.settled(1, says=2)
        await api.press(button)
        await api.until(lambda: any("already" in one for one in api.answers.values()))


async def test_an_approval_given_elsewhere_takes_the_buttons_away(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=[CALL, "42."], config=config) as kernel:
        await api.say("6*7?")
        await api.settled(1, says=1)
        (approval,) = await kernel.agent.approvals()
        await kernel.agent.answer(approval.id, allow=True, by="the terminal")
        await api.until(lambda: "elsewhere" in api.texts(1)[0])
        await api.settled(1, says=2)

    assert "reply_markup" not in api.messages(1)[0]


async def test_a_button_works_after_a_restart(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=[CALL], config=config):
        await api.say("6*7?")
        await api.settled(1, says=1)
    async with argent.restart(model=["42."]):
        await api.press(api.button(1, "Allow"))
        await api.settled(1, says=2)

    assert api.texts(1)[-1] == "42."
    assert "Allowed by" in api.texts(1)[0]


@pytest.mark.parametrize("button", ["Allow", "Deny"])
async def test_a_press_that_a_crash_cuts_short_is_the_answer_after_it(
    argent: Argent, api: BotApi, config: Mapping[str, Any], button: str
) -> None:
    gate = api.hold("answerCallbackQuery")
    async with argent(plugins=PLUGINS, model=[CALL, hang], config=config) as kernel:
        await api.say("6*7?")
        await api.settled(1, says=1)
        await api.press(api.button(1, button))
        await gate.reached.wait()
        await argent.model.asked(2)
        assert await kernel.agent.approvals() == []
    gate.open()
    said = len(api.answers)
    async with argent.restart(model=["It is settled."]):
        await api.settled(1, says=2)
        await api.until(lambda: len(api.answers) > said and not api.bot.updates.waiting)
        word = {"Allow": "Allowed", "Deny": "Denied"}[button]
        await api.until(lambda: f"{word} by" in api.texts(1)[0])

    assert "reply_markup" not in api.messages(1)[0]
    assert api.texts(1)[1:] == ["It is settled."]


async def test_a_question_that_telegram_does_not_take_now_is_asked_later(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    api.refuse("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    async with argent(plugins=PLUGINS, model=[CALL, "42."], config=config):
        await api.say("6*7?")
        await api.settled(1, says=1)
        await api.press(api.button(1, "Allow"))
        await api.until(lambda: "42." in api.texts(1))

    assert len(api.texts(1)) == 2


@pytest.mark.parametrize("data", [":y", "", "t::y", "x:1:y", "p::n"])
async def test_a_forged_button_closes_nothing(
    argent: Argent, api: BotApi, config: Mapping[str, Any], data: str
) -> None:
    async with argent(plugins=PLUGINS, model=[CALL, "42."], config=config):
        await api.say("6*7?")
        await api.settled(1, says=1)
        chat = {"id": 66, "type": "private"}
        await api.press(Button({"message_id": 5, "date": 1, "chat": chat}, "x", data), user=66)
        await api.until(lambda: api.answers and not api.bot.updates.waiting)
        assert "reply_markup" in api.messages(1)[0]
        await api.press(api.button(1, "Allow"))
        await api.settled(1, says=2)


async def test_a_stranger_takes_no_buttons_away(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=[CALL, "42."], config=config):
        await api.say("6*7?")
        (question,) = await api.settled(1, says=1)
        (row,) = question["reply_markup"]["inline_keyboard"]
        forged = row[0]["callback_data"].replace("t:", "p:")
        await api.press(Button(dict(question), "x", forged), user=66)
        await api.until(lambda: any("Only the owner" in one for one in api.answers.values()))
        assert "reply_markup" in api.messages(1)[0]
        await api.press(api.button(1, "Allow"))
        await api.settled(1, says=2)


async def test_who_is_an_owner_no_longer_is_not_told_who_asks(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    people = {"owners": {"telegram": ["1", "5"]}}
    config = {**config, "people": people}
    async with argent(plugins=PLUGINS, model=["Hi.", "Hi."], config=config):
        await api.say("Hello", chat=5)
        await api.settled(5, says=1)
        await api.say("Hello", chat=1)
        await api.settled(1, says=1)
    people = {"owners": {"telegram": ["1"]}}
    async with argent.restart(config={**config, "people": people}) as kernel:
        assert (await kernel.agent.trust(Sender("telegram", "5"))).value == "outside"
        await api.say("Let me in", chat=66)
        await api.settled(66, says=1)
        await api.settled(1, says=2)
        asked = [call.arguments.integer("chat_id") for call in api.methods_called("sendMessage")]

    assert asked.count(1) == 2
    assert asked.count(5) == 1


async def test_what_could_not_be_asked_is_asked_of_the_owner_after_a_restart(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=["Hello.", CALL], config=config) as kernel:
        await api.say("hello")
        await api.settled(1, says=1)
        api.refuse("sendMessage", 429, "Too Many Requests: retry after 30", retry_after=30)
        await api.say("6*7?", chat=2)
        await _waiting(kernel)
        await api.until(lambda: len(api.methods_called("sendMessage")) == 2)
    async with argent.restart(model=[]):
        await api.settled(1, says=2)

    assert "May I run" in api.texts(1)[1]
    assert api.texts(2) == []


async def test_an_owner_elsewhere_is_not_asked_in_the_chat_of_another(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    people = {"owners": {"memory": ["ada"]}, "allow": {"telegram": ["2", "3"]}}
    config = {**config, "people": people}
    async with argent(plugins=PLUGINS, model=[CALL], config=config) as kernel:
        await api.say("6*7?", chat=2)
        await _waiting(kernel)
    async with argent.restart(model=["Hi."]):
        await api.say("hi", chat=3)
        await api.settled(3, says=1)

    assert api.texts(2) == []


async def _waiting(kernel: Kernel) -> None:
    """Wait until a turn waits for a person's word."""
    async with asyncio.timeout(10):
        while not await kernel.agent.approvals() or kernel.loop.running:
            pass
