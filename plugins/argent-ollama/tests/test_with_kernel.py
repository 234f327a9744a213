"""A whole agent that thinks through this plugin, and its settings."""

from __future__ import annotations

from typing import Any

import pytest
from played_ollama import SMALL, PlayedOllama, refusal

from argent_hookspecs import MEMORY, ConfigError, ModelProvider, NewMemory
from argent_ollama.settings import OllamaSettings
from argent_testing.wire.ollama import done, said

pytestmark = pytest.mark.anyio


def config(url: str, **settings: Any) -> dict[str, Any]:
    return {"plugins": {"ollama": {"baseUrl": url, **settings}}}


async def test_a_tool_is_used_on_the_way_to_an_answer(argent: Any, ollama: PlayedOllama) -> None:
    wish = {"function": {"name": "calc", "arguments": {"expression": "6*7"}}}
    ollama.answers(said(thinking="I can calculate."), said(tool_calls=[wish]), done())
    ollama.answers(said("It is 42."), done())
    plugins = ["argent_ollama", "argent_tier_local", "argent_basics"]

    async with argent(plugins=plugins, config=config(ollama.url)):
        assert await argent.channel.ask("What is 6*7?") == "It is 42."

    *_, assistant, result = ollama.bodies[1]["messages"]
    assert assistant["thinking"] == "I can calculate."
    assert (result["role"], result["content"]) == ("tool", "42")


async def test_a_window_that_is_too_small_is_met_with_less(
    argent: Any, ollama: PlayedOllama
) -> None:
    ollama.play(refusal(400, "the prompt is longer than the context length available"))
    ollama.answers(said("Hello."), done())
    plugins = ["argent_ollama", "argent_tier_local"]

    async with argent(plugins=plugins, config=config(ollama.url)):
        assert await argent.channel.ask("Hi.") == "Hello."


@pytest.mark.parametrize(
    ("settings", "local"),
    [({}, True), ({"cloud": True}, False), ({"baseUrl": "http://nas.home:11434"}, False)],
)
async def test_local_is_what_stays_on_this_machine(
    load_plugin: Any, settings: dict[str, Any], local: bool
) -> None:
    async with load_plugin("argent_ollama", settings=settings) as plugin:
        (provider,) = plugin.of(ModelProvider)

    assert provider.local is local


async def test_the_kernel_says_where_it_is_if_the_plugin_is_not_told(
    argent: Any, ollama: PlayedOllama
) -> None:
    ollama.answers(said("Hello."), done())
    settings = {"models": {"routing": {"localEndpoint": ollama.url}}}

    async with argent(plugins=["argent_ollama", "argent_tier_local"], config=settings):
        assert await argent.channel.ask("Hi.") == "Hello."


async def test_the_memory_compares_by_meaning_with_its_model(
    argent: Any, ollama: PlayedOllama
) -> None:
    settings = {**config(ollama.url), "memory": {"embedder": f"ollama/{SMALL}"}}

    async with argent(plugins=["argent_memo", "argent_ollama"], config=settings) as kernel:
        memory = kernel.host.plugins["memo"].context.services.get(MEMORY)
        for text in ("Aa aaa aa.", "Ee eee ee."):
            await memory.add(NewMemory(text=text))
        await memory.embedding.settled()
        (check,) = [one for one in await kernel.agent.health() if one["check"] == "meaning"]

    assert check["summary"].startswith(f"2 of 2 items have a vector of ollama/{SMALL}")
    asked = [one.body["input"] for one in ollama.asked if one.path == "/api/embed"]
    assert {text for texts in asked for text in texts} >= {"Aa aaa aa.", "Ee eee ee."}


async def test_what_is_no_address_is_said_with_its_setting(argent: Any) -> None:
    settings = {"models": {"routing": {"localEndpoint": "nowhere"}}}

    async with argent(plugins=["argent_ollama"], config=settings, allow_faults=True) as kernel:
        (plugin,) = (one for one in kernel.agent.plugins() if one["name"] == "ollama")

    assert plugin["state"] not in ("running", "starting")
    assert "models.routing.localEndpoint must be an address" in plugin["reason"]


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "localhost:11434"},
        {"base_url": "http://me:secret@nas"},
        {"base_url": "ftp://nas"},
        {"options": {"num_ctx": 1}},
        {"thinking": "maybe"},
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        OllamaSettings(**settings)


@pytest.mark.parametrize("wish", ["10m", -1, 300.5])
async def test_a_length_of_time_is_words_or_a_number(load_plugin: Any, wish: Any) -> None:
    async with load_plugin("argent_ollama", settings={"keepAlive": wish}) as plugin:
        assert plugin.ctx.settings.keep_alive == wish


async def test_a_list_is_no_length_of_time(load_plugin: Any) -> None:
    with pytest.raises((AssertionError, ConfigError), match="keepAlive"):
        async with load_plugin("argent_ollama", settings={"keepAlive": []}):
            pass
