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
    able = [tier for tier in rungs if not is_under(tier, floor, among=tiers)] or rungs[-1:]
    cap = next((tier for tier in rungs if tier.name == score.cap), None)
    fitting = [tier for tier in able if score.value < tier.below] or able[-1:]
    if cap is None or fitting[0].below <= cap.below:
        return fitting[0]
    quick = [tier for tier in able if tier.below <= cap.below]
    return quick[-1] if quick else able[0]


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


def is_under(tier: ModelTier, floor: str | None, *, among: Sequence[ModelTier]) -> bool:
    """Tell whether a tier is less able than the floor."""
    return floor is not None and tier.below < _band(ladder(among), floor)


def ladder(tiers: Sequence[ModelTier]) -> list[ModelTier]:
    """Return one tier a name, the least able first. Raises ``ModelRejected`` if there is none."""
    if not tiers:
        raise ModelRejected(
            "no model is there to answer; pip install argent-llama for one that needs no key, "
            "or see what is lacking: argent status"
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
