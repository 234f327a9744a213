"""Keeping account as the kernel does, and in ways that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from attrs import define, evolve, frozen

from argent_core.database import Database
from argent_core.loop.budget import Budget, Cap, ModelCall, OverBudget
from argent_core.loop.turn_account import is_free
from argent_hookspecs import BudgetReached, ModelError, Transaction, Usage
from tests.budget.auditor import Auditor
from tests.budget.deals import Deal, Failure

T = TypeVar("T")


@define(eq=False)
class Book:
    """The budget on a database; each of these is one step.

    Args:
        auditor: Looks in each transaction at what was done in it.
        on_step: Called after each step.
    """

    budget: Budget
    database: Database
    auditor: Auditor
    on_step: Callable[[], None]

    async def reserve(self, deal: Deal) -> int:
        """Set aside what a call may cost; return the tokens that its answer may have."""

        def reserve(tx: Transaction) -> int:
            try:
                return self.budget.reserve(tx, deal.call, worst=deal.worst, whatever=deal.allowed)
            except OverBudget as error:
                self.auditor.refused(tx, deal, error.cap)
                raise

        return await self.step(reserve)

    async def settle(self, call: ModelCall, spent: int, usage: Usage) -> None:
        """Put down what a call cost."""
        await self.step(lambda tx: self.budget.settle(tx, call, spent=spent, usage=usage))

    async def fail(self, call: ModelCall, failure: Failure) -> None:
        """Put down that a call failed."""
        reason, free = str(failure.error), self.is_free(failure)
        await self.step(lambda tx: self.budget.fail(tx, call, reason=reason, free=free))

    def is_free(self, failure: Failure) -> bool:
        """Tell whether a call that failed counts as if it cost nothing."""
        return is_free(failure.error, heard=failure.heard)

    async def reopen(self) -> None:
        """Do what is to be done after a crash: nothing, but to look."""
        await self.step(lambda tx: None)

    async def step(self, work: Callable[[Transaction], T]) -> T:
        """Run a function, and look at what it leaves."""

        def looked_at(tx: Transaction) -> T:
            result = work(tx)
            self.auditor.look(tx)
            return result

        try:
            return await self.database.write(looked_at)
        finally:
            self.on_step()


class _ChecksBefore(Book):
    async def reserve(self, deal: Deal) -> int:
        day = self.budget.clock.now().astimezone().date().isoformat()
        caps = await self.database.write(lambda tx: list(self.budget.caps(tx, deal.call, day=day)))
        rooms = [deal.worst.output_within(cap.room) for cap in caps]
        if not deal.allowed and deal.worst.amount(deal.worst.most_output) > 0:
            for cap, room in zip(caps, rooms, strict=True):
                if room < deal.worst.least_output:
                    raise OverBudget(cap, deal.worst)
            most = min([deal.worst.most_output, *rooms])
            deal = evolve(deal, worst=evolve(deal.worst, most_output=most))
        return await self.step(
            lambda tx: self.budget.reserve(tx, deal.call, worst=deal.worst, whatever=True)
        )


class _ForgetsAfterACrash(Book):
    async def reopen(self) -> None:
        sql = "SELECT key, conversation, source, tier FROM calls WHERE spent IS NULL"
        rows = await self.database.read(lambda tx: tx.execute(sql).fetchall())
        for key, conversation, source, tier in rows:
            call = ModelCall(
                key=key,
                turn=key,
                conversation=conversation,
                source=source,
                tier=tier,
                provider="any",
                model="any",
            )
            await self.settle(call, 0, Usage())


class _HoldsLostAnswersFree(Book):
    def is_free(self, failure: Failure) -> bool:
        return not failure.heard and isinstance(failure.error, ModelError)


class _SettlesTwice(Budget):
    def settle(
        self, tx: Transaction, call: ModelCall, *, spent: int, usage: Usage
    ) -> list[BudgetReached]:
        tx.execute("UPDATE calls SET spent = NULL WHERE key = ?", (call.key,))
        return super().settle(tx, call, spent=spent, usage=usage)


class _SettlesToday(Budget):
    def settle(
        self, tx: Transaction, call: ModelCall, *, spent: int, usage: Usage
    ) -> list[BudgetReached]:
        today = self.clock.now().astimezone().date().isoformat()
        tx.execute("UPDATE calls SET day = ? WHERE key = ? AND spent IS NULL", (today, call.key))
        return super().settle(tx, call, spent=spent, usage=usage)


class _HoldsFailuresFree(Budget):
    def fail(
        self, tx: Transaction, call: ModelCall, *, reason: str, free: bool
    ) -> list[BudgetReached]:
        return super().fail(tx, call, reason=reason, free=True)


class _OverlooksTheMonth(Budget):
    def caps(self, tx: Transaction, call: ModelCall, *, day: str) -> Iterator[Cap]:
        return (cap for cap in super().caps(tx, call, day=day) if cap.name != "this month")


class _AlwaysRefuses(Budget):
    def caps(self, tx: Transaction, call: ModelCall, *, day: str) -> Iterator[Cap]:
        return (evolve(cap, used=cap.limit) for cap in super().caps(tx, call, day=day))


@frozen
class Kind:
    """A way of keeping account.

    Args:
        name: What is wrong with it, if anything is.
    """

    name: str
    book: type[Book] = Book
    budget: type[Budget] = Budget


REAL = Kind("as the kernel does")
MUTANTS = (
    Kind("checks in a transaction of its own", book=_ChecksBefore),
    Kind("forgets after a crash", book=_ForgetsAfterACrash),
    Kind("holds an answer that was lost on its way for free", book=_HoldsLostAnswersFree),
    Kind("settles twice", budget=_SettlesTwice),
    Kind("settles on the wrong day", budget=_SettlesToday),
    Kind("holds what failed for free", budget=_HoldsFailuresFree),
    Kind("overlooks the month", budget=_OverlooksTheMonth),
    Kind("refuses what fits", budget=_AlwaysRefuses),
)
