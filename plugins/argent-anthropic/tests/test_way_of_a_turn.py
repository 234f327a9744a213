"""A turn with thoughts and tools, through a whole kernel."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic_kit import OPUS
from anthropic_replay import ReplayServer, model

from argent_hookspecs import ModelTier
from argent_testing import Argent, Canary, MadePlugin
from argent_testing.wire.messages import message, redacted, text, thinking, tool_use

pytestmark = pytest.mark.anyio
TIER = ModelTier(id="opus", name="balanced", below=0.8, provider="anthropic", model=OPUS)


def config(server: ReplayServer) -> dict[str, Any]:
    settings = {"baseUrl": server.url, "apiKey": "env:ARGENT_CANARY"}
    return {"plugins": {"anthropic": settings}}


async def test_thoughts_come_back_through_the_journal(
    server: ReplayServer, argent: Argent, canary: Canary
) -> None:
    server.models = [model(OPUS)]
    calc = tool_use("toolu_1", "calc", '{"expression": ', '"6*7"}')
    server.answer(
        *message(
            thinking("Let me see.", signature="sig"),
            redacted("data"),
            text("I will calculate."),
            calc,
            stop="tool_use",
        )
    )
    server.answer(*message(thinking("Good.", signature="sig-2"), text("It is ", "42.")))
    server.answer(*message(text("You are welcome.")))
    plugins = ["argent_anthropic", "argent_basics", MadePlugin("tier", TIER)]
    async with argent(plugins=plugins, config=config(server)):
        assert await argent.channel.ask("What is 6*7?") == "It is 42."
        assert await argent.channel.ask("Thank you.") == "You are welcome."
    first, second, third = server.bodies
    told = second["messages"][-2]["content"]
    assert [block["type"] for block in told] == [
        "thinking",
        "redacted_thinking",
        "text",
        "tool_use",
    ]
    assert told[0] == {"type": "thinking", "thinking": "Let me see.", "signature": "sig"}
    assert second["messages"][-1]["content"][0]["content"] == "42"
    assert second["messages"][: len(first["messages"])] == first["messages"]
    kinds = {block["type"] for one in third["messages"] for block in one["content"]}
    assert kinds == {"text"}
    assert third["system"] == first["system"]
    assert {one.headers["x-api-key"] for one in server.asked} == {canary.value}
