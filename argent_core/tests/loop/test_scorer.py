from __future__ import annotations

from typing import Any

import pytest

from argent_core.loop.scorer import EXPECTED_OUTPUT, TableScorer, read_signals
from argent_hookspecs import Event, Priority, RouteSignals, Score, Tool

pytestmark = pytest.mark.anyio


async def score(**signals: Any) -> Score:
    return await TableScorer().score(RouteSignals(**{"text": "", "tokens": 0, **signals}))


@pytest.mark.parametrize(
    ("tokens", "points"),
    [
        (0, 0.05),
        (499, 0.05),
        (500, 0.15),
        (1999, 0.15),
        (2000, 0.25),
        (4999, 0.25),
        (5000, 0.30),
        (1_000_000, 0.30),
    ],
)
async def test_tokens(tokens: int, points: float) -> None:
    assert (await score(tokens=tokens)).factors["tokens"] == points


@pytest.mark.parametrize(
    ("tools", "points"),
    [
        ((), 0.0),
        (("browser",), 0.25),
        (("code_execute",), 0.25),
        (("image_generate",), 0.25),
        (("browser", "time", "calc", "weather"), 0.25),
        (("notes", "mail", "files"), 0.15),
        (("weather", "time", "calc"), 0.15),
        (("weather", "time"), 0.05),
        (("calc",), 0.05),
        (("time", "notes"), 0.05),
        (("notes", "mail"), 0.0),
    ],
)
async def test_tools(tools: tuple[str, ...], points: float) -> None:
    assert (await score(tools=frozenset(tools))).factors["tools"] == points


@pytest.mark.parametrize(
    ("depth", "points"), [(0, 0.0), (1, 0.03), (3, 0.09), (5, 0.15), (6, 0.15), (500, 0.15)]
)
async def test_depth(depth: int, points: float) -> None:
    assert (await score(depth=depth)).factors["depth"] == points


async def test_memory_and_creativity() -> None:
    assert (await score(memory=True)).factors["memory"] == 0.15
    assert (await score(creative=True)).factors["creativity"] == 0.10


async def test_the_score_is_the_sum_of_its_factors() -> None:
    everything = await score(
        tokens=9000, tools=frozenset({"browser"}), memory=True, depth=9, creative=True
    )

    assert everything.value == 0.95
    assert everything.value == pytest.approx(sum(everything.factors.values()))


async def test_hurry_adds_no_points_and_caps_at_fast() -> None:
    calm, hurried = await score(), await score(time_sensitive=True)

    assert (calm.cap, hurried.cap) == (None, "fast")
    assert hurried.value == calm.value


def tool(name: str, *hints: str) -> Tool:
    async def run() -> str:
        return name

    return Tool(id=name, description=name, run=run, hints=hints)


def signals(text: str, *tools: Tool, **event: Any) -> RouteSignals:
    said = Event(conversation="home", content=text, **event)
    return read_signals(said, tools=tools, input_tokens=100, depth=2)


async def test_expected_output_counts_as_tokens() -> None:
    read = signals("hello")

    assert (read.tokens, read.depth) == (100 + EXPECTED_OUTPUT, 2)


async def test_a_tool_is_likely_when_a_hint_of_it_is_said() -> None:
    calc, weather = tool("calc", "percent", "+"), tool("weather", "rain")

    assert signals("What is 3 percent of 9?", calc, weather).tools == {"calc"}
    assert signals("Will it RAIN, and what is 1 + 1?", calc, weather).tools == {"calc", "weather"}
    assert signals("How do I train a dog?", calc, weather).tools == frozenset()


@pytest.mark.parametrize(
    ("text", "creative", "memory", "time_sensitive"),
    [
        ("How are you?", False, False, False),
        ("Write a poem about rain", True, False, False),
        ("What did we discuss? Do you remember?", False, True, False),
        ("Quick: yes or no?", False, False, True),
        ("Brainstorm ASAP", True, False, True),
    ],
)
async def test_what_the_words_say(
    text: str, creative: bool, memory: bool, time_sensitive: bool
) -> None:
    read = signals(text)

    assert (read.creative, read.memory, read.time_sensitive) == (creative, memory, time_sensitive)


async def test_an_urgent_event_is_time_sensitive() -> None:
    assert signals("Meeting", priority=Priority.URGENT).time_sensitive
    assert signals("Meeting", kind="calendar").time_sensitive
    assert not signals("Meeting", priority=Priority.HIGH).time_sensitive
