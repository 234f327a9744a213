"""The model calls of one turn: within the budget, and by another model where one fails.

Every answer that is wanted is a step. Each try of it, by whatever model, is on record with what it
may cost before it is made, and with what it did cost afterwards. One that fails is made again by
the next model of the plan; an answer that is no good is asked for once more, one tier up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from attrs import define, evolve, field, frozen

from argent_core import codec
from argent_core.inbound import journal
from argent_core.inbound.journal import Lease
from argent_core.loop import turn_store
from argent_core.loop.answer_check import flaw
from argent_core.loop.budget import OverBudget
from argent_core.loop.context import FittedContext, GatheredContext, fit
from argent_core.loop.model_router import Plan, Route
from argent_core.loop.model_stream import ModelAnswer
from argent_core.loop.steps import Paid, Step, Steps
from argent_core.loop.tokens import estimate
from argent_core.loop.turn_account import Bill, TurnAccount, is_free, tokens_read
from argent_core.loop.workshop import Workshop
from argent_core.money import DOLLAR
from argent_hookspecs import (
    Approval,
    BudgetReached,
    ContextTooLong,
    Message,
    ModelError,
    ModelEscalated,
    ModelRequest,
    ModelTier,
    ModelUnavailable,
    PluginError,
    Transaction,
)

log = logging.getLogger("argent.models")

_SHRINK = (1.0, 0.6, 0.3)
_INSTEAD = "instead"
"""In the request of a step that is another's better try: what was wrong with that one."""


@frozen(kw_only=True)
class _Wanted:
    """An answer that is wanted.

    Args:
        said: What was said in the turn so far.
        instead: What was wrong with the answer that it is to replace, if there is one.
    """

    said: Sequence[Message]
    with_tools: bool
    instead: str = ""


@frozen(kw_only=True)
class _Call:
    """A call that is on record and about to be made.

    Args:
        explain: Records the route and the context, if that was not done yet.
    """

    step: Step
    bill: Bill
    request: ModelRequest
    explain: Callable[[Transaction], None] | None


