"""The Responses API: what is asked, and what becomes of the answer."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from typing import Any

import pytest
from attrs import evolve
from openai_kit import COIN, lab
from replay import hello, refusal, replaying

from argent_hookspecs import (
    ContextBlock,
    Finish,
    FinishReason,
    Image,
    Message,
    ModelPart,
    ModelRejected,
    ModelUnavailable,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from argent_testing import PlayedReply
from argent_testing.answers import ask, calls, collect, finish, thoughts, words
from argent_testing.wire.chat import events

pytestmark = pytest.mark.anyio
COUNTED = {
    "input_tokens": 50,
    "input_tokens_details": {"cached_tokens": 40},
    "output_tokens": 6,
    "total_tokens": 56,
}


def delta(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "delta": text, **more}


def done(**item: Any) -> dict[str, Any]:
    return {"type": "response.output_item.done", "item": item}


def completed(**more: Any) -> dict[str, Any]:
    response = {"object": "response", "status": "completed", "usage": COUNTED, **more}
    kind = "response.incomplete" if more else "response.completed"
    return {"type": kind, "response": response}


def reply(*documents: Any) -> PlayedReply:
    return PlayedReply(pieces=events({"type": "response.created"}, *documents, end=b""))


async def told(*documents: Any, **settings: Any) -> list[ModelPart]:
    async with (
        replaying(reply(*documents)) as server,
        lab(server.url, api="responses", **settings).open("lab") as client,
    ):
        return await collect(client, ask("Hello."))


async def test_an_answer_comes_word_by_word_and_is_counted() -> None:
    parts = await told(delta("Hel"), delta("lo."), completed())
    assert words(parts) == "Hello."
    assert len(parts) == 3
    assert finish(parts).reason is FinishReason.STOP
    assert finish(parts).usage == Usage(input_tokens=10, output_tokens=6, cache_read_tokens=40)


async def test_a_turn_with_tools_and_thoughts_goes_back_and_forth() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz"}
    coin = {"type": "function_call", "call_id": "a", "name": "coin", "arguments": '{"times": 1}'}
    system = (ContextBlock(text="Be kind.", source="a", stable=True),)
    first = evolve(ask("Toss.", tools=(COIN,), max_output_tokens=99), system=system)
    async with (
        replaying(
            reply(done(**thought, status="completed"), done(**coin), completed()),
            reply(delta("Heads."), completed()),
        ) as server,
        lab(server.url, api="responses").open("lab") as client,
    ):
        parts = await collect(client, first)
        said = Message(Role.ASSISTANT, (*thoughts(parts), Text(""), *calls(parts)))
        result = (ToolResult("a", "coin", "heads"), Image(b"a", "image/png"))
        turn = (*first.messages, said, Message(Role.USER, result))
        await collect(client, evolve(first, messages=turn))
        asked, again = (one.body for one in server.posted)
        paths = {one.path for one in server.posted}
    assert calls(parts) == [ToolCall("a", "coin", {"times": 1})]
    assert finish(parts).reason is FinishReason.TOOL_CALLS
    assert paths == {"/v1/responses"}
    assert asked["max_output_tokens"] == 99
    assert asked["store"] is False
    assert asked["tools"][0]["strict"] is False
    assert asked["tools"][0]["parameters"] == COIN.parameters
    assert again["input"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Toss."},
        thought,
        coin | {"arguments": '{"times":1}'},
        {"type": "function_call_output", "call_id": "a", "output": "heads"},
        {
            "role": "user",
            "content": [{"type": "input_image", "image_url": "data:image/png;base64,YQ=="}],
        },
    ]


async def test_thoughts_and_calls_keep_their_order() -> None:
    items = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "one"},
        {"type": "function_call", "call_id": "a", "name": "coin", "arguments": "{}"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "two"},
        {"type": "function_call", "call_id": "b", "name": "coin", "arguments": "{}"},
    ]
    async with (
        replaying(reply(*(done(**item) for item in items), completed())) as server,
        lab(server.url, api="responses").open("lab") as client,
    ):
        *parts, end = await collect(client, ask("Toss.", tools=(COIN,)))
        said = Message(Role.ASSISTANT, tuple(parts))
        await collect(client, ask("Toss.", said, "And?", tools=(COIN,)))
        again = server.posted[1].body["input"]
    assert [one for one in again if one.get("type") in ("reasoning", "function_call")] == items
    assert isinstance(end, Finish)
    assert end.reason is FinishReason.TOOL_CALLS


async def test_a_call_comes_as_soon_as_it_is_whole() -> None:
    more = asyncio.Event()
    call = done(type="function_call", call_id="a", name="coin", arguments="{}")
    first, last = events(call, end=b""), events(delta("So."), completed(), end=b"")
    async with (
        replaying(PlayedReply(pieces=[*first, more, *last])) as server,
        lab(server.url, api="responses").open("lab") as client,
        aclosing(client.stream(ask("Toss.", tools=(COIN,)))) as parts,
    ):
        assert await anext(parts) == ToolCall("a", "coin", {})
        more.set()
        assert finish([part async for part in parts]).reason is FinishReason.TOOL_CALLS


async def test_a_call_that_the_limit_cut_short_is_not_made() -> None:
    cut = done(
        type="function_call", call_id="a", name="coin", arguments='{"ti', status="incomplete"
    )
    end = completed(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    parts = await told(cut, end)
    assert calls(parts) == []
    assert finish(parts).reason is FinishReason.LENGTH


async def test_an_answer_that_counts_nothing_says_so() -> None:
    for nothing in (None, {}, {"input_tokens": 0, "output_tokens": 0}):
        assert finish(await told(delta("Hello."), completed(usage=nothing))).usage == Usage()


async def test_what_was_said_before_is_told() -> None:
    async with (
        replaying(reply(delta("Yes."), completed())) as server,
        lab(server.url, api="responses").open("lab") as client,
    ):
        await collect(client, ask("Hi.", "Hello.", "Is it?"))
        told = server.posted[0].body["input"]
    said = {"type": "output_text", "text": "Hello."}
    assert told == [
        {"role": "user", "content": "Hi."},
        {"type": "message", "role": "assistant", "content": [said]},
        {"role": "user", "content": "Is it?"},
    ]


async def test_what_it_thinks_is_apart() -> None:
    kind = "response.reasoning_summary_text.delta"
    parts = await told({"type": kind, "delta": "Hm."}, delta("Yes."), completed())
    assert [one.text for one in thoughts(parts)] == ["Hm."]
    assert words(parts) == "Yes."


@pytest.mark.parametrize(
    ("why", "meant"),
    [("max_output_tokens", FinishReason.LENGTH), ("content_filter", FinishReason.REFUSAL)],
)
async def test_an_answer_that_is_not_complete_says_why(why: str, meant: FinishReason) -> None:
    parts = await told(
        delta("a"), completed(status="incomplete", incomplete_details={"reason": why})
    )
    assert finish(parts).reason is meant


async def test_a_refusal_is_said_and_marked() -> None:
    parts = await told({"type": "response.refusal.delta", "delta": "No."}, completed())
    assert words(parts) == "No."
    assert finish(parts).reason is FinishReason.REFUSAL


async def test_how_sure_a_model_is() -> None:
    sure = [{"token": "a", "logprob": math.log(0.25)}]
    parts = await told(delta("a", logprobs=sure), completed(), confidence=True)
    assert finish(parts).confidence == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (
            {"type": "error", "code": "server_error", "message": "Oh dear."},
            ModelUnavailable,
        ),
        (
            {
                "type": "response.failed",
                "response": {"error": {"code": "rate_limit_exceeded", "message": "Oh dear."}},
            },
            ModelUnavailable,
        ),
        (
            {
                "type": "response.failed",
                "response": {"error": {"code": "invalid_prompt", "message": "Oh dear."}},
            },
            ModelRejected,
        ),
    ],
)
async def test_a_failure_within_the_stream_is_told(
    document: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match="Oh dear"):
        await told(delta("a"), document)


async def test_a_response_that_comes_at_once_is_understood() -> None:
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hello."}]}
    whole = {"object": "response", "status": "completed", "output": [message], "usage": COUNTED}
    parts = await told(whole)
    assert words(parts) == "Hello."
    assert finish(parts).usage.output_tokens == 6


async def test_a_server_that_asks_for_responses_gets_them_from_then_on() -> None:
    said = (
        "Function tools with reasoning_effort are not supported for m in /v1/chat/completions. "
        "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
    )
    async with (
        replaying(refusal(400, {"message": said}), reply(delta("Yes."), completed())) as server,
        lab(server.url).open("lab") as client,
    ):
        assert words(await collect(client, ask("Is it?"))) == "Yes."
        assert words(await collect(client, ask("Is it?"))) == "Yes."
        paths = [one.path.removeprefix("/v1/") for one in server.posted]
    assert paths == ["chat/completions", "responses", "responses"]


async def test_one_that_asks_for_responses_and_has_none_is_asked_not_to_think() -> None:
    said = "Use /v1/responses or set reasoning_effort to 'none'."
    async with (
        replaying(
            refusal(400, {"message": said}),
            refusal(404, {"message": "Not Found"}),
            refusal(400, {"message": said}),
            hello(),
        ) as server,
        lab(server.url).open("lab") as client,
    ):
        assert words(await collect(client, ask("Toss.", tools=(COIN,))))
        assert server.posted[-1].body["reasoning_effort"] == "none"
