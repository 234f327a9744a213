"""Chat Completions: what is asked, and what becomes of the answer."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from attrs import evolve
from openai_kit import COIN, ask, calls, collect, finish, lab, thoughts, words
from replay import Reply, call, chunk, events, hello, replaying, usage

from argent_hookspecs import (
    ContextBlock,
    Finish,
    FinishReason,
    Image,
    Message,
    ModelPart,
    ModelRequest,
    ModelUnavailable,
    Role,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)

pytestmark = pytest.mark.anyio
PICTURE = Image(b"\x89PNG", "image/png")


async def told(*documents: Any, **settings: Any) -> list[ModelPart]:
    """Return the parts of an answer of these chunks."""
    async with (
        replaying(Reply(pieces=events(*documents))) as server,
        lab(server.url, **settings).open("lab") as client,
    ):
        return await collect(client, ask("Hello."))


async def asked(request: ModelRequest, **settings: Any) -> dict[str, Any]:
    """Return the body that a request becomes."""
    async with (
        replaying(hello()) as server,
        lab(server.url, **settings).open("lab") as client,
    ):
        await collect(client, request)
        body: dict[str, Any] = server.posted[0].body
        return body


async def test_an_answer_comes_word_by_word() -> None:
    async with replaying(hello()) as server, lab(server.url).open("lab") as client:
        parts = await collect(client, ask("Hello."))
    assert parts[:-1] == [TextDelta("Hel"), TextDelta("lo, wörld 🙂")]
    assert finish(parts).reason is FinishReason.STOP
    assert finish(parts).usage == Usage(input_tokens=11, output_tokens=3)
    assert finish(parts).confidence is None


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
    body = await asked(ask("Hi."), options={"temperature": 0.3, "max_tokens": 7})
    assert (body["temperature"], body["max_tokens"]) == (0.3, 7)


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


async def test_tools_are_called_side_by_side() -> None:
    parts = await told(
        chunk(role="assistant", content=None),
        chunk(tool_calls=[call(0, "", id="a", name="coin")]),
        chunk(tool_calls=[call(0, '{"ti')]),
        chunk(tool_calls=[call(0, 'mes": 1}'), call(1, "", id="b", name="time")]),
        chunk(tool_calls=[call(1, "{}")]),
        chunk(finish="tool_calls"),
        usage(),
    )
    assert calls(parts) == [ToolCall("a", "coin", {"times": 1}), ToolCall("b", "time", {})]
    assert finish(parts).reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    "pieces",
    [
        [call(None, '{"times": 1}', id="a", name="coin"), call(None, "{}", id="b", name="time")],
        [call(0, '{"times": 1}', id="a", name="coin"), call(0, "{}", id="b", name="time")],
        [
            call(None, '{"times"', id="a", name="coin"),
            call(None, ": 1}"),
            call(None, "", id="b", name="time"),
        ],
    ],
    ids=["without numbers", "all numbered 0", "without numbers, in pieces"],
)
async def test_calls_that_a_server_numbers_badly_stay_apart(pieces: list[Any]) -> None:
    parts = await told(*(chunk(tool_calls=[one]) for one in pieces), chunk(finish="stop"))
    assert calls(parts) == [ToolCall("a", "coin", {"times": 1}), ToolCall("b", "time", {})]
    assert finish(parts).reason is FinishReason.TOOL_CALLS


async def test_calls_without_an_id_get_one_each() -> None:
    pieces = [call(n, "{}", name="coin") for n in (0, 1)]
    one, other = calls(await told(chunk(tool_calls=pieces), chunk(finish="tool_calls")))
    assert one.id != other.id


@pytest.mark.parametrize("written", ['{"times": ', "[1]", '"a"', "null", "heads"])
async def test_arguments_that_are_no_object_are_passed_on_as_they_are(written: str) -> None:
    """No tool takes them, so the kernel tells the model what it wrote."""
    piece = call(0, written, id="a", name="coin")
    (only,) = calls(await told(chunk(tool_calls=[piece]), chunk(finish="tool_calls")))
    assert list(only.arguments.values()) == [written]
    assert set(only.arguments).isdisjoint(COIN.parameters["properties"])


async def test_a_call_that_was_cut_short_by_the_limit_is_not_made() -> None:
    pieces = [call(0, "{}", id="a", name="coin"), call(1, '{"tim', id="b", name="coin")]
    parts = await told(chunk(tool_calls=pieces), chunk(finish="length"))
    assert [one.id for one in calls(parts)] == ["a"]
    assert finish(parts).reason is FinishReason.LENGTH


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("content_filter", FinishReason.REFUSAL),
        ("eos", FinishReason.STOP),
    ],
)
async def test_reasons_to_end(said: str, meant: FinishReason) -> None:
    assert finish(await told(chunk(content="a", finish=said))).reason is meant


async def test_an_end_without_a_reason_is_an_end() -> None:
    assert finish(await told(chunk(content="a"))).reason is FinishReason.STOP


async def test_a_server_that_could_not_finish_is_unavailable() -> None:
    with pytest.raises(ModelUnavailable, match="could not finish"):
        await told(chunk(content="a"), chunk(finish="error"))


async def test_a_refusal_is_said_and_marked() -> None:
    parts = await told(chunk(refusal="I can"), chunk(refusal="not."), chunk(finish="stop"))
    assert words(parts) == "I cannot."
    assert finish(parts).reason is FinishReason.REFUSAL


async def test_tokens_are_counted_once() -> None:
    details = {"cached_tokens": 60, "cache_write_tokens": 30}
    parts = await told(
        chunk(content="a", finish="stop"), usage(100, 7, prompt_tokens_details=details)
    )
    assert finish(parts).usage == Usage(
        input_tokens=10, output_tokens=7, cache_read_tokens=60, cache_write_tokens=30
    )


async def test_thinking_that_is_counted_apart_is_output() -> None:
    parts = await told(chunk(content="a", finish="stop"), usage(10, 2, total_tokens=52))
    assert finish(parts).usage.output_tokens == 42


async def test_the_last_count_is_the_right_one() -> None:
    early = chunk(content="a") | {"usage": usage(10, 1)["usage"]}
    parts = await told(early, chunk(finish="stop"), usage(10, 9))
    assert finish(parts).usage.output_tokens == 9


async def test_an_answer_that_is_not_counted_is_not_free() -> None:
    used = finish(await told(chunk(content="word " * 8), chunk(finish="stop"))).usage
    assert used.output_tokens == 10
    assert used.input_tokens > 10


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_thoughts_are_apart_and_told_again_as_they_came(name: str) -> None:
    pieces = [chunk(**{name: "Let me "}), chunk(**{name: "see."}), chunk(content="Yes.")]
    async with (
        replaying(Reply(pieces=events(*pieces, chunk(finish="stop"))), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        parts = await collect(client, ask("Is it?"))
        kept = tuple(thoughts(parts))
        await collect(client, ask("Is it?", Message(Role.ASSISTANT, (*kept, Text("Yes."))), "Ah."))
        again = server.posted[1].body["messages"][1]
    assert "".join(one.text for one in kept) == "Let me see."
    assert [type(part) for part in parts[-2:]] == [TextDelta, Finish]
    assert all(one.provider == "lab" for one in kept)
    assert words(parts) == "Yes."
    assert again == {"role": "assistant", "content": "Yes.", name: "Let me see."}


async def test_records_of_thoughts_are_told_again_whole() -> None:
    first = {"type": "reasoning.text", "text": "Let me ", "index": 0, "signature": None}
    second = {"type": "reasoning.text", "text": "see.", "index": 0, "signature": "s"}
    third = {"type": "reasoning.encrypted", "data": "xyz", "index": 1}
    pieces = [chunk(reasoning="Let me ", reasoning_details=[first])]
    pieces += [chunk(reasoning="see.", reasoning_details=[second, third]), chunk(content="Yes.")]
    async with (
        replaying(Reply(pieces=events(*pieces, chunk(finish="stop"))), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        kept = tuple(thoughts(await collect(client, ask("Is it?"))))
        await collect(client, ask("Is it?", Message(Role.ASSISTANT, (*kept, Text("Yes."))), "Ah."))
        again = server.posted[1].body["messages"][1]
    whole = {"type": "reasoning.text", "text": "Let me see.", "index": 0, "signature": "s"}
    assert again == {"role": "assistant", "content": "Yes.", "reasoning_details": [whole, third]}


async def test_thoughts_of_others_are_not_told() -> None:
    kept = Thinking("Hm.", "anthropic", "reasoning_content")
    body = await asked(ask("Hi.", Message(Role.ASSISTANT, (kept, Text("Hello."))), "And?"))
    assert body["messages"][1] == {"role": "assistant", "content": "Hello."}


async def test_how_sure_a_model_is() -> None:
    sure = [{"token": "a", "logprob": math.log(0.9)}, {"token": "b", "logprob": math.log(0.5)}]
    document = chunk(content="ab", finish="stop")
    document["choices"][0]["logprobs"] = {"content": sure}
    async with (
        replaying(Reply(pieces=events(document))) as server,
        lab(server.url, confidence=True).open("lab") as client,
    ):
        confidence = finish(await collect(client, ask("Hi."))).confidence
        assert server.posted[0].body["logprobs"] is True
    assert confidence == pytest.approx(0.7)


async def test_a_server_that_does_not_stream_is_understood() -> None:
    message = {"role": "assistant", "content": "Hello.", "tool_calls": None}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    whole |= {"usage": usage(5, 2)["usage"]}
    reply = Reply(pieces=[json.dumps(whole).encode()], media="application/json; charset=utf-8")
    async with replaying(reply) as server, lab(server.url).open("lab") as client:
        parts = await collect(client, ask("Hi."))
    assert words(parts) == "Hello."
    assert finish(parts).usage == Usage(input_tokens=5, output_tokens=2)


async def test_content_in_parts_is_understood() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    parts = await told(
        chunk(content=[thinking]),
        chunk(content=[{"type": "text", "text": "Yes."}]),
        chunk(finish="stop"),
    )
    assert [one.text for one in thoughts(parts)] == ["Hm."]
    assert words(parts) == "Yes."


@pytest.mark.parametrize("size", [1, 3, 5, 100])
@pytest.mark.parametrize(
    ("written", "thought", "said"),
    [
        ("<think>\nLet me see. 1 < 2</think>\n\nYes.", "Let me see. 1 < 2", "Yes."),
        ("\n<think></think>Yes.", "", "Yes."),
        ("<think>Hm. </thin", "Hm. </thin", ""),
        ("<thinking>No mark.</thinking>", "", "<thinking>No mark.</thinking>"),
        (" Yes <think>no</think>", "", " Yes <think>no</think>"),
        ("<thi", "", "<thi"),
    ],
)
async def test_thoughts_among_the_words_are_not_said(
    written: str, thought: str, said: str, size: int
) -> None:
    pieces = [written[at : at + size] for at in range(0, len(written), size)]
    parts = await told(*(chunk(content=piece) for piece in pieces), chunk(finish="stop"))
    assert "".join(one.text for one in thoughts(parts)).lstrip("\n") == thought
    assert words(parts) == said
