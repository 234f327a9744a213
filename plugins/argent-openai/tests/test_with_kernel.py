"""A whole agent that thinks through this plugin."""

from __future__ import annotations

from typing import Any

import pytest
from llama_server import KEY, NAME
from replay import refusal, replaying

from argent_hookspecs import MEMORY, ModelTier, NewMemory
from argent_testing import MadePlugin, PlayedReply
from argent_testing.wire.chat import call, chunk, events, usage

pytestmark = pytest.mark.anyio


def tier(model: str) -> MadePlugin:
    return MadePlugin(
        "tier", ModelTier(id="lab", name="fast", below=2.0, provider="lab", model=model)
    )


def config(url: str, **settings: Any) -> dict[str, Any]:
    return {"plugins": {"openai": {"endpoints": {"lab": {"baseUrl": url, **settings}}}}}


async def test_a_tool_is_used_on_the_way_to_an_answer(argent: Any) -> None:
    wish = call(0, '{"expression": "6*7"}', id="a", name="calc")
    asked = PlayedReply(
        pieces=events(
            chunk(reasoning_content="I can calculate."),
            chunk(tool_calls=[wish]),
            chunk(finish="tool_calls"),
            usage(),
        )
    )
    told = PlayedReply(pieces=events(chunk(content="It is 42."), chunk(finish="stop"), usage()))
    async with replaying(asked, told) as server:
        plugins = ["argent_openai", "argent_basics", tier("m")]
        async with argent(plugins=plugins, config=config(server.url)):
            assert await argent.channel.ask("What is 6*7?") == "It is 42."
        *_, assistant, result = server.posted[1].body["messages"]
    assert assistant["reasoning_content"] == "I can calculate."
    assert result["role"] == "tool"
    assert result["content"] == "42"
    assert result["tool_call_id"] == assistant["tool_calls"][0]["id"]


async def test_a_model_that_writes_no_object_is_told_so(argent: Any) -> None:
    wrong = call(0, "6*7", id="a", name="calc")
    asked = PlayedReply(
        pieces=events(chunk(tool_calls=[wrong]), chunk(finish="tool_calls"), usage())
    )
    told = PlayedReply(pieces=events(chunk(content="Sorry."), chunk(finish="stop"), usage()))
    async with replaying(asked, told) as server:
        plugins = ["argent_openai", "argent_basics", tier("m")]
        async with argent(plugins=plugins, config=config(server.url)):
            await argent.channel.ask("What is 6*7?")
        result = server.posted[1].body["messages"][-1]["content"]
    assert "calc failed: wrong arguments" in result
    assert "not a JSON object" in result


async def test_a_window_that_is_too_small_is_met_with_less(argent: Any) -> None:
    full = {"type": "exceed_context_size_error", "message": "too long", "code": 400}
    told = PlayedReply(pieces=events(chunk(content="Hello."), chunk(finish="stop"), usage()))
    async with replaying(refusal(400, full), told) as server:
        async with argent(plugins=["argent_openai", tier("m")], config=config(server.url)):
            assert await argent.channel.ask("Hi.") == "Hello."
        assert len(server.posted) == 2


async def test_a_real_server_holds_a_conversation(
    argent: Any, llama_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    settings = config(llama_url, apiKey="env:LAB_KEY", tools=False, contextWindow=8192)
    async with argent(plugins=["argent_openai", tier(NAME)], config=settings) as kernel:
        reply = await argent.channel.ask("Say hello.", timeout=60)
        assert reply
        assert {one["state"] for one in kernel.agent.plugins()} == {"running"}


async def test_the_memory_compares_by_meaning_with_a_model_of_an_endpoint(
    argent: Any, embedding_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    settings = config(embedding_url, apiKey="env:LAB_KEY")
    settings["memory"] = {"embedder": f"lab/{NAME}"}

    async with argent(plugins=["argent_memo", "argent_openai"], config=settings) as kernel:
        memory = kernel.host.plugins["memo"].context.services.get(MEMORY)
        await memory.add(NewMemory(text="The hound sleeps in the barn."))
        await memory.embedding.settled()
        (check,) = [one for one in await kernel.agent.health() if one["check"] == "meaning"]

    assert check["summary"].startswith(f"1 of 1 items have a vector of lab/{NAME}")
