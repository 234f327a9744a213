"""The chain: which model is asked next when another did not answer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import define, field

from argent_core.loop.provider_health import ProviderHealth
from argent_hookspecs import ModelTier, ModelUnavailable


class LeftAlone(ModelUnavailable):
    """Report that nobody was asked, since all want to be left alone for a while."""


@define(eq=False, repr=False)
class Chain:
    """The tiers that may answer, in the order in which they are asked.

    Providers that are well and have not failed in this turn come first. One that wants to be left
    alone is not asked at all.

    Args:
        failed: The providers that have failed in this turn.
        short: Whether nobody has room in the budget for a whole answer, so that a short one will
            do.
    """

    tiers: Sequence[ModelTier]
    health: ProviderHealth
    failed: set[str]
    short: bool = False
    _tried: set[str] = field(factory=set)
    _tight: list[ModelTier] = field(factory=list)

    def next(self) -> ModelTier | None:
        """Return the tier to ask next; None if there is none."""
        health = self.health
        left = [tier for tier in self._left if health.wait(tier.provider) == 0.0]
        well = [t for t in left if t.provider not in self.failed and health.is_well(t.provider)]
        tier = next(iter(well or left), None)
        if tier is None and self._tight:
            self.short, tier = True, self._tight.pop(0)
        if tier is not None:
            self._tried.add(tier.id)
            self.health.try_out(tier.provider)
        return tier

    def put_off(self, tier: ModelTier) -> None:
        """Ask a tier again at the end, for a short answer."""
        self._tight.append(tier)

    def share(self, seconds: float) -> float:
        """Return how much of a time the tier that is asked now may use, if others need some too."""
        others = len({tier.provider for tier in self._left})
        return seconds / (1 + others) if others else math.inf

    def refusal(self) -> LeftAlone:
        """Say why nobody was asked."""
        waits = {tier.provider: self.health.wait(tier.provider) for tier in self.tiers}
        soonest = min(waits, key=lambda provider: waits[provider])
        words = f"{soonest} wants to be left alone for {waits[soonest]:.0f} s"
        return LeftAlone(words, retry_after=waits[soonest])

    @property
    def _left(self) -> list[ModelTier]:
        return [tier for tier in self.tiers if tier.id not in self._tried]
