from __future__ import annotations

import pytest

from argent_hookspecs import ModelTier, ModelUnavailable
from argent_testing import Argent

from ..demo import Demo
from .vendors import Vendor, starting_with

pytestmark = pytest.mark.anyio

POWERFUL = ModelTier(id="p", name="powerful", below=2.0, provider="scripted", model="large")


def models(argent: Argent) -> list[str]:
    return [request.model for request in argent.model.requests]


async def test_a_message_can_name_its_tier(argent: Argent) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=["a", "b"]):
        await argent.channel.ask("@powerful What is life?")
        await argent.channel.ask("And without?")

    assert models(argent) == ["large", "scripted"]
    assert argent.model.requests[0].messages[-1].text.endswith("What is life?")
    assert "@powerful" not in argent.model.requests[1].messages[0].text


async def test_a_conversation_can_have_its_tier_also_after_a_restart(argent: Argent) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=["a", "b"]):
        assert "powerful answers here" in await argent.channel.ask("/model powerful")
        await argent.channel.ask("one")
        await argent.channel.ask("two", "elsewhere")
    assert models(argent) == ["large", "scripted"]

    async with argent.restart(model=["c", "d"]):
        assert "Now: powerful" in await argent.channel.ask("/model")
        await argent.channel.ask("three")
        await argent.channel.ask("/model auto")
        await argent.channel.ask("four")
    assert models(argent) == ["large", "scripted"]


async def test_who_answers_instead_of_the_tier_that_was_asked_for_is_said(argent: Argent) -> None:
    replies = [ModelUnavailable("overloaded"), "a", "b"]
    async with argent(plugins=[Demo(POWERFUL)], model=replies):
        asked = await argent.channel.ask("@powerful What is life?")
        unasked = await argent.channel.ask("And without?")

    assert asked == "a\n\n(This is from local, as powerful could not answer: overloaded)"
    assert unasked == "b"
    assert models(argent) == ["large", "scripted", "scripted"]
    assert [message.text for message in argent.model.requests[2].messages][1] == "a"


async def test_a_tier_that_is_none_is_named_with_those_that_are(argent: Argent) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=[]):
        answer = await argent.channel.ask("/model enormous")

    assert answer == "There is no enormous. There are: auto, local, powerful."


@pytest.mark.parametrize("text", ["@nobody hi", "@powerful", "me@powerful hi", "/model a b"])
async def test_what_only_looks_like_it_is_told_to_the_model(argent: Argent, text: str) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=["ok"]):
        assert await argent.channel.ask(text) == "ok"

    assert models(argent) == ["scripted"]
    assert argent.model.requests[0].messages[-1].text.endswith(text)


async def test_strangers_choose_nothing(argent: Argent) -> None:
    async with argent(plugins=[Demo(POWERFUL)], model=["no", "no"]):
        for text in ("/model powerful", "@powerful hi"):
            await argent.channel.say(text, trust="outside")
            assert (await argent.channel.next_reply()).text == "no"

    assert models(argent) == ["scripted", "scripted"]


async def test_who_asks_for_a_model_of_this_machine_is_not_answered_from_elsewhere(
    argent: Argent,
) -> None:
    local, fast = Vendor("local", ModelUnavailable("busy"), local=True), Vendor("fast")
    plugins, config = [local.plugin(), fast.plugin()], starting_with("fast")

    async with argent(plugins=plugins, config=config):
        assert "busy" in await argent.channel.ask("@local Keep this here.")

    assert fast.requests == []
