"""The model calls of one turn: within the budget, and by another model where one fails.

Every answer that is wanted is a step. Each try of it, by whatever model, is on record with what it
may cost before it is made, and with what it did cost afterwards. One that fails is made again by
the next model of the plan; an answer that is no good is asked for once more, one tier up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from attrs import define, evolve, field, frozen

from argent_core import codec
from argent_core.guard import attempt_async
from argent_core.inbound.journal import Lease
from argent_core.loop import budget, turn_store
from argent_core.loop.answer_check import flaw
from argent_core.loop.approvals import ApprovalNeeded
from argent_core.loop.budget import ModelCall, OverBudget
from argent_core.loop.context import FittedContext, GatheredContext, fit
from argent_core.loop.model_router import Plan, Route
from argent_core.loop.model_stream import ModelAnswer
from argent_core.loop.steps import Paid, Step, Steps
from argent_core.loop.tokens import estimate, most_tokens
from argent_core.loop.workshop import Workshop
from argent_hookspecs import (
    FREE,
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
    Price,
    ToolCall,
    Transaction,
)

log = logging.getLogger("argent.models")

_SHRINK = (1.0, 0.6, 0.3)
_MORE = "spend_more"
"""Name of what a person is asked to allow when a call does not fit the budget."""


@frozen(kw_only=True)
class _Call:
    """A call that is on record and about to be made."""

    step: Step
    account: ModelCall
    price: Price
    request: ModelRequest


@define(eq=False, repr=False)
class ModelCalls:
    """Makes the model calls of one turn.

    Args:
        tell: Told the answer so far.
        ask: Told that a person's word is needed.
        plugin: The plugin whose model is asked.
    """

    shop: Workshop
    lease: Lease
    steps: Steps
    gathered: GatheredContext
    plan: Plan
    tell: Callable[[str], None]
    ask: Callable[[Approval], None]
    plugin: str = ""
    _tiers: Sequence[ModelTier] = field(init=False)
    _step: Step | None = None
    _escalated: bool = False
    _made: int = 0

    def __attrs_post_init__(self) -> None:
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
        answer, step = await self._next(said, with_tools=with_tools)
        higher = self._higher()
        if self._escalated or higher is None or not self.steps.may_be("model"):
            return answer, step
        wrong = await flaw(answer, self.shop.tools)
        if wrong is None:
            return answer, step
        self._escalated = True
        before, self._tiers = self._tiers, [higher]
        better = await attempt_async(lambda: self._next(said, with_tools=with_tools))
        if isinstance(better.error, (ModelError, PluginError)):
            log.info("%s cannot answer instead of %s", higher.model, before[0].model)
            self._tiers = before
            return answer, step
        found = better.get()
        self._tiers = [higher, *(tier for tier in before if tier is not higher)]
        self.shop.publish(
            ModelEscalated(
                turn=self.lease.id,
                conversation=self.lease.event.conversation,
                old=before[0].name,
                new=higher.name,
                reason=wrong,
            )
        )
        return found

    def _higher(self) -> ModelTier | None:
        """Return the next tier above the one that answers, if an answer may be escalated."""
        now = self._tiers[0]
        above = [tier for tier in self.plan.tiers if tier.below > now.below]
        wanted = self.shop.router.config.models.routing.escalate
        return min(above, key=lambda tier: tier.below, default=None) if wanted else None

    async def _next(self, said: Sequence[Message], *, with_tools: bool) -> tuple[ModelAnswer, Step]:
        """Ask one model after another until one answers."""
        step = self._step = self.steps.recorded("model")
        if step is not None and step.state == "done":
            return codec.structure(step.result, ModelAnswer), step
        failures: list[ModelError | PluginError] = []
        over: OverBudget | None = None
        for tier in self._well():
            try:
                found = await self._ask_model(tier, said, with_tools=with_tools)
            except OverBudget as error:
                over = over or error
                if self.shop.budget.settings.at_cap == "stop":
                    break
            except (ModelError, PluginError) as error:
                log.warning("%s does not answer: %s", tier.model, self.shop.clean(str(error)))
                failures.append(error)
            else:
                self._tiers = [tier, *(other for other in self._tiers if other is not tier)]
                return found
        raise _summed_up(failures, over)

    def _well(self) -> list[ModelTier]:
        """Return the models whose providers are well, or those that may be tried if none is.

        Raises:
            ModelUnavailable: All want to be left alone; says for how long.
        """
        health = self.shop.health
        waits = {tier.provider: health.wait(tier.provider) for tier in self._tiers}
        soonest = min(waits, key=lambda provider: waits[provider])
        if waits[soonest] > 0.0:
            words = f"{soonest} wants to be left alone for {waits[soonest]:.0f} s"
            raise ModelUnavailable(words, retry_after=waits[soonest])
        well = [tier for tier in self._tiers if health.is_well(tier.provider)]
        return well or [tier for tier in self._tiers if waits[tier.provider] == 0.0]

    async def _ask_model(
        self, tier: ModelTier, said: Sequence[Message], *, with_tools: bool
    ) -> tuple[ModelAnswer, Step]:
        """Ask one model, with less context each time that it says there is too much."""
        route = await self.shop.router.open(self.plan, tier)
        self.plugin = route.provider.plugin
        for share in _SHRINK:
            try:
                request, fitted = self._request(route, said, share, with_tools=with_tools)
            except ContextTooLong:
                if share == _SHRINK[0]:
                    raise
                break  # the event alone is larger than this share of the window
            call = await self._begin(route, request, fitted)
            try:
                return await self._stream(route, call), call.step
            except ContextTooLong:
                continue
        raise ContextTooLong("the message does not fit the model's window; shorten it")

    def _request(
        self, route: Route, said: Sequence[Message], share: float, *, with_tools: bool
    ) -> tuple[ModelRequest, FittedContext]:
        specs = self.shop.tools.specs() if with_tools else ()
        fitted = fit(
            self.gathered,
            window=int(route.info.context_window * share),
            output=route.max_output,
            tools=specs,
            turn_tokens=sum(estimate(codec.dump(message)) for message in said),
        )
        request = ModelRequest(
            model=route.tier.model,
            system=fitted.system,
            messages=(*fitted.messages, *said),
            tools=specs,
            max_output_tokens=route.max_output,
            stable=2 * fitted.exchanges,
        )
        return request, fitted

    async def _begin(self, route: Route, request: ModelRequest, fitted: FittedContext) -> _Call:
        """Put a call on record and set aside what it may cost.

        Raises:
            OverBudget: It does not fit, and nobody has allowed it.
            ApprovalNeeded: A person is asked.
        """
        account = self._account(route.tier)
        price = self.shop.prices.of(route.provider.record, route.info).price
        worst = budget.WorstCase(
            price=price,
            input_tokens=most_tokens(request) if price != FREE else 0,
            most_output=request.max_output_tokens,
        )
        explain = turn_store.explanation(self.lease, route=route, blocks=fitted.blocks)
        allowed = await self._is_allowed_more()
        granted = [request.max_output_tokens]

        def record(tx: Transaction) -> None:
            granted[0] = self.shop.budget.reserve(tx, account, worst=worst, whatever=allowed)
            explain(tx)

        try:
            if self._step is None:
                summary = {
                    "model": request.model,
                    "exchanges": fitted.exchanges,
                    "messages": request.messages[2 * fitted.exchanges :],
                }
                self._step = await self.steps.begin(
                    "model", request.model, request=summary, also=record
                )
            else:
                await self.shop.journal.database.write(record)
        except OverBudget as error:
            await self._ask_for_more(error)
            raise
        request = evolve(request, key=self._step.key, max_output_tokens=granted[0])
        return _Call(step=self._step, account=account, price=price, request=request)

    def _account(self, tier: ModelTier) -> ModelCall:
        self._made += 1
        event = self.lease.event
        return ModelCall(
            key=f"{self.lease.id}/{self.lease.number}.{self._made}",
            turn=self.lease.id,
            conversation=event.conversation,
            source=event.reply_to.channel if event.reply_to is not None else event.kind,
            tier=tier.name,
            provider=tier.provider,
            model=tier.model,
        )

    async def _is_allowed_more(self) -> bool:
        """Tell whether a person has allowed this turn to go over the budget."""
        if self.shop.budget.settings.at_cap != "ask":
            return False
        answered = await self.shop.approvals.find(self.lease.id, _MORE)
        return answered is not None and answered.state == "allowed"

    async def _ask_for_more(self, error: OverBudget) -> None:
        """Ask a person, unless that was done. Raises ``ApprovalNeeded`` if so."""
        if self.shop.budget.settings.at_cap != "ask":
            return
        if await self.shop.approvals.find(self.lease.id, _MORE) is None:
            call = ToolCall(_MORE, _MORE, {"why": str(error)})
            self.ask(await self.shop.approvals.ask(self.lease, call))
            raise ApprovalNeeded(_MORE)

    async def _stream(self, route: Route, call: _Call) -> ModelAnswer:
        """Make a call, and put down what came of it and what it cost."""
        provider, heard = route.tier.provider, asyncio.Event()
        try:
            answer = await self.shop.model_stream.answer(
                route.provider, call.request, on_text=self.tell, on_first=heard.set
            )
        except (ModelError, PluginError) as error:
            fail = partial(
                self.shop.budget.fail,
                call=call.account,
                reason=self.shop.clean(str(error)),
                # One that was cut off, or hung, may have to be paid for.
                free=isinstance(error, ModelError) and not heard.is_set(),
            )
            await self.shop.journal.database.write(fail)
            if not isinstance(error, ContextTooLong):
                wish = error.retry_after if isinstance(error, ModelUnavailable) else None
                self.shop.health.failed(provider, retry_after=wish)
            raise
        self.shop.health.succeeded(provider)
        await self._settle(call, answer)
        return answer

    async def _settle(self, call: _Call, answer: ModelAnswer) -> None:
        """Put down an answer and what it cost; one whose tokens nobody counted, as reserved."""
        usage = answer.usage
        read = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
        spent = budget.cost(call.price, usage)
        reached: list[BudgetReached] = []

        def settle(tx: Transaction) -> None:
            if read or usage.output_tokens:
                reached[:] = self.shop.budget.settle(tx, call.account, spent=spent, usage=usage)

        paid = Paid(
            model=call.request.model,
            input_tokens=read,
            output_tokens=usage.output_tokens,
            cost=spent / budget.DOLLAR,
        )
        await self.steps.end(call.step, "done", result=answer, paid=paid, also=settle)
        for notice in reached:
            self.shop.publish(notice)


def _summed_up(
    failures: Sequence[ModelError | PluginError], over: OverBudget | None
) -> ModelError | PluginError:
    """Return what to say if no model answers: whether it is worth another try, and when."""
    transient = [e for e in failures if isinstance(e, (ModelUnavailable, PluginError))]
    if len(failures) == 1 and not (transient and over):
        return failures[0]
    if transient:
        waits = [e.retry_after for e in transient if isinstance(e, ModelUnavailable)]
        wishes = [wait for wait in waits if isinstance(wait, (int, float))]
        words = "; ".join(str(error) for error in failures)
        return ModelUnavailable(words, retry_after=min(wishes, default=None))
    if over is not None:
        return over
    return failures[0]
