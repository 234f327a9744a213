"""The models of an agent, as commands ask about them: which there are, what they cost."""

from __future__ import annotations

import asyncio
import difflib
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Any

from attrs import asdict, define

from argent_core.guard import Guard, attempt
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_core.inbound.event_sources import source_names
from argent_core.local import Tell
from argent_core.loop.model_router import ModelRouter
from argent_core.loop.prices import KnownPrice
from argent_core.loop.workshop import Workshop
from argent_core.model_skills import listed, pulled, skills
from argent_hookspecs import (
    ArgentError,
    ModelInfo,
    ModelProvider,
    ModelRejected,
    ModelTier,
    PullProgress,
    Tool,
)

_LIST_SECONDS = 20.0
_PULL_SILENCE = 900.0
_NEAR = 3


@define(eq=False, repr=False)
class Models:
    """What can be asked about the models of a kernel; all answers are JSON values."""

    host: PluginHost
    guard: Guard
    shop: Workshop

    @property
    def _router(self) -> ModelRouter:
        return self.shop.router

    async def catalogue(self) -> dict[str, Any]:
        """List tiers, and the providers with the models that they have now."""
        offers = (self._offer(found) for found in self._providers().values())
        tiers, *providers = await asyncio.gather(self.tiers(), *offers)
        prices = self.shop.prices
        return {
            "tiers": tiers,
            "providers": providers,
            "unapproved": self._router.unapproved(),
            "prices": {"date": prices.date, "dearest": asdict(prices.dearest)},
        }

    async def tiers(self) -> list[dict[str, Any]]:
        """Say which model serves each tier, the least able first, and what is known about it."""
        return list(await asyncio.gather(*map(self._tier, self._rungs())))

    async def named(self) -> dict[str, Any]:
        """Say which tools, tiers, providers and event sources settings can name, asking none."""
        missing = [record.id for _, record in self.host.missing(ModelProvider)]
        return {
            "providers": [*self._providers(), *missing],
            "tools": [found.record.id for found in self.host.registered(Tool)],
            "tiers": [self._named(tier) for tier in self._rungs()],
            "sources": source_names(self.host),
        }

    async def price(self, model: str, *, provider: str = "") -> list[dict[str, Any]]:
        """Say what a model costs at each provider that is named, or that a tier has it from."""
        providers = self._providers()
        if provider:
            named = [self.provider(provider).record.id]
        else:
            tiers = self._router.tiers()
            named = [t.provider for t in tiers if t.model == model and t.provider in providers]
        if not named:
            found = self.shop.prices.table.get(model)
            known = KnownPrice(found or self.shop.prices.dearest, known=found is not None)
            near = [] if found else self._near(model)
            return [{"provider": None, "model": model, "near": near, **self._priced(known, "")}]
        answers = []
        for name in dict.fromkeys(named):
            info = await self._router.describe(providers[name], model)
            price = self._price_of(providers[name], info)
            near = [] if price["price_known"] else self._near(model, provider=name)
            answers.append({"provider": name, "model": model, "near": near, **price})
        return answers

    async def pull(self, tell: Tell, model: str, *, provider: str = "") -> dict[str, Any]:
        """Have a provider fetch a model to this machine.

        Args:
            tell: Told how far it is.
            provider: Its id; may be left out where only one can.
        """
        found = await self._library(provider, model)
        async with aclosing(
            self.guard.stream(
                found.plugin,
                partial(pulled, found.live, model),
                what=f"download of {model}",
                idle_timeout=_PULL_SILENCE,
                expects=PullProgress,
            )
        ) as progress:
            last = PullProgress(status="")
            async for last in progress:
                await tell(asdict(last))
        return {
            "provider": found.record.id,
            "model": model,
            "bytes": last.done,
            **self._use(found.record.id, model),
        }

    def _rungs(self) -> list[ModelTier]:
        return sorted(self._router.tiers(), key=lambda tier: tier.below)

    def _named(self, tier: ModelTier) -> dict[str, Any]:
        """Say of a tier what is known without asking its provider."""
        provider, table = self._providers().get(tier.provider), self.shop.prices.table
        known = {
            "id": tier.id,
            "tier": tier.name,
            "below": tier.below,
            "provider": tier.provider,
            "model": tier.model,
            "max_output_tokens": tier.max_output_tokens,
            "setting": self._setting(tier),
        }
        if provider is None:
            waiting = self._router.held_back(tier.provider)
            problem = f"the provider {tier.provider!r} does not run"
            return {**known, "problem": f"{problem}; {waiting}" if waiting else problem}
        known |= {"local": provider.record.local, **self._rest(tier.provider)}
        if provider.record.local or {tier.model, f"{tier.provider}/{tier.model}"} & table.keys():
            return known
        return {**known, "near": self._near(tier.model, provider=tier.provider)}

    async def _tier(self, tier: ModelTier) -> dict[str, Any]:
        known, provider = self._named(tier), self._providers().get(tier.provider)
        if provider is None:
            return known
        try:
            info = await self._router.describe(provider, tier.model)
        except ArgentError as error:
            return {**known, "problem": self.shop.clean(str(error))}
        return {**known, **self._told(provider, info)}

    def _setting(self, tier: ModelTier) -> str:
        """Say which setting names the model of a tier; nothing, if none does."""
        own = self._router.config.tiers
        if tier in own:
            return f"models.json: tiers[{own.index(tier)}].model"
        for found in self.host.registered(ModelTier):
            context = self.host.plugins[found.plugin].context
            if found.record is tier and context is not None:
                model = attempt(getattr, context.settings, "model", None).value
                return f"plugins.{found.plugin}.model" if model == tier.model else ""
        return ""

    def _near(self, model: str, *, provider: str = "") -> list[str]:
        """Return the models that may be meant by one that the table of prices does not have."""
        names = {name.removeprefix(f"{provider}/") for name in self.shop.prices.table}
        return difflib.get_close_matches(model, names, n=_NEAR)

    def _rest(self, provider: str) -> dict[str, Any]:
        """Say until when a provider is left alone, if it is."""
        health = self.shop.health
        seconds, now = health.rest(provider), self.shop.journal.clock.now()
        if not seconds:
            return {}
        until = (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")
        return {"resting": {"until": until, "failures": health.failures(provider)}}

    async def _offer(self, found: Registered) -> dict[str, Any]:
        record, live = found.record, found.live
        known = {"provider": record.id, "plugin": found.plugin, "local": record.local}
        try:
            able, models = await self.guard.ask(
                found.plugin,
                partial(listed, live),
                what="list of models",
                timeout=_LIST_SECONDS,
                expects=tuple,
            )
        except ArgentError as error:
            return {**known, "models": [], "problem": self.shop.clean(str(error))}
        told = [{"model": info.id, **self._told(found, info)} for info in models]
        return {**known, **able, "models": sorted(told, key=lambda one: str(one["model"]))}

    def _told(self, provider: Registered, info: ModelInfo) -> dict[str, Any]:
        return {
            "context_window": info.context_window,
            "takes_images": info.takes_images,
            "good_for": info.good_for,
            "advice": info.advice,
            **self._price_of(provider, info),
        }

    def _price_of(self, provider: Registered, info: ModelInfo) -> dict[str, Any]:
        known = self.shop.prices.of(provider.record, info)
        by_itself = provider.record.id if info.price is not None else ""
        if info.price is None and provider.record.local:
            by_itself = "this machine"
        return self._priced(known, by_itself)

    def _priced(self, known: KnownPrice, by_itself: str) -> dict[str, Any]:
        table = f"the table of {self.shop.prices.date}"
        return {
            "price": asdict(known.price),
            "price_known": known.known,
            "price_from": by_itself or (table if known.known else f"the dearest one in {table}"),
        }

    def _providers(self) -> dict[str, Registered]:
        return {found.record.id: found for found in self.host.registered(ModelProvider)}

    def provider(self, name: str) -> Registered:
        """Return a provider that runs. Raises ``ModelRejected``."""
        providers = self._providers()
        if name not in providers:
            names = ", ".join(sorted(providers)) or "none"
            waiting = self._router.held_back(name)
            hint = f". {waiting}" if waiting else ""
            raise ModelRejected(f"no model provider {name!r} runs; there are: {names}{hint}")
        return providers[name]

    async def _library(self, name: str, model: str) -> Registered:
        """Return the provider that fetches models. Raises ``ModelRejected``."""
        wanted = [self.provider(name)] if name else list(self._providers().values())
        able = []
        for found in wanted:
            able_to, _ = await self.guard.ask(
                found.plugin,
                partial(skills, found.live),
                what="what it can do",
                timeout=_LIST_SECONDS,
                expects=tuple,
            )
            able += [found] if able_to["pulls"] else []
        if len(able) == 1:
            return able[0]
        if able:
            names = " or ".join(found.record.id for found in able)
            raise ModelRejected(f"say who should fetch it, with --provider: {names}")
        if not name:
            words = "no provider here fetches models; pip install argent-ollama for one that does"
            raise ModelRejected(words)
        told = (f"argent config set {one} {model}" for one in self._use(name, model)["settings"])
        instead = next((f"; name the one to use with: {command}" for command in told), "")
        raise ModelRejected(f"{name} does not fetch models by itself{instead}")

    def _use(self, provider: str, model: str) -> dict[str, list[str]]:
        """Say which tiers a provider's model serves, and which settings would have it serve one."""
        tiers = [tier for tier in self._rungs() if tier.provider == provider]
        serves = [tier.name for tier in tiers if _without_tag(tier.model) == _without_tag(model)]
        settings = [setting for tier in tiers if (setting := self._setting(tier))]
        return {"serves": serves, "settings": settings}


def _without_tag(model: str) -> str:
    # A name without a tag stands for the latest (https://docs.ollama.com/api/introduction).
    return model.removesuffix(":latest")
