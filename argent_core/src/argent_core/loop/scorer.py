"""The scorer: how much ability an event asks for, by a table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from argent_hookspecs import Event, Priority, RouteSignals, Score, Tool

EXPECTED_OUTPUT = 256
"""Tokens that an answer is expected to take, for the estimate."""

_HEAVY_TOOLS = frozenset({"browser", "code_execute", "image_generate"})
_LIGHT_TOOLS = frozenset({"weather", "time", "calc"})
_CREATIVE = re.compile(
    r"\b(write|compose|poem|story|essay|song|slogan|brainstorm|invent|imagine|design)\b", re.I
)
_MEMORY = re.compile(
    r"\b(remember|remind me|last time|yesterday|we (said|talked|discussed))\b", re.I
)
_HURRY = re.compile(r"\b(quick(ly)?|asap|hurry|right now|immediately|urgent)\b", re.I)
_TOPICS = {
    "code": re.compile(
        r"```|\b(python|javascript|typescript|java|rust|golang|c\+\+|sql|regex|bash|function|"
        r"traceback|stack trace|compil\w+|refactor\w*|unit tests?|source code|pull request)\b"
        r"|\b\w+\([\w\s,.\"']*\)\s*[;{]|[=!]==|\bdef \w+|#include",
        re.I,
    ),
    "mathematics": re.compile(
        r"\b(integral|derivative|equation|theorem|prove|probability|matrix|polynomial|"
        r"logarithm|algebra\w*|geometr\w+|calculus|percent\w*|how (many|much))\b"
        r"|\d\s*[-+*/^=×÷]\s*\(?\d|\\(frac|sqrt|sum|int)\b",
        re.I,
    ),
}


def read_signals(
    event: Event, *, tools: Sequence[Tool], input_tokens: int, depth: int
) -> RouteSignals:
    """Read from an event what a scorer goes by.

    Args:
        tools: Those that the agent has; one is likely needed if the text has a hint of it.
        input_tokens: Estimate of the whole input.
        depth: Turns that the conversation had so far.
    """
    text = event.text.lower()
    likely = {t.id for t in tools if any(_has_word(text, hint) for hint in t.hints)}
    return RouteSignals(
        text=event.text,
        tokens=input_tokens + EXPECTED_OUTPUT,
        tools=frozenset(likely),
        memory=bool(_MEMORY.search(text)),
        depth=depth,
        creative=bool(_CREATIVE.search(text)),
        time_sensitive=bool(_HURRY.search(text)) or event.effective_priority is Priority.URGENT,
        topics=frozenset(topic for topic, signs in _TOPICS.items() if signs.search(event.text)),
    )


class TableScorer:
    """The scorer that is used where no plugin offers another: a sum over a table."""

    async def score(self, signals: RouteSignals) -> Score:
        """Score an event: tokens, tools, memory, depth and creativity add up."""
        factors = {
            "tokens": _token_points(signals.tokens),
            "tools": _tool_points(signals.tools),
            "memory": 0.15 if signals.memory else 0.0,
            "depth": round(min(0.03 * signals.depth, 0.15), 2),
            "creativity": 0.10 if signals.creative else 0.0,
        }
        value = min(1.0, round(sum(factors.values()), 4))
        return Score(value=value, factors=factors, cap="fast" if signals.time_sensitive else None)


def _token_points(tokens: int) -> float:
    for limit, points in ((500, 0.05), (2000, 0.15), (5000, 0.25)):
        if tokens < limit:
            return points
    return 0.30


def _tool_points(tools: frozenset[str]) -> float:
    if tools & _HEAVY_TOOLS:
        return 0.25
    if len(tools) > 2:
        return 0.15
    return 0.05 if tools & _LIGHT_TOOLS else 0.0


def _has_word(text: str, hint: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(hint.lower())}(?!\w)", text) is not None
