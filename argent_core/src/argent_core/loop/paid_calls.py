"""Calls to one model: each on record with what it may cost before it is made, and did cost after.

A call that does not fit the budget is not made. One whose context is too long is made again with
less of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, evolve, field, frozen

from argent_core import codec
from argent_core.inbound import journal
from argent_core.inbound.journal import Lease
from argent_core.loop import turn_store
from argent_core.loop.budget import OverBudget
from argent_core.loop.context import FittedContext, GatheredContext, fit
from argent_core.loop.model_router import Route
from argent_core.loop.model_stream import ModelAnswer
from argent_core.loop.prices import WorstCase
from argent_core.loop.steps import Paid, Step, Steps
from argent_core.loop.tokens import estimate
from argent_core.loop.turn_account import Bill, TurnAccount, amount_spent, is_free, tokens_read
from argent_core.loop.workshop import Workshop
from argent_core.money import DOLLAR
from argent_hookspecs import (
    BudgetReached,
    ContextTooLong,
    Message,
    ModelError,
    ModelRequest,
    PluginError,
    Transaction,
    Trust,
)

INSTEAD = "instead"
"""In the request of a step that is another's better try: what was wrong with that one."""

_SHRINK = (1.0, 0.6, 0.3)
_FAIR = 1024
"""Tokens that are fair for an answer, where its limit is not below."""


@frozen(kw_only=True)
class Wanted:
    """An answer that is wanted.

    Args:
        said: What was said in the turn so far.
        may_call: Whether it may ask for tools.
        instead: What was wrong with the answer that it is to replace, if there is one.
        least: Fewest tokens that are worth the call, if it has to be shortened.
        may_pass: Whether another model can be asked if the budget has no room for most of it.
    """

    said: Sequence[Message]
    may_call: bool
    instead: str = ""
    least: int = 0
    may_pass: bool = False


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
class PaidCalls:
    """Makes the calls of one turn.

    Args:
        tell: Told the answer so far.
        step: The step that the calls are tries of, once it is on record.
        plugin: The plugin whose model is asked.
    """

    shop: Workshop
    lease: Lease
    steps: Steps
    gathered: GatheredContext
    account: TurnAccount
    tell: Callable[[str], None]
    step: Step | None = None
    plugin: str = field(init=False, default="")

    async def ask(
        self, route: Route, wanted: Wanted, *, why: str, patience: float
    ) -> tuple[ModelAnswer, Step]:
        """Ask one model, with less context each time that it says there is too much.

        Args:
            why: Why it is this model.
            patience: Seconds of silence after which another is asked.

        Raises:
            OverBudget: It does not fit, and nobody has allowed it.
            ApprovalNeeded: A person is asked.
            ModelError, PluginError: It did not answer.
        """
        self.plugin = route.provider.plugin
        for share in _SHRINK:
            try:
                request, fitted = self._request(route, wanted, share)
            except ContextTooLong:
                if share == _SHRINK[0]:
                    raise
                break  # the event alone is larger than this share of the window
            call = await self._begin(route, request, wanted, fitted=fitted, why=why)
            try:
                answer = await self._stream(route, call, patience=patience)
            except ContextTooLong:
                continue
            return answer, call.step
        raise ContextTooLong("the message does not fit the model's window; shorten it")

    def _request(
        self, route: Route, wanted: Wanted, share: float
    ) -> tuple[ModelRequest, FittedContext]:
        specs = self.shop.tools.specs(self.gathered.event)
        fitted = fit(
            self.gathered if route.info.takes_images else self.gathered.without_pictures(),
            window=int(route.info.context_window * share),
            output=route.max_output,
            tools=specs,
            turn_tokens=sum(estimate(codec.dump(message)) for message in wanted.said),
            private=route.here,
        )
        request = ModelRequest(
            model=route.tier.model,
            system=fitted.system,
            messages=(*fitted.messages, *wanted.said),
            tools=specs,
            may_call=wanted.may_call,
            max_output_tokens=route.max_output,
            stable=2 * fitted.exchanges,
        )
        return request, fitted

    async def _begin(
        self,
        route: Route,
        request: ModelRequest,
        wanted: Wanted,
        *,
        fitted: FittedContext,
        why: str,
    ) -> _Call:
        """Put a call on record and set aside what it may cost."""
        bill = await self.account.bill(route, request, instead=bool(wanted.instead))
        explain = turn_store.explanation(
            self.lease,
            route=route,
            why=why,
            blocks=fitted.blocks,
            private=fitted.private,
            outside=Trust.OUTSIDE in self.gathered.told_anew,
        )
        granted = [request.max_output_tokens]

        def record(tx: Transaction) -> None:
            journal.check(tx, self.lease)
            granted[0] = self.account.reserve(tx, bill, least=_least(bill.worst, wanted))
            if not wanted.instead:
                explain(tx)

        try:
            if self.step is None:
                summary = _summary(request, wanted, exchanges=fitted.exchanges)
                self.step = await self.steps.begin(
                    "model", request.model, request=summary, durable=bill.costs, also=record
                )
            else:
                await self.shop.journal.database.write(record, durable=bill.costs)
        except OverBudget as error:
            if wanted.may_pass:
                raise
            raise await self.account.refuse(error, bill, may_ask=not wanted.instead) from error
        return _Call(
            step=self.step,
            bill=bill,
            request=evolve(request, key=self.step.key, max_output_tokens=granted[0]),
            explain=explain if wanted.instead else None,
        )

    async def _stream(self, route: Route, call: _Call, *, patience: float) -> ModelAnswer:
        """Make a call, and put down what came of it and what it cost."""
        heard = asyncio.Event()
        try:
            self.shop.router.demand_still(route)  # it may have stopped while the call was put down
            answer = await self.shop.model_stream.answer(
                route.provider,
                call.request,
                on_text=self.tell,
                on_first=heard.set,
                patience=patience,
            )
        except (ModelError, PluginError) as error:
            free = is_free(error, heard=heard.is_set())
            await self.account.fail(call.bill, str(error), free=free)
            raise
        self.shop.health.succeeded(route.tier.provider)
        shortened = call.request.max_output_tokens < call.bill.worst.most_output
        answer = evolve(answer, tier=route.tier.id, shortened=shortened)
        await self._settle(call, answer)
        return answer

    async def _settle(self, call: _Call, answer: ModelAnswer) -> None:
        """Put down an answer and what it cost."""
        bill, usage = call.bill, answer.usage
        most = call.request.max_output_tokens
        spent = amount_spent(answer, worst=bill.worst, most_output=most)
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
        self.account.tell(reached)


def _least(worst: WorstCase, wanted: Wanted) -> int:
    """Return the fewest tokens of an answer that are worth the call."""
    most = worst.most_output
    fair = max(_FAIR, most // 4) if wanted.may_pass else 0
    return min(most, max(worst.least_output, wanted.least, fair))


def _summary(request: ModelRequest, wanted: Wanted, *, exchanges: int) -> dict[str, Any]:
    """Return what is kept of a request: history is on record elsewhere."""
    return {
        "model": request.model,
        "exchanges": exchanges,
        "messages": request.messages[2 * exchanges :],
        **({INSTEAD: wanted.instead} if wanted.instead else {}),
    }
