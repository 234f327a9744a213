"""Chat Completions: what becomes of an answer."""

from __future__ import annotations

import asyncio
import json
import math

import pytest
from openai_kit import lab, told
from replay import hello, replaying

from argent_hookspecs import (
    Finish,
    FinishReason,
    Message,
    ModelUnavailable,
    Role,
    Text,
    TextDelta,
    ToolCall,
    Usage,
)
from argent_testing import PlayedReply
from argent_testing.answers import ask, calls, collect, finish, thoughts, words
from argent_testing.wire.chat import call, chunk, events, usage

pytestmark = pytest.mark.anyio


async def test_an_answer_comes_word_by_word() -> None:
    async with replaying(hello()) as server, lab(server.url).open("lab") as client:
        parts = await collect(client, ask("Hello."))
    assert parts[:-1] == [TextDelta("Hel"), TextDelta("lo, wörld 🙂")]
    assert finish(parts).reason is FinishReason.STOP
    assert finish(parts).usage == Usage(input_tokens=11, output_tokens=3)
    assert finish(parts).confidence is None


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


async def test_what_the_server_does_not_count_is_not_guessed() -> None:
    used = finish(await told(chunk(content="word " * 8), chunk(finish="stop"))).usage
    assert used == Usage()


async def test_a_count_that_was_cut_off_counts_for_nothing() -> None:
    early = chunk(content="a") | {"usage": usage(10, 1)["usage"]}
    for last, counted in (
        (chunk(finish="stop"), Usage()),
        (
            chunk(finish="stop") | {"usage": usage(10, 9)["usage"]},
            Usage(input_tokens=10, output_tokens=9),
        ),
    ):
        reply = PlayedReply(pieces=events(early, last, end=b""), cut=True)
        async with replaying(reply) as server, lab(server.url).open("lab") as client:
            assert finish(await collect(client, ask("Hello."))).usage == counted
    assert finish(await told(early, chunk(finish="stop"))).usage.input_tokens == 10


async def test_what_a_proxy_put_into_the_cache_is_no_plain_input() -> None:
    details = {"cached_tokens": 50}
    counted = usage(1000, 5, prompt_tokens_details=details, cache_creation_input_tokens=900)
    assert finish(await told(chunk(content="a", finish="stop"), counted)).usage == Usage(
        input_tokens=50, output_tokens=5, cache_read_tokens=50, cache_write_tokens=900
    )


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_thoughts_are_apart_and_told_again_as_they_came(name: str) -> None:
    pieces = [chunk(**{name: "Let me "}), chunk(**{name: "see."}), chunk(content="Yes.")]
    async with (
        replaying(PlayedReply(pieces=events(*pieces, chunk(finish="stop"))), hello()) as server,
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
        replaying(PlayedReply(pieces=events(*pieces, chunk(finish="stop"))), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        kept = tuple(thoughts(await collect(client, ask("Is it?"))))
        await collect(client, ask("Is it?", Message(Role.ASSISTANT, (*kept, Text("Yes."))), "Ah."))
        again = server.posted[1].body["messages"][1]
    whole = {"type": "reasoning.text", "text": "Let me see.", "index": 0, "signature": "s"}
    assert again == {"role": "assistant", "content": "Yes.", "reasoning_details": [whole, third]}


async def test_how_sure_a_model_is() -> None:
    sure = [{"token": "a", "logprob": math.log(0.9)}, {"token": "b", "logprob": math.log(0.5)}]
    document = chunk(content="ab", finish="stop")
    document["choices"][0]["logprobs"] = {"content": sure}
    async with (
        replaying(PlayedReply(pieces=events(document))) as server,
        lab(server.url, confidence=True).open("lab") as client,
    ):
        confidence = finish(await collect(client, ask("Hi."))).confidence
        assert server.posted[0].body["logprobs"] is True
    assert confidence == pytest.approx(0.7)


async def test_a_server_that_does_not_stream_is_understood() -> None:
    message = {"role": "assistant", "content": "Hello.", "tool_calls": None}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    whole |= {"usage": usage(5, 2)["usage"]}
    reply = PlayedReply(
        pieces=[json.dumps(whole).encode()], media="application/json; charset=utf-8"
    )
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


async def test_characters_that_a_server_cuts_in_two_are_joined() -> None:
    halves = [b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n' % half
              for half in (rb"a \ud83d", rb"\ude42 b", rb"\ude42", rb"\ud83d")]  # fmt: skip
    pieces = [*halves, *events(chunk(finish="stop"))]
    async with (
        replaying(PlayedReply(pieces=pieces)) as server,
        lab(server.url).open("lab") as client,
    ):
        said = words(await collect(client, ask("Hi.")))
    assert said == "a 🙂 b\ufffd"


async def test_signs_of_life_without_a_word_are_passed_on() -> None:
    """A long tool call is no silence; the kernel would think that the model hangs."""
    later = asyncio.Event()
    pieces = [*events(chunk(tool_calls=[call(0, "{", id="a", name="coin")]), end=b""), later]
    pieces += events(chunk(tool_calls=[call(0, "}")]), chunk(finish="tool_calls"))
    async with replaying(PlayedReply(pieces=pieces)) as server:
        ctx = lab(server.url)
        async with ctx.open("lab") as client:
            answering = asyncio.create_task(collect(client, ask("Toss.")))
            await server.arrived.wait()
            await ctx.clock.advance(60)
            later.set()
            assert calls(await answering) == [ToolCall("a", "coin", {})]
    assert [note.activity for note in ctx.notes] == ["lab is at work"]


async def test_empty_events_are_passed_over() -> None:
    pieces = [
        b"data:\n\n",
        b": wait\n\n",
        b"data: \n\n",
        *events(chunk(content="a", finish="stop")),
    ]
    async with (
        replaying(PlayedReply(pieces=pieces)) as server,
        lab(server.url).open("lab") as client,
    ):
        assert words(await collect(client, ask("Hi."))) == "a"
