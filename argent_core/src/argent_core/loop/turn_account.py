"""What the model calls of one turn cost: set aside before each, put down after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from attrs import define, frozen

from argent_core.inbound.journal import Lease
from argent_core.loop.approvals import Answered, ApprovalNeeded
from argent_core.loop.budget import ModelCall, OverBudget
from argent_core.loop.model_router import Route
from argent_core.loop.model_stream import ModelAnswer
from argent_core.loop.prices import KnownPrice, WorstCase, cost
from argent_core.loop.tokens import most_tokens
from argent_core.loop.workshop import Workshop
from argent_core.money import dollars
from argent_hookspecs import (
    FREE,
    Approval,
    BudgetReached,
    ModelError,
    ModelRequest,
    ModelUnavailable,
    PluginError,
    ToolCall,
    Transaction,
    Usage,
)

log = logging.getLogger("argent.budget")

_MORE = "spend_more"
"""Name of what a person is asked to allow when a call does not fit the budget."""


@frozen(kw_only=True)
class Bill:
    """What one call may cost.

    Args:
        whatever: Whether a person has allowed it, fit or not.
    """

    call: ModelCall
    worst: WorstCase
    whatever: bool

    @property
    def costs(self) -> bool:
        """Whether it may cost anything."""
        return self.worst.amount(self.worst.most_output) > 0


@define(eq=False, repr=False)
class TurnAccount:
    """Pays for the model calls of one turn.

    Args:
        ask: Told that a person's word is needed.
    """

    shop: Workshop
    lease: Lease
    ask: Callable[[Approval], None]
    _made: int = 0

    def price(self, route: Route) -> KnownPrice:
        """Return what a model costs."""
        return self.shop.prices.of(route.provider.record, route.info)

    async def bill(self, route: Route, request: ModelRequest, *, instead: bool) -> Bill:
        """Work out what a call may cost.

        Args:
            instead: Whether it is for a better answer than one that is there.
        """
        tier, event, known = route.tier, self.lease.event, self.price(route)
        self._made += 1
        call = ModelCall(
            key=f"{self.lease.id}/{self.lease.number}.{self._made}",
            turn=self.lease.id,
            conversation=event.conversation,
            source=self.lease.source,
            tier=tier.name,
            provider=tier.provider,
            model=tier.model,
        )
        worst = WorstCase(
            price=known.price,
            input_tokens=most_tokens(request) if known.price != FREE else 0,
            most_output=request.max_output_tokens,
            known=known.known,
        )
        return Bill(
            call=call,
            worst=worst,
            whatever=not instead and await self._is_allowed(tier.model),
        )

    def reserve(self, tx: Transaction, bill: Bill, *, least: int) -> int:
        """Set aside what a call may cost; return the tokens that its answer may have.

        Args:
            least: Fewest tokens of an answer that are worth making the call.

        Raises:
            OverBudget: It does not fit.
        """
        return self.shop.budget.reserve(
            tx, bill.call, worst=bill.worst, least=least, whatever=bill.whatever
        )

    async def refuse(self, error: OverBudget, bill: Bill, *, may_ask: bool) -> OverBudget:
        """Deal with a call that does not fit, and return what to say of it.

        Args:
            may_ask: Whether a person may be asked, if that is what the settings want.

        Raises:
            ApprovalNeeded: A person is asked.
        """
        budget, cap = self.shop.budget, error.cap
        self.tell(await self.shop.journal.database.write(lambda tx: budget.refuse(tx, cap)))
        if budget.settings.at_cap != "ask":
            return error
        word = await self._word()
        if word is not None:
            return OverBudget(cap, bill.worst, tier=bill.call.tier, denied=True)
        if may_ask:
            question = {
                "budget": cap.name,
                "used": f"{dollars(cap.used)} of {dollars(cap.limit)}",
                "model": bill.call.model,
                "next_call": f"{dollars(bill.worst.amount(bill.worst.most_output))} at most",
                "allows": "the rest of this answer by this model, whatever it costs",
            }
            self.ask(await self.shop.approvals.ask(self.lease, ToolCall(_MORE, _MORE, question)))
            raise ApprovalNeeded(_MORE)
        return error

    async def fail(self, bill: Bill, reason: str, *, free: bool) -> None:
        """Put down that a call failed; one that is not free counts as it was reserved."""
        budget, clean = self.shop.budget, self.shop.clean(reason)
        write = self.shop.journal.database.write
        self.tell(await write(lambda tx: budget.fail(tx, bill.call, reason=clean, free=free)))

    def tell(self, notices: Sequence[BudgetReached]) -> None:
        """Tell the person how far the budget is used."""
        for notice in notices:
            self.shop.publish(notice)

    async def _is_allowed(self, model: str) -> bool:
        """Tell whether a person has allowed more for this model; another one is another matter."""
        word = await self._word()
        return (
            word is not None
            and word.state == "allowed"
            and word.call.arguments.get("model") == model
        )

    async def _word(self) -> Answered | None:
        """Return what a person has said to going over the budget in this turn, if anything."""
        if self.shop.budget.settings.at_cap != "ask":
            return None
        return await self.shop.approvals.find(self.lease.id, _MORE)


def amount_spent(answer: ModelAnswer, *, worst: WorstCase, most_output: int) -> int:
    """Return what an answer cost: as its provider counted, or else what it may have.

    Args:
        most_output: Tokens that it could have.
    """
    usage, most = answer.usage, worst.amount(most_output)
    if not tokens_read(usage) or (answer.parts and not usage.output_tokens):
        return most
    spent = cost(worst.price, usage)
    if spent > most:
        words = "a provider counts more than it can have been: %s instead of %s at most"
        log.warning(words, dollars(spent), dollars(most))
    return spent


def is_free(error: ModelError | PluginError, *, heard: bool) -> bool:
    """Tell whether a call that failed costs nothing for certain.

    Args:
        heard: Whether some of the answer had come.
    """
    if heard or not isinstance(error, ModelError):
        return False
    return not (isinstance(error, ModelUnavailable) and error.may_cost)


def tokens_read(usage: Usage) -> int:
    """Return the tokens that a model was told, wherever it found them."""
    return usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
