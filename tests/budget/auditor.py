"""Looks at the books after every step, and knows what was charged in truth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from argent_core.config.settings import BudgetSettings
from argent_core.loop.budget import Cap
from argent_core.money import DOLLAR
from argent_hookspecs import Transaction
from tests.budget.deals import Deal

Row = tuple[str, str]
_Call = tuple[str, str, str, str, str, int, int | None]
_CALLS = "SELECT key, conversation, source, tier, day, reserved, spent FROM calls"


@define(eq=False)
class Auditor:
    """Keeps what vendors charge, and compares.

    Args:
        allowed: Calls that a person has allowed, fit or not.
        violations: What is wrong, in words.
    """

    settings: BudgetSettings
    allowed: set[str] = field(factory=set)
    violations: list[str] = field(factory=list)
    _charged: dict[str, int] = field(factory=dict)
    _fresh: list[str] = field(factory=list)
    _rows: set[_Call] = field(factory=set)
    _calls: dict[str, _Call] = field(factory=dict)
    _sums: Counter[Row] = field(factory=Counter)
    _exempt: Counter[Row] = field(factory=Counter)

    def charge(self, key: str, amount: int) -> None:
        """Note what a vendor charges for a call, in picodollars, when it is made."""
        self._charged[key] = amount
        self._fresh.append(key)

    def look(self, tx: Transaction) -> None:
        """Compare the books with themselves, with the caps, and with what was charged."""
        before, self._rows = self._rows, set(tx.execute(_CALLS).fetchall())
        gone, come = before - self._rows, self._rows - before
        for call in gone:
            self._count(call, -1)
            del self._calls[call[0]]
        for call in come:
            self._count(call, 1)
            self._calls[call[0]] = call
        touched = gone | come
        self._compare(tx, {row for call in touched for row in _rows(*call[1:5])})
        fresh, self._fresh = self._fresh, []
        for key in {*fresh, *(call[0] for call in touched)}:
            if key in self._charged:
                self._compare_call(key, self._charged[key], self._calls.get(key))

    def refused(self, tx: Transaction, deal: Deal, cap: Cap) -> None:
        """Check that what was refused did not fit, not even with a short answer."""
        least = deal.worst.amount(min(deal.worst.most_output, 256))
        sql = "SELECT amount FROM spending WHERE scope = ? AND period = ?"
        used = (tx.execute(sql, (cap.scope, cap.period)).fetchone() or (0,))[0]
        limit = self._limit((cap.scope, cap.period))
        if limit is None or used + least <= limit:
            self.violations.append(f"{deal.call.key} was refused, but fits {cap.name}")

    def _count(self, call: _Call, sign: int) -> None:
        key, conversation, source, tier, day, reserved, spent = call
        amount = sign * (reserved if spent is None else spent)
        for row in _rows(conversation, source, tier, day):
            self._sums[row] += amount
            if key in self.allowed:
                self._exempt[row] += amount

    def _compare(self, tx: Transaction, rows: set[Row]) -> None:
        found = tx.execute("SELECT scope, period, amount FROM spending").fetchall()
        booked = {(scope, period): amount for scope, period, amount in found}
        if any(type(amount) is not int for amount in booked.values()):
            self.violations.append("an amount is no whole number")
        if any(booked.get(row, 0) != self._sums[row] for row in {*self._sums, *booked}):
            self.violations.append(f"{booked} is not the sum of the calls, {dict(self._sums)}")
        for row in rows:
            amount, limit = self._sums[row], self._limit(row)
            if limit is not None and amount - self._exempt[row] > limit:
                self.violations.append(f"{row}: {amount} is over {limit}")

    def _limit(self, row: Row) -> int | None:
        """Return a cap in picodollars; worked out apart from the code that is looked at."""
        what, period = row
        kind, _, name = what.partition(" ")
        limit = {
            "all": self.settings.per_month if len(period) == 7 else self.settings.per_day,
            "conversation": self.settings.per_conversation,
            "source": self.settings.sources.get(name),
            "tier": self.settings.tiers.get(name),
        }[kind]
        return None if limit is None else math.floor(limit * DOLLAR)

    def _compare_call(self, key: str, real: int, call: _Call | None) -> None:
        *_, reserved, spent = call or (0, None)
        if real > reserved:
            self.violations.append(f"{key} cost {real}, but {reserved} was set aside")
        if spent is not None and spent != real:
            self.violations.append(f"{key} cost {real}, but {spent} was put down")


def _rows(conversation: str, source: str, tier: str, day: str) -> Iterator[Row]:
    yield "all", day
    yield "all", day[:7]
    yield f"conversation {conversation}", ""
    yield f"source {source}", day
    yield f"tier {tier}", day
