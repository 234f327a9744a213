"""Trying models out: each tier is asked something small, and measured."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from attrs import asdict, define, evolve, frozen

from argent_core.hosted_plugin import Registered
from argent_core.local import Tell
from argent_core.loop.budget import ModelCall
from argent_core.loop.prices import KnownPrice, WorstCase
from argent_core.loop.tiers import ladder
from argent_core.loop.tokens import most_tokens
from argent_core.loop.turn_account import amount_spent, is_free
from argent_core.loop.workshop import Workshop
from argent_core.models import Models
from argent_core.money import DOLLAR
from argent_hookspecs import (
    ArgentError,
    Message,
    ModelError,
    ModelRejected,
    ModelRequest,
    ModelTier,
    PluginError,
    Role,
)

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
        """How the call is entered in the accounts: as one of no turn."""
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
class ModelTrials:
    """Tries the models of a kernel out."""

    models: Models

    @property
    def _shop(self) -> Workshop:
        return self.models.shop

    async def test(
        self, tell: Tell, *, tiers: Sequence[str] = (), only: Sequence[str] = (), pay: bool = False
    ) -> list[dict[str, Any]]:
        """Ask the model of each tier something small, and measure.

        Args:
            tell: Told which one is asked.
            tiers: Names of those to try; all, if empty.
            only: Ids of those to try, as several may have one name; all, if empty.
            pay: Whether it may cost something. What would, is only priced otherwise.
        """
        everything = self._shop.router.tiers()
        names = [tier.name for tier in ladder(everything)]
        strange = sorted({*tiers} - {*names})
        if strange:
            waiting = self._shop.router.held_back(strange[0])
            words = f"there is no tier {strange[0]!r}; there are: {', '.join(names)}"
            raise ModelRejected(f"{words}. {waiting}" if waiting else words)
        results = []
        for tier in _distinct(everything):
            if (not tiers or tier.name in tiers) and (not only or tier.id in only):
                known = {"tier": tier.name, "provider": tier.provider, "model": tier.model}
                tried = await self._try(tell, tier, pay=pay)
                results.append({"id": tier.id, **known, **tried})
        return results

    async def _try(self, tell: Tell, tier: ModelTier, *, pay: bool) -> dict[str, Any]:
        try:
            trial = await self._trial(tier)
            self._shop.router.demand_allowed(tier, trial.provider)
            most = trial.worst.amount(trial.request.max_output_tokens)
            if most and not pay:
                return {"may_cost": most / DOLLAR, "price_known": trial.known.known}
            await tell({"tier": tier.name, "model": tier.model, "provider": tier.provider})
            return await self._ask(trial)
        except ArgentError as error:
            return {"problem": self._shop.clean(str(error))}

    async def _trial(self, tier: ModelTier) -> _Trial:
        provider = self.models.provider(tier.provider)
        info = await self._shop.router.describe(provider, tier.model)
        request = ModelRequest(
            model=tier.model,
            messages=(Message(Role.USER, _QUESTION),),
            max_output_tokens=min(_LONGEST, tier.max_output_tokens),
            key=f"test/{uuid.uuid4().hex}",
        )
        known = self._shop.prices.of(provider.record, info)
        worst = WorstCase(
            price=known.price,
            input_tokens=most_tokens(request),
            most_output=request.max_output_tokens,
            known=known.known,
        )
        return _Trial(tier=tier, provider=provider, known=known, request=request, worst=worst)

    async def _ask(self, trial: _Trial) -> dict[str, Any]:
        """Make the call, within the budget like every other."""
        budget, database, account = self._shop.budget, self._shop.journal.database, trial.account
        granted = await database.write(lambda tx: budget.reserve(tx, account, worst=trial.worst))
        request, heard = evolve(trial.request, max_output_tokens=granted), list[float]()
        began = time.monotonic()
        try:
            answer = await self._shop.model_stream.answer(
                trial.provider,
                request,
                on_text=lambda text: None,
                on_first=lambda: heard.append(time.monotonic()),
            )
        except (ModelError, PluginError) as error:
            reason, free = self._shop.clean(str(error)), is_free(error, heard=bool(heard))
            await database.write(lambda tx: budget.fail(tx, account, reason=reason, free=free))
            raise
        ended = time.monotonic()
        usage = answer.usage
        spent = amount_spent(answer, worst=trial.worst, most_output=granted)
        for notice in await database.write(
            lambda tx: budget.settle(tx, account, spent=spent, usage=usage)
        ):
            self._shop.publish(notice)
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


def _distinct(tiers: Sequence[ModelTier]) -> list[ModelTier]:
    """Return the tiers, the least able first; of those of one name and model only the first."""
    first: dict[tuple[str, str, str], ModelTier] = {}
    for tier in tiers:
        first.setdefault((tier.name, tier.provider, tier.model), tier)
    return sorted(first.values(), key=lambda tier: tier.below)


def _speed(tokens: int, seconds: float) -> float | None:
    """Return tokens a second after the first part; None where nothing can be said."""
    return round((tokens - 1) / seconds, 1) if tokens > 1 and seconds > 0.001 else None
