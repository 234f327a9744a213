"""Models that stream rubbish: the person gets an answer or an apology, and the next one works."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import nullcontext
from typing import Any

import pytest

from argent_core.kernel import Kernel
from argent_hookspecs import (
    FREE,
    Effect,
    Finish,
    FinishReason,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    ModelTier,
    TextDelta,
    Thinking,
    ToolCall,
    ToolResult,
    tool,
)
from argent_testing import Argent, MadePlugin, hang

pytestmark = pytest.mark.anyio

ONCE = {"loop": {"maxAttempts": 1}}
MEGABYTE = 1_000_000


class Oddity:
    """A model that streams what it is given at its first call, and answers well after that."""

    def __init__(self, parts: Iterable[Any]) -> None:
        self.parts = parts
        self.calls = 0

    def plugin(self) -> MadePlugin:
        return MadePlugin(
            "odd",
            ModelProvider(id="odd", open=lambda: nullcontext(self), idle_timeout=0.2),
            ModelTier(id="odd", name="local", below=0.3, provider="odd", model="odd-1"),
        )

    async def stream(self, request: ModelRequest) -> AsyncIterator[Any]:
        self.calls += 1
        if self.calls == 1:
            for part in self.parts:
                if part is hang:
                    await hang()
                if isinstance(part, Exception):
                    raise part
                yield part
            return
        last = request.messages[-1]
        results = [part.text for part in last.parts if isinstance(part, ToolResult)]
        yield TextDelta(f"well: {results[0] if results else last.text}")
        yield Finish()

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=100_000, price=FREE)


def forever(part: Any) -> Iterable[Any]:
    while True:
        yield part


class _Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


RUBBISH: dict[str, tuple[Any, str]] = {
    "a number": ([5], "something else than it should: 5"),
    "nothing at all": ([None, Finish()], "something else than it should: None"),
    "plain text": (["hello", Finish()], "something else than it should: 'hello'"),
    "a dictionary": ([{"text": "x"}, Finish()], "something else than it should"),
    "a class": ([TextDelta, Finish()], "something else than it should"),
    "what cannot be shown": ([_Unprintable(), Finish()], "something else than it should"),
    "no part": ([], "the answer of odd-1 broke off"),
    "no end": ([TextDelta("I")], "the answer of odd-1 broke off"),
    "an error at once": ([RuntimeError("boom")], "raised RuntimeError: boom"),
    "an error half-way": ([TextDelta("I"), RuntimeError("boom")], "raised RuntimeError: boom"),
    "an exit": ([TextDelta("I"), ConnectionError("gone")], "raised ConnectionError: gone"),
    "silence half-way": ([TextDelta("I"), hang], "was silent for 0.2 s"),
    "only thoughts": ([Thinking("Hm.", "odd")], "the answer of odd-1 broke off"),
    "ten megabytes": ([TextDelta("x" * 10 * MEGABYTE), Finish()], "it says more than 4096 tokens"),
    "endless words": (forever(TextDelta("more and ")), "it says more than 4096 tokens"),
    "endless thoughts": (forever(Thinking("Hm.", "odd")), "it says more than 4096 tokens"),
    "endless nothing": (forever(TextDelta("")), "it says more than 4096 tokens"),
    "endless calls": (forever(ToolCall("1", "shout", {})), "it says more than 4096 tokens"),
}
"""What is streamed, and what the apology says."""

ODD: dict[str, tuple[Any, str]] = {
    "only an end": ([Finish()], "(The model gave no answer.)"),
    "thoughts, and an end": ([Thinking("Hm.", "odd"), Finish()], "(The model gave no answer.)"),
    "only blanks": ([TextDelta(" \n"), Finish()], "(The model gave no answer.)"),
    "two ends": ([TextDelta("a"), Finish(), Finish(reason=FinishReason.LENGTH)], "a"),
    "more after the end": ([TextDelta("a"), Finish(), TextDelta("b")], "a"),
    "rubbish after the end": ([TextDelta("a"), Finish(), 5], "a"),
    "an endless rest after the end": ([TextDelta("a"), Finish(), hang], "a"),
    "half characters": ([TextDelta("a\ud83d"), TextDelta("\ude00!"), Finish()], "a??!"),
    "NUL characters": ([TextDelta("a\0b"), Finish()], "a\0b"),
    "a call after all": ([ToolCall("1", "nosuch", {}), Finish()], "there is no tool 'nosuch'"),
    "an empty name of a tool": ([ToolCall("1", "", {}), Finish()], "there is no tool '_'"),
}
"""What is streamed, and what is answered."""


async def told_of(kernel: Kernel) -> dict[str, Any]:
    """Return what is on record of the newest turn."""
    trace = await kernel.agent.trace_rows.last()
    assert trace is not None
    json.dumps(trace)
    return trace


async def assert_the_next_is_answered(argent: Argent) -> None:
    assert await argent.channel.ask("Still there?") == "well: Still there?"


@pytest.mark.parametrize("case", RUBBISH)
async def test_rubbish_gets_an_apology_that_names_it(argent: Argent, case: str) -> None:
    parts, says = RUBBISH[case]

    plugins = [Oddity(parts).plugin()]
    async with argent(plugins=plugins, config=ONCE, allow_faults=True) as kernel:
        answer = await argent.channel.ask("Hello?")

        assert answer.startswith("Sorry, I could not answer this: ") and says in answer
        assert (await told_of(kernel))["state"] == "dead"
        await assert_the_next_is_answered(argent)


@pytest.mark.parametrize("case", ODD)
async def test_what_is_only_odd_is_answered(argent: Argent, case: str) -> None:
    parts, says = ODD[case]

    plugins = [Oddity(parts).plugin()]
    async with argent(plugins=plugins, config=ONCE, allow_faults=True) as kernel:
        assert says in await argent.channel.ask("Hello?")
        assert (await told_of(kernel))["state"] == "done"
        await assert_the_next_is_answered(argent)


async def test_what_fails_once_is_tried_again_unseen(argent: Argent) -> None:
    async with argent(plugins=[Oddity([TextDelta("I")]).plugin()], allow_faults=True) as kernel:
        id = await argent.channel.say("Hello?")
        async with asyncio.timeout(10):
            while (await kernel.agent.events.show(str(id)))["reason"] == "":
                pass
        await argent.clock.advance(10)

        assert (await argent.channel.next_reply()).text == "well: Hello?"


CALLS: dict[str, tuple[Any, str]] = {
    "unknown": (ToolCall("1", "shot", {}), "there is no tool 'shot'"),
    "missing": (ToolCall("1", "shout", {}), "text"),
    "wrong type": (ToolCall("1", "shout", {"text": 5}), "text"),
    "wrong number": (ToolCall("1", "shout", {"text": "a", "times": "often"}), "times"),
    "a fraction": (ToolCall("1", "shout", {"text": "a", "times": 1.5}), "times"),
    "too many": (ToolCall("1", "shout", {"text": "a", "colour": "red"}), "colour"),
    "nested endlessly": (ToolCall("1", "shout", {"text": [[[[[[[[{}]]]]]]]]}), "text"),
    "NaN": (ToolCall("1", "shout", {"text": "a", "times": float("nan")}), "times"),
    "half a character": (ToolCall("1", "shout", {"text": "a\ud83d"}), "A"),
    "NUL": (ToolCall("1", "shout", {"text": "a\0"}), "A\0"),
}
"""A call, and what of its result the model is shown."""


@tool(effect=Effect.IDEMPOTENT)
async def shout(text: str, times: int = 1) -> str:
    """Shout."""
    return text.upper() * times


@pytest.mark.parametrize("case", CALLS)
async def test_a_call_with_bad_arguments_goes_back_to_the_model(argent: Argent, case: str) -> None:
    call, says = CALLS[case]

    plugins = [Oddity([call, Finish()]).plugin(), MadePlugin("loud", shout)]
    async with argent(plugins=plugins, config=ONCE, allow_faults=True) as kernel:
        answer = await argent.channel.ask("Hello?", timeout=30)

        assert answer.startswith("well: ") and says in answer
        assert (await told_of(kernel))["state"] == "done"
        await assert_the_next_is_answered(argent)


@pytest.mark.parametrize("arguments", [{"text": "a" * MEGABYTE}, {"a" * MEGABYTE: 1}])
async def test_arguments_that_fit_no_window_get_an_apology(argent: Argent, arguments: Any) -> None:
    parts = [ToolCall("1", "shout", arguments), Finish()]

    plugins = [Oddity(parts).plugin(), MadePlugin("loud", shout)]
    async with argent(plugins=plugins, config=ONCE, allow_faults=True) as kernel:
        answer = await argent.channel.ask("Hello?", timeout=30)

        assert "Sorry" in answer and "the model's window" in answer
        assert (await told_of(kernel))["state"] == "dead"
        await assert_the_next_is_answered(argent)


@pytest.mark.parametrize("arguments", ["{}", '{"text": "a', None, [], 5, {5: 1}])
async def test_arguments_that_are_none_are_the_models_fault(argent: Argent, arguments: Any) -> None:
    class Careless(Oddity):
        async def stream(self, request: ModelRequest) -> AsyncIterator[Any]:
            self.calls += 1
            if self.calls == 1:
                yield ToolCall("1", "shout", arguments)
            async for part in super().stream(request):
                yield part

    plugins = [Careless([]).plugin(), MadePlugin("loud", shout)]
    async with argent(plugins=plugins, config=ONCE, allow_faults=True):
        answer = await argent.channel.ask("Hello?")

        assert answer.startswith("Sorry, I could not answer this: ")
        assert "the arguments of a tool call have names" in answer
        await assert_the_next_is_answered(argent)
