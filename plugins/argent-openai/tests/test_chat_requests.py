"""Chat Completions: what is asked."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from attrs import evolve
from openai_kit import COIN, lab
from replay import hello, replaying

from argent_hookspecs import (
    ContextBlock,
    Image,
    Message,
    ModelRequest,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from argent_testing.answers import ask, collect

pytestmark = pytest.mark.anyio
PICTURE = Image(b"\x89PNG", "image/png")


async def asked(request: ModelRequest, **settings: Any) -> dict[str, Any]:
    """Return the body that a request becomes."""
    async with (
        replaying(hello()) as server,
        lab(server.url, **settings).open("lab") as client,
    ):
        await collect(client, request)
        body: dict[str, Any] = server.posted[0].body
        return body


async def test_a_request_says_what_is_needed_and_no_more() -> None:
    blocks = tuple(
        ContextBlock(text=text, source="a", stable=True) for text in ("Be kind.", "", "Be brief.")
    )
    request = evolve(ask("Hi.", "Hello!", "How are you?"), system=blocks, max_output_tokens=99)
    assert await asked(request) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be kind.\n\nBe brief."},
            {"role": "user", "content": "Hi."},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "How are you?"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 99,
    }


async def test_options_of_the_person_are_passed_on() -> None:
    body = await asked(ask("Hi."), options={"temperature": 0.3, "seed": 7})
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0.3, 7, 4096)


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_tools_that_may_not_be_called_now_are_shown_all_the_same(api: str) -> None:
    request = ask("Toss.", tools=(COIN,))
    free, bound = [await asked(one, api=api) for one in (request, evolve(request, may_call=False))]
    assert bound == free | {"tool_choice": "none"}
    assert "tool_choice" not in await asked(ask("Hi.", may_call=False), api=api)


async def test_tools_are_offered_with_their_schemas() -> None:
    body = await asked(ask("Toss.", tools=(COIN,)))
    function = {"name": "coin", "description": "Toss a coin.", "parameters": COIN.parameters}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert "tools" not in await asked(ask("Toss.", tools=(COIN,)), tools=False)


async def test_a_turn_with_tools_is_told_in_the_order_that_the_api_demands() -> None:
    calls = (ToolCall("c1", "coin", {"times": 1}), ToolCall("c2", "coin", {"times": 2}))
    results = (
        ToolResult("c2", "coin", "no coin", is_error=True),
        ToolResult("c1", "coin", "heads"),
        Text("And hurry."),
    )
    body = await asked(
        ask("Toss.", Message(Role.ASSISTANT, calls), Message(Role.USER, results)),
    )
    _, assistant, *rest = body["messages"]
    assert assistant["content"] is None
    functions = [one["function"] for one in assistant["tool_calls"]]
    assert [json.loads(one["arguments"]) for one in functions] == [{"times": 1}, {"times": 2}]
    assert rest == [
        {"role": "tool", "tool_call_id": "c1", "content": "heads"},
        {"role": "tool", "tool_call_id": "c2", "content": "coin failed: no coin"},
        {"role": "user", "content": "And hurry."},
    ]


async def test_calls_without_results_and_results_without_calls_are_mended() -> None:
    """Servers refuse both, and history may be cut anywhere."""
    body = await asked(
        ask(
            Message(Role.USER, (ToolResult("c0", "coin", "tails"),)),
            Message(Role.ASSISTANT, (Text("Wait."), ToolCall("c1", "coin", {}))),
            "Well?",
            Message(Role.ASSISTANT, (ToolCall("c2", "coin", {}),)),
            Message(Role.ASSISTANT, (ToolCall("c3", "coin", {}),)),
        )
    )
    roles = [one.get("tool_call_id") or one["role"] for one in body["messages"]]
    assert roles == ["user", "assistant", "c1", "user", "assistant", "c2", "assistant", "c3"]
    assert body["messages"][0]["content"] == "Result of coin: tails"


async def test_pictures_are_shown_or_spoken_of() -> None:
    seen = Message(Role.USER, (Text("What is it?"), PICTURE))
    address = f"data:image/png;base64,{base64.b64encode(PICTURE.data).decode()}"
    body = await asked(ask(seen))
    assert body["messages"][0]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": address},
    }
    blind = await asked(ask(seen), images=False)
    assert "cannot see" in blind["messages"][0]["content"][1]["text"]


async def test_text_and_numbers_that_json_hardly_knows_are_sent() -> None:
    odd = Message(Role.ASSISTANT, (Text("half \ud83d"), ToolCall("c1", "coin", {"n": 2**70})))
    body = await asked(ask("\0 \u2028 \ud83d", odd))
    assert body["messages"][0]["content"] == "\0 \u2028 ?"
    assert str(2**70) in body["messages"][1]["tool_calls"][0]["function"]["arguments"]


async def test_a_body_of_many_megabytes_is_sent() -> None:
    large = Message(Role.USER, (Image(b"\xff" * 3_000_000, "image/png"), Text("sea " * 500_000)))
    body = await asked(ask(large))
    assert len(body["messages"][0]["content"][1]["text"]) == 2_000_000


async def test_thoughts_of_others_are_not_told() -> None:
    kept = Thinking("Hm.", "anthropic", "reasoning_content")
    body = await asked(ask("Hi.", Message(Role.ASSISTANT, (kept, Text("Hello."))), "And?"))
    assert body["messages"][1] == {"role": "assistant", "content": "Hello."}
