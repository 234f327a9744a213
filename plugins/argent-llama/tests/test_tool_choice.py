"""The larger model picks the right tool, uses what the tool says, and knows when to just talk."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from llama_kit import ask, context, model_cache

from argent_hookspecs import Message, ModelClient, Role, ToolResult, ToolSpec
from argent_testing.answers import calls, collect, words

pytestmark = [pytest.mark.anyio, pytest.mark.large_model, pytest.mark.timeout(1800)]
LARGE = "qwen2.5-coder-1.5b"


def _tool(name: str, description: str, *required: str, **parameters: str) -> ToolSpec:
    properties = {key: {"type": "string", "description": note} for key, note in parameters.items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return ToolSpec(name, description, {**schema, "required": list(required)})


TOOLS = (
    _tool(
        "time",
        "Tell the time or date anywhere, convert times between cities, calculate with dates.",
        zone="City or time zone of the answer, e.g. 'Tokyo'; empty: here",
        date="Start date or time, e.g. '2026-03-01', '14:30'; empty: now",
        from_zone="City in whose time `date` is written, if not `zone`",
        add="Time to add, e.g. '3 days', '-2 weeks', '1 month'",
        until="Second date, to get the time between `date` and it",
    ),
    _tool(
        "calc",
        "Calculate exactly: + - * / ^, '% of', parentheses, sqrt, sin, log, round, min, max, pi.",
        "expression",
        expression="Arithmetic, e.g. '(12.5 + 3) * 4', 'sqrt(2)', '2^10', '200 + 10 %', "
        "'15 % of 80'. Write percentages with '% of', never with '*'",
    ),
)
QUESTIONS = {
    "What is 1234 * 5678?": "calc",
    "How much is 17.5% of 380?": "calc",
    "What is the square root of 7921?": "calc",
    "I bought 3 books at 12.99 each and a pen for 1.25, what did I pay in total?": "calc",
    "What time is it in Tokyo right now?": "time",
    "What date will it be in 45 days?": "time",
    "What day of the week is it today?": "time",
    "If it is noon in London, what is the time now in New York?": "time",
    "Hello! How are you today?": None,
    "Tell me a short joke.": None,
    "Who wrote Romeo and Juliet?": None,
    "Please translate 'good morning' into French.": None,
}
PERCENTAGES = {
    "What is 12.5 % of 8,640?": 1080,
    "What is 17 % of 350?": 59.5,
    "What is 20% of 50?": 10,
    "How much is 7.5 % of 1,200?": 90,
    "How much is 17.5% of 380?": 66.5,
    "What is 120 + 15 %?": 138,
}
EARLIER = (
    "What is 6 * 7?",
    "6 * 7 = 42.",
    "What time is it in Paris?",
    "It is Friday 20 November 2026, 07:42:11 in Paris.",
    "Thank you!",
    "You are welcome.",
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_threads_left() -> None:
    """The model stays loaded from test to test here."""


@pytest.fixture(scope="module")
async def large() -> AsyncIterator[ModelClient]:
    ctx = context(model_cache(), model=LARGE, context=2048)
    async with ctx.open() as client:
        yield client


@pytest.mark.parametrize("before", [(), EARLIER], ids=["first", "later"])
@pytest.mark.parametrize(("question", "expected"), QUESTIONS.items())
async def test_the_right_tool_is_picked(
    large: ModelClient, question: str, expected: str | None, before: tuple[str, ...]
) -> None:
    parts = await collect(
        large, ask(*before, question, model=LARGE, tools=TOOLS, max_output_tokens=120)
    )
    assert [call.name for call in calls(parts)] == ([expected] if expected else [])
    assert bool(words(parts)) == (expected is None)


@pytest.mark.parametrize(("question", "result"), PERCENTAGES.items())
async def test_percentages_are_asked_for_as_they_were_said(
    large: ModelClient, question: str, result: float
) -> None:
    parts = await collect(large, ask(question, model=LARGE, tools=TOOLS, max_output_tokens=60))
    (call,) = calls(parts)
    assert call.name == "calc"
    assert _worth(call.arguments["expression"]) == pytest.approx(result)


def _worth(expression: str) -> float:
    """Work out a percentage as the tool would."""
    plain = expression.replace(",", "").replace(" ", "")
    if more := re.fullmatch(r"([\d.]+)\+([\d.]+)%", plain):
        return float(more[1]) * (1 + float(more[2]) / 100)
    share = re.fullmatch(r"([\d.]+)(?:%of|\*)([\d.]+)(?P<hundred>/100)?", plain)
    assert share, expression
    assert ("%" in plain) is (share["hundred"] is None), expression
    return float(share[1]) * float(share[2]) / 100


async def test_what_the_tool_found_is_told(large: ModelClient) -> None:
    question = "What is 1234 * 5678?"
    first = await collect(large, ask(question, model=LARGE, tools=TOOLS, max_output_tokens=60))
    (call,) = calls(first)
    assert call.arguments == {"expression": "1234 * 5678"}
    answered = ask(
        question,
        Message(Role.ASSISTANT, (call,)),
        Message(Role.USER, (ToolResult(call.id, "calc", "7006652"),)),
        model=LARGE,
        tools=TOOLS,
        max_output_tokens=60,
    )
    assert "7006652" in words(await collect(large, answered)).replace(",", "")