@define(eq=False, repr=False)
class ModelCalls:
    """Makes the model calls of one turn.

    Args:
        tell: Told the answer so far.
        ask: Told that a person's word is needed.
        plugin: The plugin whose model is asked.
        trouble: Why the model that was asked first did not answer.
    """

    shop: Workshop
    lease: Lease
    steps: Steps
    gathered: GatheredContext
    plan: Plan
    tell: Callable[[str], None]
    ask: Callable[[Approval], None]
    plugin: str = ""
    trouble: str = ""
    _account: TurnAccount = field(init=False)
    _tiers: Sequence[ModelTier] = field(init=False)
    _step: Step | None = None
    _escalated: bool = False

    def __attrs_post_init__(self) -> None:
        self._account = TurnAccount(self.shop, self.lease, self.ask)
        self._tiers = self.plan.tiers

    async def answer(
        self, said: Sequence[Message], *, with_tools: bool
    ) -> tuple[ModelAnswer, Step]:
        """Ask for the next answer of the turn, or take it from the record.

        Args:
            said: What was said in the turn so far.

        Raises:
            ApprovalNeeded: A person was asked whether the budget may be gone over.
            ModelError, PluginError: No model answered.
        """
        wanted = _Wanted(said=said, with_tools=with_tools)
        self._step = self.steps.recorded("model")
        found = self._recorded() or await self._ask_any(self._tiers, wanted)
        instead = await self._objection(found[0], with_tools=with_tools)
        if not instead:
            return found
        self._escalated = True
        return await self._better(evolve(wanted, instead=instead)) or found

    async def _objection(self, answer: ModelAnswer, *, with_tools: bool) -> str:
        """Return why a better model is to be asked: what the record says, if it goes on."""
        upcoming = self.steps.upcoming
        if upcoming is not None:
            return str(upcoming.request.get(_INSTEAD, "")) if upcoming.kind == "model" else ""
        if self._escalated or self._higher() is None:
            return ""
        return await flaw(answer, self.shop.tools if with_tools else None) or ""

    async def _better(self, wanted: _Wanted) -> tuple[ModelAnswer, Step] | None:
        """Ask one tier up, once; return None if that brings nothing."""
        before, higher = self._tiers[0], self._higher()
        self._step = self.steps.recorded("model")
        found = self._recorded()
        if found is not None or higher is None or (self._step and self._step.state == "failed"):
            return found
        try:
            found = await self._ask_any([higher], wanted)
        except (ModelError, PluginError) as error:
            log.info("%s cannot answer instead of %s", higher.model, before.model)
            if self._step is not None:
                await self.steps.end(self._step, "failed", result=self.shop.clean(str(error)))
            return None
        self.shop.publish(
            ModelEscalated(
                turn=self.lease.id,
                conversation=self.lease.event.conversation,
                old=before.name,
                new=higher.name,
                reason=wanted.instead,
            )
        )
        return found

    def _higher(self) -> ModelTier | None:
        """Return the next tier above the one that answered, if an answer may be escalated."""
        if self.plan.wish or not self.shop.router.config.models.routing.escalate:
            return None
        now, health = self._tiers[0], self.shop.health
        above = [t for t in self.plan.tiers if t.below > now.below and health.is_well(t.provider)]
        return min(above, key=lambda tier: tier.below, default=None)

    def _recorded(self) -> tuple[ModelAnswer, Step] | None:
        """Return the answer that is on record for the step, if one is."""
        step = self._step
        if step is None or step.state != "done":
            return None
        answer = codec.structure(step.result, ModelAnswer)
        self._prefer(answer.tier)
        return answer, step

    def _prefer(self, tier: str) -> None:
        """Ask the tier that answered first from now on."""
        self._tiers = sorted(self._tiers, key=lambda other: other.id != tier)

    async def _ask_any(
        self, tiers: Sequence[ModelTier], wanted: _Wanted
    ) -> tuple[ModelAnswer, Step]:
        """Ask one model after another until one answers."""
        failures: list[ModelError | PluginError] = []
        over: OverBudget | None = None
        for tier in self.shop.health.well(tiers):
            try:
                route = await self.shop.router.open(self.plan, tier)
                if over is not None and not self._is_cheaper(route, over):
                    continue
                return await self._ask_model(route, wanted)
            except OverBudget as error:
                over, self.trouble = over or error, self.trouble or str(error)
                if self.shop.budget.settings.at_cap == "stop":
                    break
            except (ModelError, PluginError) as error:
                reason = self.shop.clean(str(error))
                log.warning("%s does not answer: %s", tier.model, reason)
                self.trouble = self.trouble or reason
                if not isinstance(error, ContextTooLong):
                    wish = error.retry_after if isinstance(error, ModelUnavailable) else None
                    self.shop.health.failed(tier.provider, retry_after=wish)
                failures.append(error)
        raise _summed_up(failures, over)

    def _is_cheaper(self, route: Route, over: OverBudget) -> bool:
        price = self._account.price(route).price
        return (price.output, price.input) < (over.price.output, over.price.input)

    async def _ask_model(self, route: Route, wanted: _Wanted) -> tuple[ModelAnswer, Step]:
        """Ask one model, with less context each time that it says there is too much."""
        self.plugin = route.provider.plugin
        for share in _SHRINK:
            try:
                request, fitted = self._request(route, wanted, share)
            except ContextTooLong:
                if share == _SHRINK[0]:
                    raise
                break  # the event alone is larger than this share of the window
            call = await self._begin(route, request, fitted=fitted, instead=wanted.instead)
            try:
                answer = await self._stream(route, call)
            except ContextTooLong:
                continue
            self._prefer(route.tier.id)
            return answer, call.step
        raise ContextTooLong("the message does not fit the model's window; shorten it")

    def _request(
        self, route: Route, wanted: _Wanted, share: float
    ) -> tuple[ModelRequest, FittedContext]:
        specs = self.shop.tools.specs()
        fitted = fit(
            self.gathered,
            window=int(route.info.context_window * share),
            output=route.max_output,
            tools=specs,
            turn_tokens=sum(estimate(codec.dump(message)) for message in wanted.said),
        )
        request = ModelRequest(
            model=route.tier.model,
            system=fitted.system,
            messages=(*fitted.messages, *wanted.said),
            tools=specs,
            may_call=wanted.with_tools,
            max_output_tokens=route.max_output,
            stable=2 * fitted.exchanges,
        )
        return request, fitted

    async def _begin(
        self, route: Route, request: ModelRequest, *, fitted: FittedContext, instead: str
    ) -> _Call:
        """Put a call on record and set aside what it may cost.

        Raises:
            OverBudget: It does not fit, and nobody has allowed it.
            ApprovalNeeded: A person is asked.
        """
        bill = await self._account.bill(route, request)
        why = self._why(route.tier, instead)
        explain = turn_store.explanation(self.lease, route=route, why=why, blocks=fitted.blocks)
        granted = [request.max_output_tokens]

        def record(tx: Transaction) -> None:
            journal.check(tx, self.lease)
            granted[0] = self._account.reserve(tx, bill)
            if not instead:
                explain(tx)

        try:
            if self._step is None:
                summary = {
                    "model": request.model,
                    "exchanges": fitted.exchanges,
                    "messages": request.messages[2 * fitted.exchanges :],
                    **({_INSTEAD: instead} if instead else {}),
                }
                self._step = await self.steps.begin(
                    "model", request.model, request=summary, also=record
                )
            else:
                await self.shop.journal.database.write(record)
        except OverBudget as error:
            raise await self._account.refuse(error, bill, may_ask=not instead) from error
        request = evolve(request, key=self._step.key, max_output_tokens=granted[0])
        return _Call(
            step=self._step, bill=bill, request=request, explain=explain if instead else None
        )

    def _why(self, tier: ModelTier, instead: str) -> str:
        """Say why it is this tier that is asked."""
        if instead:
            return f"one tier up, as the answer of the one below was no good: {instead}"
        chosen = self.plan.tiers[0]
        if tier.id == chosen.id:
            return self.plan.why
        trouble = self.trouble or f"{chosen.provider} is left alone after it failed"
        return f"in place of {chosen.name} ({self.plan.why}): {trouble}"

    async def _stream(self, route: Route, call: _Call) -> ModelAnswer:
        """Make a call, and put down what came of it and what it cost."""
        heard = asyncio.Event()
        try:
            self.shop.router.demand_still(route)  # it may have stopped while the call was put down
            answer = await self.shop.model_stream.answer(
                route.provider, call.request, on_text=self.tell, on_first=heard.set
            )
        except (ModelError, PluginError) as error:
            free = is_free(error, heard=heard.is_set())
            await self._account.fail(call.bill, str(error), free=free)
            raise
        self.shop.health.succeeded(route.tier.provider)
        shortened = call.request.max_output_tokens < call.bill.worst.most_output
        answer = evolve(answer, tier=route.tier.id, shortened=shortened)
        await self._settle(call, answer)
        return answer

    async def _settle(self, call: _Call, answer: ModelAnswer) -> None:
        """Put down an answer and what it cost."""
        bill, usage = call.bill, answer.usage
        spent = self._account.spent(bill, answer, most_output=call.request.max_output_tokens)
        reached: list[BudgetReached] = []

        def settle(tx: Transaction) -> None:
            reached[:] = self.shop.budget.settle(tx, bill.call, spent=spent, usage=usage)
            if call.explain is not None:
                call.explain(tx)

        paid = Paid(
            model=call.request.model,
            input_tokens=tokens_read(usage),
            output_tokens=usage.output_tokens,
            cost=spent / DOLLAR,
        )
        await self.steps.end(call.step, "done", result=answer, paid=paid, also=settle)
        self._account.tell(reached)


def _summed_up(
    failures: Sequence[ModelError | PluginError], over: OverBudget | None
) -> ModelError | PluginError:
    """Return what to say if no model answers: whether it is worth another try, and when."""
    transient = [e for e in failures if isinstance(e, (ModelUnavailable, PluginError))]
    if over is not None and not transient:
        return over
    if len(failures) == 1 and over is None:
        return failures[0]
    if not transient:
        return failures[0]
    waits = [e.retry_after for e in transient if isinstance(e, ModelUnavailable)]
    wishes = [wait for wait in waits if isinstance(wait, (int, float))]
    words = "; ".join(dict.fromkeys(str(error) for error in (*failures, *([over] if over else []))))
    return ModelUnavailable(words, retry_after=min(wishes, default=None))
