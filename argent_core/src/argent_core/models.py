"""The models of an agent, as commands ask about them: which there are, what they cost, how fast."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from attrs import asdict, define, evolve, frozen

from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_core.local import Tell
from argent_core.loop.budget import ModelCall
from argent_core.loop.model_router import ModelRouter
from argent_core.loop.prices import KnownPrice, WorstCase, cost
from argent_core.loop.tiers import ladder
from argent_core.loop.tokens import most_tokens
from argent_core.loop.workshop import Workshop
from argent_core.model_skills import listed, pulled, skills
from argent_core.money import DOLLAR
from argent_hookspecs import (
    ArgentError,
    Message,
    ModelError,
    ModelInfo,
    ModelProvider,
    ModelRejected,
    ModelRequest,
    ModelTier,
    PluginError,
    PullProgress,
    Role,
    Usage,
)

_LIST_SECONDS = 20.0
_PULL_SILENCE = 900.0
_QUESTION = "Count from one to ten, in words."
_LONGEST = 256
_SOURCE = "argent models test"


@frozen(kw_only=True)
class _Trial:
    """A call that tries a tier out, and what it may cost."""

    tier: ModelTier
    provider: Registered
    known: KnownPrice
    request: ModelRequest
    worst: WorstCase

    @property
    def account(self) -> ModelCall:
        """How the call is entered in the accounts."""
        return ModelCall(
            key=self.request.key,
            turn="",
            conversation=_SOURCE,
            source=_SOURCE,
            tier=self.tier.name,
            provider=self.tier.provider,
            model=self.tier.model,
        )


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
        providers = self._providers()
        offers = asyncio.gather(*(self._offer(found) for found in providers.values()))
        rungs = sorted(self._router.tiers(), key=lambda tier: tier.below)
        tiers = [await self._tier(tier, providers) for tier in rungs]
        prices = self.shop.prices
        return {
            "tiers": tiers,
            "providers": await offers,
            "prices": {"date": prices.date, "dearest": asdict(prices.dearest)},
        }

    async def price(self, model: str, *, provider: str = "") -> list[dict[str, Any]]:
        """Say what a model costs at each provider that is named, or that a tier has it from."""
        providers = self._providers()
        if provider:
            named = [self._provider(provider).record.id]
        else:
            tiers = self._router.tiers()
            named = [t.provider for t in tiers if t.model == model and t.provider in providers]
        if not named:
            found = self.shop.prices.table.get(model)
            known = KnownPrice(found or self.shop.prices.dearest, known=found is not None)
            return [{"provider": None, "model": model, **self._priced(known, "")}]
        answers = []
        for name in dict.fromkeys(named):
            info = await self._router.describe(providers[name], model)
            price = self._price_of(providers[name], info)
            answers.append({"provider": name, "model": model, **price})
        return answers

    async def pull(self, tell: Tell, model: str, *, provider: str = "") -> dict[str, Any]:
        """Have a provider fetch a model to this machine.

        Args:
            tell: Told how far it is.
            provider: Its id; may be left out where only one can.
        """
        found = await self._library(provider)
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
        return {"provider": found.record.id, "model": model, "bytes": last.done}

    async def test(
        self, tell: Tell, *, tiers: Sequence[str] = (), pay: bool = False
    ) -> list[dict[str, Any]]:
        """Ask the model of each tier something small, and measure.

        Args:
            tell: Told which one is asked.
            tiers: Names of those to try; all, if empty.
            pay: Whether it may cost something. What would, is only priced otherwise.
        """
        rungs = ladder(self._router.tiers())
        strange = sorted({*tiers} - {tier.name for tier in rungs})
        if strange:
            names = ", ".join(tier.name for tier in rungs)
            raise ModelRejected(f"there is no tier {strange[0]!r}; there are: {names}")
        results = []
        for tier in rungs:
            if not tiers or tier.name in tiers:
                await tell({"tier": tier.name, "model": tier.model, "provider": tier.provider})
                known = {"tier": tier.name, "provider": tier.provider, "model": tier.model}
                results.append({**known, **await self._try(tier, pay=pay)})
        return results

    async def _try(self, tier: ModelTier, *, pay: bool) -> dict[str, Any]:
        try:
            trial = await self._trial(tier)
            most = trial.worst.amount(trial.request.max_output_tokens)
            if most and not pay:
                return {"may_cost": most / DOLLAR, "price_known": trial.known.known}
            return await self._ask(trial)
        except ArgentError as error:
            return {"problem": self.shop.clean(str(error))}

    async def _trial(self, tier: ModelTier) -> _Trial:
        provider = self._provider(tier.provider)
        info = await self._router.describe(provider, tier.model)
        request = ModelRequest(
            model=tier.model,
            messages=(Message(Role.USER, _QUESTION),),
            max_output_tokens=min(_LONGEST, tier.max_output_tokens),
            key=f"test/{uuid.uuid4().hex}",
        )
        known = self.shop.prices.of(provider.record, info)
        worst = WorstCase(
            price=known.price,
            input_tokens=most_tokens(request),
            most_output=request.max_output_tokens,
            known=known.known,
        )
        return _Trial(tier=tier, provider=provider, known=known, request=request, worst=worst)

    async def _ask(self, trial: _Trial) -> dict[str, Any]:
        """Make the call, within the budget like every other."""
        budget, database, account = self.shop.budget, self.shop.journal.database, trial.account
        granted = await database.write(lambda tx: budget.reserve(tx, account, worst=trial.worst))
        request, heard = evolve(trial.request, max_output_tokens=granted), list[float]()
        began = time.monotonic()
        try:
            answer = await self.shop.model_stream.answer(
                trial.provider,
                request,
                on_text=lambda text: None,
                on_first=lambda: heard.append(time.monotonic()),
            )
        except (ModelError, PluginError) as error:
            reason, free = self.shop.clean(str(error)), isinstance(error, ModelError) and not heard
            await database.write(lambda tx: budget.fail(tx, account, reason=reason, free=free))
            raise
        ended = time.monotonic()
        usage = answer.usage
        spent = cost(trial.known.price, usage) if usage != Usage() else trial.worst.amount(granted)
        for notice in await database.write(
            lambda tx: budget.settle(tx, account, spent=spent, usage=usage)
        ):
            self.shop.publish(notice)
        first = heard[0] if heard else ended
        return {
            "answer": answer.text,
            "first_word_seconds": round(first - began, 3),
            "seconds": round(ended - began, 3),
            "tokens_per_second": _speed(usage.output_tokens, ended - first),
            **asdict(usage),
            "cost": spent / DOLLAR,
            "price_known": trial.known.known,
        }

    async def _tier(self, tier: ModelTier, providers: Mapping[str, Registered]) -> dict[str, Any]:
        known = {
            "tier": tier.name,
            "below": tier.below,
            "provider": tier.provider,
            "model": tier.model,
            "max_output_tokens": tier.max_output_tokens,
        }
        provider = providers.get(tier.provider)
        if provider is None:
            return {**known, "problem": f"the provider {tier.provider!r} does not run"}
        try:
            info = await self._router.describe(provider, tier.model)
        except ArgentError as error:
            return {**known, "problem": self.shop.clean(str(error))}
        return {**known, "local": provider.record.local, **self._told(provider, info)}

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

    def _provider(self, name: str) -> Registered:
        """Return a provider that runs. Raises ``ModelRejected``."""
        providers = self._providers()
        if name not in providers:
            names = ", ".join(sorted(providers)) or "none"
            raise ModelRejected(f"no model provider {name!r} runs; there are: {names}")
        return providers[name]

    async def _library(self, name: str) -> Registered:
        """Return the provider that fetches models. Raises ``ModelRejected``."""
        wanted = [self._provider(name)] if name else list(self._providers().values())
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
        raise ModelRejected(
            f"{name} does not fetch models"
            if name
            else "no provider here fetches models; pip install argent-ollama for one that does"
        )


def _speed(tokens: int, seconds: float) -> float | None:
    """Return tokens a second after the first part; None where nothing can be said."""
    return round((tokens - 1) / seconds, 1) if tokens > 1 and seconds > 0.001 else None
