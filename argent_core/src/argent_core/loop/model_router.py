"""The model router: which of the installed models answers an event."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from attrs import define, frozen

from argent_core import codec
from argent_core.config import Config
from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_core.loop.context import GatheredContext
from argent_core.loop.scorer import TableScorer, read_signals
from argent_core.loop.tools import Tools
from argent_core.outcome import shown
from argent_hookspecs import (
    SCORER,
    ArgentError,
    ModelInfo,
    ModelProvider,
    ModelRejected,
    ModelTier,
    ModelUnavailable,
    PluginError,
    Price,
    RouteSignals,
    Score,
    Scorer,
    Service,
)

log = logging.getLogger("argent.router")

BANDS: Mapping[str, float] = MappingProxyType(
    {"local": 0.3, "fast": 0.5, "balanced": 0.8, "powerful": float("inf")}
)
"""The tiers that have names, and the score that each stays below."""

_DESCRIBE_SECONDS = 10.0
_SCORE_SECONDS = 2.0


@frozen(kw_only=True)
class Route:
    """Which model answers a turn, and why."""

    tier: ModelTier
    score: Score
    provider: Registered
    info: ModelInfo

    @property
    def max_output(self) -> int:
        """Tokens that an answer may take: the tier's limit, but not over half of the window."""
        return min(self.tier.max_output_tokens, self.info.context_window // 2)


@define(eq=False, repr=False)
class ModelRouter:
    """Chooses models."""

    host: PluginHost
    guard: Guard
    tools: Tools
    config: Config

    async def choose(self, gathered: GatheredContext) -> Route:
        """Choose the model for an event.

        Raises:
            ModelRejected: No model is installed.
            PluginError: The chosen model's provider does not say what it has.
        """
        signals = read_signals(
            gathered.event,
            tools=[bound.tool for bound in self.tools.offered()],
            input_tokens=gathered.tokens,
            depth=gathered.depth,
        )
        score = await self._score(signals)
        providers = {f.record.id: f for f in self.host.registered(ModelProvider)}
        tiers = [tier for tier in self.tiers() if tier.provider in providers]
        if not tiers and self.host.starting:
            raise ModelUnavailable("the plugin that brings the model is still starting")
        if self.config.models.routing.enabled:
            tier = choose_tier(tiers, score)
        else:
            tier = default_tier(tiers, self.config.models.default)
        provider = providers[tier.provider]
        info = await self.describe(provider, tier.model)
        return Route(tier=tier, score=score, provider=provider, info=info)

    def tiers(self) -> list[ModelTier]:
        """Return the tiers, the person's own before those of plugins."""
        return [*self.config.tiers, *(found.record for found in self.host.registered(ModelTier))]

    async def describe(self, provider: Registered, model: str) -> ModelInfo:
        """Ask a provider what is known about a model. Raises ``PluginError``."""
        info: ModelInfo = await self.guard.ask(
            provider.plugin,
            partial(_described, provider, model),
            what=f"description of {model}",
            timeout=_DESCRIBE_SECONDS,
            expects=ModelInfo,
        )
        return info

    async def _score(self, signals: RouteSignals) -> Score:
        """Ask the scorer that a plugin offers; the table scores if there is none, or it fails."""
        for scorer in self.host.registered(Service):
            if scorer.record.key == SCORER:
                try:
                    return await self.guard.ask(
                        scorer.plugin,
                        partial(_scored, scorer.live, signals),
                        what="scorer",
                        timeout=_SCORE_SECONDS,
                        expects=Score,
                        skippable=True,
                    )
                except ArgentError as error:
                    log.warning("the table scores instead: %s", error)
        return await TableScorer().score(signals)


async def _described(provider: Registered, model: str) -> Any:
    """Ask a provider about a model, and read what it says while that is still its own doing."""
    info: Any = await provider.live.describe(model)
    if isinstance(info, ModelInfo):
        if info.context_window < 1:
            words = f"says that {model} has a window of {info.context_window} tokens"
            raise PluginError(provider.plugin, words)
        if not isinstance(info.price, Price | None):
            words = f"says that the price of {model} is {shown(info.price)}"
            raise PluginError(provider.plugin, words)
    return info


async def _scored(scorer: Scorer, signals: RouteSignals) -> Any:
    """Ask a scorer, and read the score while that is still its own doing."""
    score: Any = await scorer.score(signals)
    return codec.load(codec.dump(score), Score) if isinstance(score, Score) else score


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
            "no model is there to answer; pip install argent-llama for one that needs no key, "
            "or look at: argent plugins list"
        )
    first: dict[str, ModelTier] = {}
    for tier in tiers:
        first.setdefault(tier.name, tier)
    return sorted(first.values(), key=lambda tier: tier.below)
