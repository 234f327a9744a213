"""The thin client beside the ``anthropic`` package: the same requests, the same answers."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import AsyncAnthropic
from anthropic_kit import COIN, KEY, ask, said
from anthropic_replay import ReplayServer
from attrs import evolve

from argent_hookspecs import ContextBlock, Image, Message, ModelClient, Role, Text, ToolResult
from argent_testing.answers import calls, collect, finish, thoughts, words
from argent_testing.wire.messages import message, redacted, text, thinking, tool_use

pytestmark = pytest.mark.anyio
EVENTS = message(
    thinking("Two ", "tosses.", signature="EqQB"),
    redacted("EmwK"),
    text("I'll toss", " twice."),
    tool_use("toolu_1", "coin", '{"ti', 'mes": ', "3}"),
    tool_use("toolu_2", "coin", '{"times": 1}'),
    stop="tool_use",
    output=75,
    cache_read_input_tokens=1000,
    cache_creation_input_tokens=200,
)


async def ask_the_sdk(server: ReplayServer, body: dict[str, Any]) -> Any:
    """Send a body through the package and return the message that it makes of the answer."""
    fields = {name: value for name, value in body.items() if name != "stream"}
    sdk = AsyncAnthropic(base_url=server.url, api_key=KEY, max_retries=0)
    async with sdk, sdk.messages.stream(**fields) as stream:
        return await stream.get_final_message()


async def test_it_hears_the_same(server: ReplayServer, client: ModelClient) -> None:
    server.answer(*EVENTS)
    server.answer(*EVENTS)
    parts = await collect(client, ask("Toss.", tools=(COIN,)))
    heard = await ask_the_sdk(server, server.bodies[0])
    first, second, spoken, *tools = heard.content
    assert [part.text for part in thoughts(parts)] == [first.thinking, ""]
    assert words(parts) == spoken.text
    assert [(c.id, c.name, c.arguments) for c in calls(parts)] == [
        (one.id, one.name, one.input) for one in tools
    ]
    usage = finish(parts).usage
    assert usage.input_tokens == heard.usage.input_tokens
    assert usage.output_tokens == heard.usage.output_tokens
    assert usage.cache_read_tokens == heard.usage.cache_read_input_tokens
    assert usage.cache_write_tokens == heard.usage.cache_creation_input_tokens
    assert second.data == "EmwK"


async def test_it_says_the_same(server: ReplayServer, client: ModelClient) -> None:
    for _ in range(3):
        server.answer(*EVENTS)
    block = ContextBlock(text="Be kind.", source="soul", stable=True)
    picture = Message(Role.USER, (Text("How many?"), Image(b"\x89PNG", "image/png")))
    request = ask("Hi.", "Hello.", picture, system=(block,), tools=(COIN,), stable=2)
    answer = said(await collect(client, request))
    results = [ToolResult(c.id, c.name, "heads") for c in calls(list(answer.parts))]  # type: ignore[arg-type]
    told = (*request.messages, answer, Message(Role.USER, tuple(results)))
    await collect(client, evolve(request, messages=told))
    await ask_the_sdk(server, server.bodies[-1])
    ours, theirs = server.bodies[-2:]
    assert ours == theirs
    assert sum("cache_control" in str(one) for one in ours.values()) == 3
    versions = {one.headers["anthropic-version"] for one in server.asked}
    assert versions == {"2026-10-21"}
