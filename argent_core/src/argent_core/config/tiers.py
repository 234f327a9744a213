"""``models.json``: the person's own model tiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from argent_core.config.problems import Invalid, Problem
from argent_core.config.structure import structure
from argent_hookspecs import ModelTier, setting

ORDER = -100
"""The person's own tiers go before those of plugins."""

BELOW: Mapping[str, float] = {"local": 0.3, "fast": 0.5, "balanced": 0.8, "powerful": 2.0}
"""Where the score of a well-known tier ends; scores are at most 1."""

MAX_OUTPUT: Mapping[str, int] = {"balanced": 8192, "powerful": 16384}


@frozen(kw_only=True)
class TierSettings:
    """One tier."""

    name: str = setting(doc="local, fast, balanced, powerful, or a name of your own.")
    provider: str = setting(doc="Id of the model provider, such as llama.")
    model: str = setting(doc="The provider's name of the model.")
    below: float | None = setting(
        None, doc="Scores below this belong to the tier; needed for a name of your own."
    )
    max_output_tokens: int | None = setting(None, doc="Longest answer, in tokens.")


@frozen(kw_only=True)
class ModelsFile:
    """``models.json``."""

    version: int = setting(1, doc="Version of the file's format.")
    tiers: tuple[TierSettings, ...] = setting((), doc="Your tiers; they go before all others.")


def structure_tiers(data: Mapping[str, Any]) -> tuple[ModelTier, ...]:
    """Make tiers of what stands in ``models.json``. Raises ``Invalid``."""
    tiers = structure(dict(data), ModelsFile).tiers
    problems = []
    for index, tier in enumerate(tiers):
        place = f"tiers[{index}]"
        if tier.below is None and tier.name not in BELOW:
            hint = "Only local, fast, balanced and powerful have one already"
            problems.append(Problem(f"{place}.below", "expected a number", "nothing", hint))
        if tier.below is not None and tier.below <= 0:
            problems.append(Problem(f"{place}.below", "expected above 0", str(tier.below)))
        if tier.max_output_tokens is not None and tier.max_output_tokens < 1:
            found = str(tier.max_output_tokens)
            problems.append(Problem(f"{place}.maxOutputTokens", "expected at least 1", found))
        if any(tier.name == other.name for other in tiers[:index]):
            problems.append(Problem(f"{place}.name", f'"{tier.name}" is given twice'))
    if problems:
        raise Invalid(*problems)
    return tuple(_tier(tier) for tier in tiers)


def _tier(tier: TierSettings) -> ModelTier:
    longest = tier.max_output_tokens or MAX_OUTPUT.get(tier.name, 4096)
    return ModelTier(
        id=f"models.json:{tier.name}",
        name=tier.name,
        below=BELOW[tier.name] if tier.below is None else tier.below,
        provider=tier.provider,
        model=tier.model,
        max_output_tokens=longest,
        order=ORDER,
    )
