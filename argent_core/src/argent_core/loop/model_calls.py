"""The model calls of one turn: by another model where one fails, once more where one is no good.

Every answer that is wanted is a step; each try of it, by whatever model, is a call of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from attrs import define, evolve, field

from argent_core import codec
from argent_core.inbound.journal import Lease
from argent_core.loop.answer_check import flaw
from argent_core.loop.budget import OverBudget
from argent_core.loop.chain import Chain
from argent_core.loop.context import GatheredContext
from argent_core.loop.deadline import Deadline
from argent_core.loop.model_router import Plan, Route
from argent_core.loop.model_stream import ModelAnswer
from argent_core.loop.paid_calls import INSTEAD, PaidCalls, Wanted
from argent_core.loop.steps import Step, Steps
from argent_core.loop.turn_account import TurnAccount
from argent_core.loop.workshop import Workshop
from argent_hookspecs import (
    Approval,
    ContextTooLong,
    Message,
    ModelError,
    ModelEscalated,
    ModelRejected,
    ModelTier,
    ModelUnavailable,
    PluginError,
)

log = logging.getLogger("argent.models")

_SPARE_SECONDS = 2.0
"""For what comes after the better try: putting the answer down, sending it."""


@define(eq=False, repr=False)
class ModelCalls:
    """Makes the model calls of one turn.

    Args:
        deadline: When the turn has to be over.
        tell: Told the answer so far.
        ask: Told that a person's word is needed.
        trouble: Why the model that was asked first did not answer.
    """

    shop: Workshop
    lease: Lease
    steps: Steps
    gathered: GatheredContext
    plan: Plan
    deadline: Deadline
    tell: Callable[[str], None]
    ask: Callable[[Approval], None]
    trouble: str = ""
    _account: TurnAccount = field(init=False)
    _paid: PaidCalls = field(init=False)
    _tiers: Sequence[ModelTier] = field(init=False)
    _failed: set[str] = field(factory=set)
    _escalated: bool = False

    def __attrs_post_init__(self) -> None:
        account = self._account = TurnAccount(self.shop, self.lease, self.ask)
        self._paid = PaidCalls(self.shop, self.lease, self.steps, self.gathered, account, self.tell)
        self._tiers = self.plan.tiers

    @property
    def plugin(self) -> str:
        """The plugin whose model is asked."""
        return self._paid.plugin

    async def answer(self, said: Sequence[Message], *, may_call: bool) -> tuple[ModelAnswer, Step]:
        """Ask for the next answer of the turn, or take it from the record.

        Args:
            said: What was said in the turn so far.
            may_call: Whether it may ask for tools.

        Raises:
            ApprovalNeeded: A person was asked whether the budget may be gone over.
            ModelError, PluginError: No model answered.
        """
        wanted = Wanted(said=said, may_call=may_call)
        self._paid.step = self.steps.recorded("model")
        found = self._recorded() or await self._ask_any(self._tiers, wanted)
        self._prefer(found[0].tier)
        instead = await self._objection(found[0], may_call=may_call)
        if not instead:
            return found
        self._escalated = True
        least = found[0].usage.output_tokens
        return await self._better(evolve(wanted, instead=instead, least=least)) or found

    async def _objection(self, answer: ModelAnswer, *, may_call: bool) -> str:
        """Return why a better model is to be asked: what the record says, if it goes on."""
        upcoming = self.steps.upcoming
        if upcoming is not None:
            return str(upcoming.request.get(INSTEAD, "")) if upcoming.kind == "model" else ""
        if self._escalated or self._higher() is None:
            return ""
        return await self._flaw(answer, may_call=may_call)

    async def _better(self, wanted: Wanted) -> tuple[ModelAnswer, Step] | None:
        """Ask one tier up, once; return None if that brings nothing better."""
        before = self._tiers[0]
        self._paid.step = self.steps.recorded("model")
        found = self._recorded() or await self._ask_higher(wanted)
        if found is None or await self._flaw(found[0], may_call=wanted.may_call):
            return None
        self._prefer(found[0].tier)
        self.shop.publish(
            ModelEscalated(
                turn=self.lease.id,
                conversation=self.lease.event.conversation,
                old=before.name,
                new=self._tiers[0].name,
                reason=wanted.instead,
            )
        )
        return found

    async def _ask_higher(self, wanted: Wanted) -> tuple[ModelAnswer, Step] | None:
        """Ask the next tier up, unless that is on record as having failed."""
        higher, step = self._higher(), self._paid.step
        if higher is None or (step is not None and step.state == "failed"):
            return None
        try:
            async with asyncio.timeout(max(0.0, self.deadline.left - _SPARE_SECONDS)):
                return await self._ask_any([higher], wanted)
        except (ModelError, PluginError, TimeoutError) as error:
            reason = self.shop.clean(str(error)) or "it took too long"
            log.info("%s cannot answer instead: %s", higher.model, reason)
            if self._paid.step is not None:
                await self.steps.end(self._paid.step, "failed", result=reason)
            return None

    def _higher(self) -> ModelTier | None:
        """Return the next tier above the one that answered, if an answer may be escalated."""
        if self.plan.wish or not self.shop.router.config.models.routing.escalate:
            return None
        now, health = self._tiers[0], self.shop.health
        above = [t for t in self.plan.tiers if t.below > now.below and health.is_well(t.provider)]
        return min(above, key=lambda tier: tier.below, default=None)

    async def _flaw(self, answer: ModelAnswer, *, may_call: bool) -> str:
        return await flaw(answer, self.shop.tools if may_call else None) or ""

    def _recorded(self) -> tuple[ModelAnswer, Step] | None:
        """Return the answer that is on record for the step, if one is."""
        step = self._paid.step
        if step is None or step.state != "done":
            return None
        return codec.structure(step.result, ModelAnswer), step

    def _prefer(self, tier: str) -> None:
        """Ask the tier that answered first from now on."""
        self._tiers = sorted(self._tiers, key=lambda other: other.id != tier)

    async def _ask_any(
        self, tiers: Sequence[ModelTier], wanted: Wanted
    ) -> tuple[ModelAnswer, Step]:
        """Ask one model after another until one answers."""
        at_cap = self.shop.budget.settings.at_cap
        failures: list[ModelError | PluginError] = []
        refused: OverBudget | None = None
        chain = Chain(tiers, self.shop.health, self._failed)
        while (tier := chain.next()) is not None:
            may_pass = at_cap == "step-down" and not chain.short
            try:
                route = await self.shop.router.open(self.plan, tier)
                if refused is None or chain.short or self._is_step_down(route, refused):
                    return await self._ask(route, evolve(wanted, may_pass=may_pass), chain)
            except OverBudget as error:
                refused = refused or error
                if may_pass:
                    chain.put_off(tier)
                self._note_trouble(f"the budget for {error.cap.name} has no room for it")
                if at_cap == "stop":
                    break
            except (ModelError, PluginError) as error:
                self._note_failure(tier, error)
                failures.append(error)
        raise _summed_up(failures, refused) or chain.refusal()

    async def _ask(self, route: Route, wanted: Wanted, chain: Chain) -> tuple[ModelAnswer, Step]:
        why, patience = self._why(route.tier, wanted.instead), chain.share(self.deadline.left)
        found = await self._paid.ask(route, wanted, why=why, patience=patience)
        self._failed.discard(route.tier.provider)
        return found

    def _is_step_down(self, route: Route, refused: OverBudget) -> bool:
        """Tell whether a model may answer where another is too dear: no dearer one steps in."""
        price, other = self._account.price(route).price, refused.price
        lower = route.tier.below < next(
            tier.below for tier in self.plan.tiers if tier.name == refused.tier
        )
        return lower or (price.output, price.input) < (other.output, other.input)

    def _note_failure(self, tier: ModelTier, error: ModelError | PluginError) -> None:
        reason = self.shop.clean(str(error))
        log.warning("%s does not answer: %s", tier.model, reason)
        self._note_trouble(reason)
        if isinstance(error, ContextTooLong):
            return
        if tier.provider not in self._failed and not isinstance(error, ModelRejected):
            wish = error.retry_after if isinstance(error, ModelUnavailable) else None
            self.shop.health.failed(tier.provider, retry_after=wish)
        self._failed.add(tier.provider)

    def _note_trouble(self, reason: str) -> None:
        self.trouble = self.trouble or reason

    def _why(self, tier: ModelTier, instead: str) -> str:
        """Say why it is this tier that is asked."""
        if instead:
            return f"one tier up, as the answer of the one below was no good: {instead}"
        chosen = self.plan.tiers[0]
        if tier.id == chosen.id:
            return self.plan.why
        trouble = self.trouble or f"{chosen.provider} is left alone after it failed"
        return f"in place of {chosen.name} ({self.plan.why}): {trouble}"


def _summed_up(
    failures: Sequence[ModelError | PluginError], over: OverBudget | None
) -> ModelError | PluginError | None:
    """Return what to say if no model answers: whether it is worth another try, and when."""
    transient = [e for e in failures if isinstance(e, (ModelUnavailable, PluginError))]
    if over is not None and not transient:
        return over
    if not failures:
        return None
    if not transient or (len(failures) == 1 and over is None):
        return failures[0]
    waits = [e.retry_after for e in transient if isinstance(e, ModelUnavailable)]
    wishes = [wait for wait in waits if isinstance(wait, (int, float))]
    words = "; ".join(dict.fromkeys(str(error) for error in (*failures, *([over] if over else []))))
    return ModelUnavailable(words, retry_after=min(wishes, default=None))
