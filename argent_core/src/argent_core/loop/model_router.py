"""The model router: how much ability an event asks for, and which installed model has it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import define, frozen

from argent_core.loop.tokens import estimate
from argent_hookspecs import (
    Event,
    ModelRejected,
    ModelTier,
    Priority,
    RouteSignals,
    Score,
    Tool,
)

EXPECTED_OUTPUT = 256
"""Tokens that an answer is expected to take, for the estimate."""

BANDS: Mapping[str, float] = MappingProxyType(
    {"local": 0.3, "fast": 0.5, "balanced": 0.8, "powerful": float("inf")}
)
"""The tiers that have names, and the score that each stays below."""

_HEAVY_TOOLS = frozenset({"browser", "code_execute", "image_generate"})
_LIGHT_TOOLS = frozenset({"weather", "time", "calc"})
_CREATIVE = re.compile(
    r"\b(write|compose|poem|story|essay|song|slogan|brainstorm|invent|imagine|design)\b", re.I
)
_MEMORY = re.compile(
    r"\b(remember|remind me|last time|yesterday|we (said|talked|discussed))\b", re.I
)
_HURRY = re.compile(r"\b(quick(ly)?|asap|hurry|right now|immediately|urgent)\b", re.I)


@frozen
class Route:
    """Which model answers, and why."""

    tier: ModelTier
    score: Score


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
    )


@define(eq=False)
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


def choose_tier(tiers: Sequence[ModelTier], score: Score) -> ModelTier:
    """Choose the tier for a score: its own, else the nearest above, else the nearest below.

    Raises:
        ModelRejected: No tier is installed.
    """
    ladder = _ladder(tiers)
    cap = next((tier for tier in ladder if tier.name == score.cap), None)
    if cap is not None:
        ladder = [tier for tier in ladder if tier.below <= cap.below]
    fitting = [tier for tier in ladder if score.value < tier.below]
    return fitting[0] if fitting else ladder[-1]


def default_tier(tiers: Sequence[ModelTier], name: str) -> ModelTier:
    """Choose the tier of a name, else the nearest above, else the nearest below."""
    named = [tier for tier in _ladder(tiers) if tier.name == name]
    if named:
        return named[0]
    below = BANDS.get(name, BANDS["balanced"])
    above = [tier for tier in _ladder(tiers) if tier.below >= below]
    return above[0] if above else _ladder(tiers)[-1]


def _ladder(tiers: Sequence[ModelTier]) -> list[ModelTier]:
    """Return one tier a name, the least able first."""
    if not tiers:
        raise ModelRejected(
            "no model is installed; pip install argent-llama for one that needs no key, "
            "or look at: argent plugins list"
        )
    first: dict[str, ModelTier] = {}
    for tier in tiers:
        first.setdefault(tier.name, tier)
    return sorted(first.values(), key=lambda tier: tier.below)


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


def input_estimate(texts: Sequence[str]) -> int:
    """Estimate the tokens of an input made of these texts."""
    return sum(estimate(text) for text in texts)
