"""What is made of the server's answers."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from ollama_kit import answer as answer_of
from ollama_kit import ask, context
from played_ollama import SMALL, PlayedOllama, shown

from argent_hookspecs import FinishReason, ModelUnavailable, TextDelta, Thinking, ToolCall, Usage
from argent_testing import PlayedReply
from argent_testing.answers import calls, finish, thoughts, words
from argent_testing.wire.ollama import done, lines, said

pytestmark = pytest.mark.anyio


async def test_words_come_as_they_are_said(ollama: PlayedOllama) -> None:
    gate = asyncio.Event()
    ollama.play(PlayedReply(pieces=[*lines(said("Hel")), gate, *lines(said("lo 🙂"), done())]))

    async with (
        context(ollama.url).open() as client,
        aclosing(client.stream(ask("Hi."))) as parts,
    ):
        assert await anext(parts) == TextDelta("Hel")
        gate.set()
        rest = [part async for part in parts]

    assert words(rest) == "lo 🙂"
    assert finish(rest).usage == Usage(input_tokens=11, output_tokens=3)
    assert finish(rest).reason is FinishReason.STOP


async def test_no_line_end_of_unicode_breaks_a_document(ollama: PlayedOllama) -> None:
    ollama.answers(said("a\x85b\u2028c"), done())

    assert words(await answer_of(ollama.url, ask("Hi."))) == "a\x85b\u2028c"


async def test_a_stream_that_ends_without_its_end_is_cut_off(ollama: PlayedOllama) -> None:
    ollama.answers(said("One"))

    with pytest.raises(ModelUnavailable, match="cut off"):
        await answer_of(ollama.url, ask("Hi."))


async def test_what_is_cut_after_its_end_is_whole(ollama: PlayedOllama) -> None:
    ollama.answers(said("One"), done(), cut=True)

    assert words(await answer_of(ollama.url, ask("Hi."))) == "One"


async def test_tools_are_called_side_by_side(ollama: PlayedOllama) -> None:
    first = {"id": "call_1", "function": {"index": 0, "name": "a", "arguments": {"x": [1]}}}
    second = {"function": {"name": "b", "arguments": {}}}
    ollama.answers(said("Let me see."), said(tool_calls=[first, second]), done())

    parts = await answer_of(ollama.url, ask("Hi."))

    assert calls(parts)[0] == ToolCall("call_1", "a", {"x": [1]})
    assert (calls(parts)[1].name, calls(parts)[1].arguments) == ("b", {})
    assert len({call.id for call in calls(parts)}) == 2
    assert finish(parts).reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    ("given", "found"),
    [('{"x": 1}', {"x": 1}), ("", {}), (None, {}), ("6*7", {"(not a JSON object)": "6*7"})],
)
async def test_arguments_that_are_no_object_are_passed_on(
    ollama: PlayedOllama, given: Any, found: Any
) -> None:
    ollama.answers(said(tool_calls=[{"function": {"name": "a", "arguments": given}}]), done())

    (call,) = calls(await answer_of(ollama.url, ask("Hi.")))

    assert call.arguments == found


async def test_thoughts_come_before_the_words(ollama: PlayedOllama) -> None:
    ollama.models[SMALL] = shown("thinking")
    ollama.answers(said(thinking="Hm, "), said(thinking="so."), said("Yes."), done())

    parts = await answer_of(ollama.url, ask("Hi."))

    assert "".join(one.text for one in thoughts(parts)) == "Hm, so."
    kinds = [type(part) for part in parts]
    assert kinds.index(TextDelta) > max(n for n, kind in enumerate(kinds) if kind is Thinking)


async def test_an_answer_at_its_limit_says_so(ollama: PlayedOllama) -> None:
    ollama.answers(said("One"), done("length"))

    assert finish(await answer_of(ollama.url, ask("Hi."))).reason is FinishReason.LENGTH


async def test_what_the_server_did_not_count_is_estimated(ollama: PlayedOllama) -> None:
    ollama.answers(said("Hello there."), done(read=0, written=0))

    usage = finish(await answer_of(ollama.url, ask("Say hello."))).usage

    assert (usage.input_tokens, usage.output_tokens) == (3, 3)


async def test_how_sure_it_is_comes_from_its_log_probabilities(ollama: PlayedOllama) -> None:
    sure = {"logprobs": [{"token": "a", "logprob": 0.0}, {"token": "b", "logprob": -100.0}]}
    ollama.answers({**said("ab"), **sure}, done())

    parts = await answer_of(ollama.url, ask("Hi."), confidence=True)

    assert finish(parts).confidence == pytest.approx(0.5)
    assert ollama.bodies[0]["logprobs"] is True
