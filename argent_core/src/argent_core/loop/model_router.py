"""The model router: which of the installed models answers an event, and which stand in for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from attrs import define, evolve, frozen

from argent_core import codec
from argent_core.config import Config
from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.hosted_plugin import PluginState, Registered
from argent_core.loop.context import GatheredContext
from argent_core.loop.scorer import TableScorer, read_signals
from argent_core.loop.tiers import BANDS, choose_tier, is_under, named_tier, stand_ins
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

_DESCRIBE_SECONDS = 10.0
_SCORE_SECONDS = 2.0


_PROFILES: Mapping[str, float] = MappingProxyType({"frugal": -0.15, "best": 0.25})
"""What a profile adds to each score."""


@frozen(kw_only=True)
class Plan:
    """Which models may answer a turn, and why.

    Args:
        tiers: The first choice, then those that stand in for it.
        why: Why the first choice is the first.
        wish: Name of the tier that the person asked for, if one was named.
        floor: Name of the lowest tier that should answer, if there is one.
        here: Whether all of them are on this machine, so that they may be told what is private.
    """

    score: Score
    tiers: tuple[ModelTier, ...]
    why: str
    wish: str = ""
    floor: str = ""
    here: bool = False

    def other_than_due(self, id: str) -> tuple[str, str] | None:
        """Return the name of a tier that answered, and of the one that should have, if it is other.

        That is where a person has named one, or a floor.
        """
        tier = next((tier for tier in self.tiers if tier.id == id), None)
        if tier is None:
            return None
        if self.wish:
            return (tier.name, self.wish) if tier.name != self.wish else None
        under = is_under(tier, self.floor or None, among=self.tiers)
        return (tier.name, self.floor) if under else None


@frozen(kw_only=True)
class Route:
    """Which model answers, and why."""

    tier: ModelTier
    score: Score
    provider: Registered
    info: ModelInfo
    here: bool = False

    @property
    def max_output(self) -> int:
        """Tokens that an answer may have: the tier's limit or the model's, half of the window."""
        most = min(self.tier.max_output_tokens, self.info.context_window // 2)
        return min(most, self.info.max_output or most)


@define(eq=False, repr=False)
class ModelRouter:
    """Chooses models."""

    host: PluginHost
    guard: Guard
    tools: Tools
    config: Config

    async def plan(
        self, gathered: GatheredContext, *, wish: str = "", private: bool = False
    ) -> Plan:
        """Choose the models for an event.

        Args:
            wish: Name of the tier that the person asked for.
            private: Whether only models on this machine may be asked.

        Raises:
            ModelRejected: No model is installed, or none that is allowed.
        """
        signals = read_signals(
            gathered.event,
            tools=[bound.tool for bound in self.tools.offered(gathered.event)],
            input_tokens=gathered.tokens,
            depth=gathered.depth,
        )
        score = self._leaning(await self._score(signals))
        tiers, floor = self._usable(wish, private=private), None
        running = self._providers()
        settings = self.config.models
        if wish:
            first, why = _wished(tiers, wish), f"the person asked for {wish}"
        elif settings.routing.enabled:
            floor = self._floor(tiers, signals)
            first, why = choose_tier(tiers, score, floor=floor), "by its score"
            if first is not choose_tier(tiers, score):
                why = f"by its score, but not below {floor}"
        else:
            first, why = named_tier(tiers, settings.default), "models.default, without a router"
        if gathered.has_pictures and not wish:
            seeing = await self._seeing(tiers, first)
            if seeing is not first:
                first, why = seeing, f"{why}, and it is shown a picture"
        return Plan(
            score=score,
            tiers=(first, *stand_ins(tiers, first)),
            why=why,
            wish=wish,
            floor=floor or "",
            here=all(running[tier.provider].record.local for tier in tiers),
        )

    async def _seeing(self, tiers: Sequence[ModelTier], first: ModelTier) -> ModelTier:
        """Return the next tier up that takes pictures, or the next one down, if there is one."""
        above = sorted((t for t in tiers if t.below > first.below), key=lambda t: t.below)
        under = sorted((t for t in tiers if t.below < first.below), key=lambda t: -t.below)
        for tier in (first, *above, *under):
            try:
                info = await self.describe(self._providers()[tier.provider], tier.model)
            except ArgentError as error:
                log.warning("whether %s takes pictures is not known: %s", tier.model, error)
                continue
            if info.takes_images:
                return tier
        return first

    def unapproved(self) -> list[str]:
        """Return the plugins that wait for a person's approval."""
        return [
            name
            for name, plugin in self.host.plugins.items()
            if plugin.state is PluginState.NOT_APPROVED and self.config.may_load(name)
        ]

    def held_back(self, wanted: str) -> str:
        """Say which plugins that wait for approval may bring what is wanted; nothing if none do."""
        waiting = self.unapproved()
        names = [name for name in waiting if wanted in name] or waiting
        if not names:
            return ""
        waits = "waits" if len(names) == 1 else "wait"
        remedy = f"argent plugins approve {' '.join(names)}"
        return f"{' or '.join(names)} may bring it, and {waits} for your approval: {remedy}"

    def is_private(self, wish: str) -> bool:
        """Tell whether who asks for a tier asks for a model of this machine.

        Such a person's words must not leave it, whatever fails.
        """
        running, known = self._providers(), wish in BANDS
        named = (tier.provider for tier in self.tiers() if tier.name == wish)
        # Of a provider that does not run nobody knows where it is.
        local = (running[id].record.local if id in running else not known for id in named)
        return wish == "local" or any(local)

    async def open(self, plan: Plan, tier: ModelTier) -> Route:
        """Find out about the model of a tier.

        Raises:
            ModelError, PluginError: Its provider does not say what it has, or may not be asked.
        """
        provider = self._providers().get(tier.provider)
        if provider is None:
            raise ModelUnavailable(f"the model provider {tier.provider} does not run now")
        self.demand_allowed(tier, provider, here=plan.here)
        info = await self.describe(provider, tier.model)
        return Route(tier=tier, score=plan.score, provider=provider, info=info, here=plan.here)

    def demand_allowed(self, tier: ModelTier, provider: Registered, *, here: bool = False) -> None:
        """Check that a model may be asked. Raises ``ModelRejected``.

        Args:
            here: Whether only those on this machine may be, whatever the settings say.
        """
        if not provider.record.local and (here or self._stays_here):
            raise ModelRejected(f"{tier.model} is not on this machine, and may not be asked")

    def demand_still(self, route: Route) -> None:
        """Check that a route still leads somewhere. Raises ``ModelUnavailable``."""
        provider = self._providers().get(route.tier.provider)
        if provider is None or provider.live is not route.provider.live:
            raise ModelUnavailable(f"the model provider {route.tier.provider} has stopped")

    def tiers(self) -> list[ModelTier]:
        """Return the tiers, the person's own before those of plugins."""
        return [*self.config.tiers, *(found.record for found in self.host.registered(ModelTier))]

    def _providers(self) -> dict[str, Registered]:
        return {found.record.id: found for found in self.host.registered(ModelProvider)}

    @property
    def _stays_here(self) -> bool:
        return self.config.models.routing.profile == "local-only"

    def _usable(self, wish: str, *, private: bool) -> list[ModelTier]:
        """Return the tiers whose provider runs, and that may be asked."""
        providers = self._providers()
        tiers = [tier for tier in self.tiers() if tier.provider in providers]
        if not tiers and self.host.starting:
            raise ModelUnavailable("the plugin that brings the model is still starting")
        if not private and not self._stays_here:
            return tiers
        local = [tier for tier in tiers if providers[tier.provider].record.local]
        if tiers and not local:
            if wish not in ("", *BANDS):
                _wished(local, wish)  # nobody knows where that one would be
            why = (
                "a model of this machine was asked for"
                if private
                else ("models.routing.profile is local-only")
            )
            raise ModelRejected(
                f"{why}, and none runs on this machine; pip install argent-llama, or choose "
                f"another {'one with /model' if private else 'profile'}"
            )
        return local

    def _leaning(self, score: Score) -> Score:
        """Let the profile have its say."""
        added = _PROFILES.get(self.config.models.routing.profile, 0.0)
        if not added:
            return score
        value = min(1.0, max(0.0, score.value + added))
        return evolve(score, value=value, factors={**score.factors, "profile": added})

    def _floor(self, tiers: Sequence[ModelTier], signals: RouteSignals) -> str | None:
        """Return the lowest tier that may answer, by what the event is about."""
        floors = self.config.models.routing.floors
        found = [floors[topic] for topic in signals.topics if topic in floors]
        return max(found, key=lambda name: named_tier(tiers, name).below, default=None)

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
                known = evolve(signals, table=await TableScorer().score(signals))
                try:
                    return await self.guard.ask(
                        scorer.plugin,
                        partial(_scored, scorer.live, known),
                        what="scorer",
                        timeout=_SCORE_SECONDS,
                        expects=Score,
                        skippable=True,
                    )
                except ArgentError as error:
                    log.warning("the table scores instead: %s", error)
        return await TableScorer().score(signals)


def _wished(tiers: Sequence[ModelTier], wish: str) -> ModelTier:
    """Return the tier that a person asked for. Raises ``ModelRejected`` if it cannot be asked."""
    found = next((tier for tier in tiers if tier.name == wish), None)
    if found is None:
        raise ModelRejected(
            f"{wish} was asked for, but none of its models runs, or may be asked; see: argent "
            f"models list. To have another one answer, leave out @{wish}; or say /model auto, if "
            f"{wish} was chosen for the conversation"
        )
    return found


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
