"""Tiers in order: which one a score belongs to, and which ones stand in for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from argent_hookspecs import ModelRejected, ModelTier, Score

BANDS: Mapping[str, float] = MappingProxyType(
    {"local": 0.3, "fast": 0.5, "balanced": 0.8, "powerful": float("inf")}
)
"""The tiers that have names, and the score that each stays below."""


def choose_tier(tiers: Sequence[ModelTier], score: Score, *, floor: str | None = None) -> ModelTier:
    """Choose the tier for a score: its own, else the nearest above, else the nearest below.

    Args:
        floor: Name of the lowest tier that may serve, where one as able is installed.

    Raises:
        ModelRejected: No tier is installed.
    """
    rungs = ladder(tiers)
    cap = next((tier for tier in rungs if tier.name == score.cap), None)
    if cap is not None:
        rungs = [tier for tier in rungs if tier.below <= cap.below]
    if floor is not None:
        lowest = _band(rungs, floor)
        rungs = [tier for tier in rungs if tier.below >= lowest] or rungs[-1:]
    fitting = [tier for tier in rungs if score.value < tier.below]
    return fitting[0] if fitting else rungs[-1]


def named_tier(tiers: Sequence[ModelTier], name: str) -> ModelTier:
    """Choose the tier of a name, else the nearest above, else the nearest below."""
    rungs = ladder(tiers)
    named = [tier for tier in rungs if tier.name == name]
    if named:
        return named[0]
    above = [tier for tier in rungs if tier.below >= _band(rungs, name)]
    return above[0] if above else rungs[-1]


def stand_ins(tiers: Sequence[ModelTier], first: ModelTier) -> list[ModelTier]:
    """Return the others in the order in which they are tried when the first one fails.

    Those of the same name come first, then those above, the nearest first, then those below.
    """
    others = [tier for tier in tiers if tier is not first and _serves_else(tier, first)]
    same = [tier for tier in others if tier.name == first.name]
    above = [t for t in others if t.name != first.name and t.below >= first.below]
    below = [t for t in others if t.name != first.name and t.below < first.below]
    return [
        *same,
        *sorted(above, key=lambda tier: tier.below),
        *sorted(below, key=lambda tier: -tier.below),
    ]


def ladder(tiers: Sequence[ModelTier]) -> list[ModelTier]:
    """Return one tier a name, the least able first. Raises ``ModelRejected`` if there is none."""
    if not tiers:
        raise ModelRejected(
            "no model is there to answer; pip install argent-llama for one that needs no key, "
            "or look at: argent plugins list"
        )
    first: dict[str, ModelTier] = {}
    for tier in tiers:
        first.setdefault(tier.name, tier)
    return sorted(first.values(), key=lambda tier: tier.below)


def _band(rungs: Sequence[ModelTier], name: str) -> float:
    """Return where the band of a tier ends, whether it is installed or not."""
    installed = next((tier.below for tier in rungs if tier.name == name), None)
    return BANDS.get(name, BANDS["balanced"]) if installed is None else installed


def _serves_else(tier: ModelTier, first: ModelTier) -> bool:
    return (tier.provider, tier.model) != (first.provider, first.model)
