"""Answers that are shown while they are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import pytest
from bot_api import LOST, BotApi

from argent_hookspecs import (
    FREE,
    Finish,
    FinishReason,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    Plugin,
    TextDelta,
    Usage,
    hookimpl,
)
from argent_testing import Argent

pytestmark = pytest.mark.anyio

BEGINNING = "This is the **beginning** of an answer. "
END = "And this is its end."
WHOLE = "This is the beginning of an answer. And this is its end."


class SlowModel:
    """A model that says the beginning, and the end once it is told to."""

    name = "slow"

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary="Takes its time.")

    @hookimpl
    def argent_model_providers(self) -> list[ModelProvider]:
        return [ModelProvider(id="slow", open=self._open)]

    @hookimpl
    def argent_model_tiers(self) -> list[ModelTier]:
        return [ModelTier(id="slow", name="local", below=0.3, provider="slow", model="slow")]

    def _open(self) -> AbstractAsyncContextManager[SlowModel]:
        return nullcontext(self)

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=32_768, price=FREE, good_for="tests")

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        yield TextDelta(BEGINNING)
        self.begun.set()
        await self.go_on.wait()
        yield TextDelta(END)
        yield Finish(reason=FinishReason.STOP, usage=Usage(input_tokens=1, output_tokens=1))


@pytest.fixture
def model() -> SlowModel:
    return SlowModel()


async def test_a_draft_becomes_the_answer(
    argent: Argent, api: BotApi, config: Mapping[str, Any], model: SlowModel
) -> None:
    async with argent(plugins=["argent_telegram", model], config=config):
        await api.say("Tell me.")
        await api.until(lambda: api.texts(1))
        assert api.texts(1) == ["This is the beginning of an answer. …"]
        model.go_on.set()
        await api.until(lambda: api.texts(1) == [WHOLE])

    assert len(api.messages(1)) == 1


async def test_a_draft_outlives_the_agent_and_is_the_answer_of_the_next(
    argent: Argent, api: BotApi, config: Mapping[str, Any], model: SlowModel
) -> None:
    async with argent(plugins=["argent_telegram", model], config=config):
        await api.say("Tell me.")
        await api.until(lambda: api.texts(1))
    model.go_on.set()
    async with argent.restart():
        await api.until(lambda: api.texts(1) == [WHOLE])

    assert len(api.messages(1)) == 1


async def test_an_answer_that_is_whole_while_its_draft_is_being_sent_stands_there_once(
    argent: Argent, api: BotApi, config: Mapping[str, Any], model: SlowModel
) -> None:
    async with argent(plugins=["argent_telegram", model], config=config) as kernel:
        gate = api.hold("sendMessage")
        await api.say("Tell me.")
        await gate.reached.wait()
        model.go_on.set()
        async with asyncio.timeout(10):
            while not await kernel.agent.replies.list("sending"):
                pass
        gate.open()
        await api.until(lambda: WHOLE in api.texts(1))

    assert api.texts(1) == [WHOLE]


async def test_an_answer_whose_edit_is_lost_stands_there_once(
    argent: Argent, api: BotApi, config: Mapping[str, Any], model: SlowModel
) -> None:
    async with argent(plugins=["argent_telegram", model], config=config) as kernel:
        await api.say("Tell me.")
        await api.until(lambda: api.texts(1))
        api.fail("editMessageText", LOST)
        model.go_on.set()
        await api.until(lambda: api.texts(1) == [WHOLE])
        await api.settled(1)
        async with asyncio.timeout(10):
            while len(api.methods_called("editMessageText")) == 1:
                await argent.clock.advance(60)
        replies = await kernel.agent.replies.list()

    assert len(api.messages(1)) == 1
    assert not [one for one in replies if one["state"] == "unknown"]


async def test_a_draft_that_the_person_took_away_is_answered_anew(
    argent: Argent, api: BotApi, config: Mapping[str, Any], model: SlowModel
) -> None:
    async with argent(plugins=["argent_telegram", model], config=config):
        await api.say("Tell me.")
        await api.until(lambda: api.texts(1))
        api.bot.chats[1].messages.pop(api.messages(1)[0]["message_id"])
        model.go_on.set()
        await api.until(lambda: WHOLE in api.texts(1))

    assert len(api.messages(1)) == 1


async def test_an_answer_that_is_stopped_says_so(
    argent: Argent, api: BotApi, config: Mapping[str, Any], model: SlowModel
) -> None:
    async with argent(plugins=["argent_telegram", model], config=config):
        await api.say("Tell me.")
        await api.until(lambda: api.texts(1))
        await api.say("/stop")
        await api.until(lambda: any("(stopped)" in text for text in api.texts(1)))

    assert api.texts(1)[0].startswith("This is the beginning of an answer.")


async def test_without_drafts_only_the_answer_is_shown(
    argent: Argent, api: BotApi, config: Mapping[str, Any], model: SlowModel
) -> None:
    section = {**config["plugins"]["telegram"], "drafts": False}
    config = {**config, "plugins": {"telegram": section}}
    async with argent(plugins=["argent_telegram", model], config=config):
        await api.say("Tell me.")
        await model.begun.wait()
        model.go_on.set()
        await api.settled(1, says=1)

    assert api.texts(1) == [WHOLE]
    assert api.edits == []


async def test_a_draft_that_was_being_finished_is_finished_by_the_next_life(
    argent: Argent, api: BotApi, config: Mapping[str, Any], model: SlowModel
) -> None:
    async with argent(plugins=["argent_telegram", model], config=config, allow_faults=True):
        await api.say("Tell me.")
        await api.until(lambda: api.texts(1))
        gate = api.hold("editMessageText")
        model.go_on.set()
        await gate.reached.wait()
    async with argent.restart():
        await api.until(lambda: api.texts(1) == [WHOLE])

    assert len(api.messages(1)) == 1
