"""The budget: no model call is made that could take the spending over a cap.

The worst case of a call is reserved in the transaction that puts the call on record, and settled
once it is known what the call cost. A call that was interrupted in between counts with its worst
case. Amounts are whole picodollars (10⁻¹² $), so that sums are exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from attrs import define, frozen

from argent_core.config.settings import BudgetSettings
from argent_hookspecs import BudgetReached, Clock, ModelRejected, Price, Transaction, Usage

_SHORTEST_ANSWER = 256
_WARNINGS = (0.5, 0.8, 1.0)
DOLLAR = 10**12
"""Picodollars in a dollar."""
_ALL = "all"


@frozen(kw_only=True)
class ModelCall:
    """A call that is to be paid for.

    Args:
        key: The same for every report about this call.
        source: The event source whose event is dealt with.
    """

    key: str
    turn: str
    conversation: str
    source: str
    tier: str
    provider: str
    model: str


@frozen
class Cap:
    """A limit and how far it is used, in picodollars.

    Args:
        name: What it limits, for people: ``today``, ``tier powerful``.
        used: What is spent and reserved.
    """

    name: str
    limit: int
    used: int

    @property
    def room(self) -> int:
        """What is left."""
        return self.limit - self.used


@frozen(kw_only=True)
class WorstCase:
    """The most that a call may cost.

    Args:
        input_tokens: Those of what is told, at most.
        most_output: Tokens that the answer may have.
    """

    price: Price
    input_tokens: int
    most_output: int

    def amount(self, output_tokens: int) -> int:
        """Return it for an answer of so many tokens, in picodollars."""
        return self._input + _pico(self.price.output, output_tokens)

    def output_within(self, room: int) -> int:
        """Return the tokens that an answer may have for an amount, below 0 if for none at all."""
        left, each = room - self._input, _pico(self.price.output, 1)
        if left < 0:
            return -1
        return left // each if each else self.most_output

    @property
    def _input(self) -> int:
        # What is put into a cache may be dearer than what is merely read.
        dearest = max(self.price.input, self.price.cache_write or 0.0)
        return _pico(dearest, self.input_tokens)


class OverBudget(ModelRejected):
    """Report a call that was not made, because its worst case does not fit a cap."""

    def __init__(self, cap: Cap, worst: int) -> None:
        super().__init__(
            f"the budget for {cap.name} does not allow it: {dollars(cap.used)} of "
            f"{dollars(cap.limit)} are used, and the call may cost {dollars(worst)}; see: argent "
            "cost, and raise it with: argent config set budget…"
        )
        self.cap = cap


@define(eq=False, repr=False)
class Budget:
    """Keeps account of what models cost. All its methods run within a transaction.

    Args:
        settings: The caps.
    """

    settings: BudgetSettings
    clock: Clock

    def reserve(
        self, tx: Transaction, call: ModelCall, *, worst: WorstCase, whatever: bool = False
    ) -> int:
        """Set the worst case of a call aside; a shorter answer, if that makes it fit.

        Args:
            whatever: Whether a person has allowed it, fit or not.

        Returns:
            The tokens that the answer may have.

        Raises:
            OverBudget: It does not fit; nothing was reserved.
        """
        output = worst.most_output
        if worst.amount(output) > 0 and not whatever:
            for cap in self.caps(tx, call):
                output = min(output, worst.output_within(cap.room))
                if output < min(worst.most_output, _SHORTEST_ANSWER):
                    raise OverBudget(cap, worst.amount(worst.most_output))
        self._set_aside(tx, call, worst.amount(output))
        return output

    def _set_aside(self, tx: Transaction, call: ModelCall, worst: int) -> None:
        now = self.clock.now()
        day = now.astimezone().date().isoformat()
        tx.execute(
            "INSERT INTO calls (key, turn, conversation, source, tier, provider, model, at, day,"
            " reserved) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                call.key,
                call.turn,
                call.conversation,
                call.source,
                call.tier,
                call.provider,
                call.model,
                now.timestamp(),
                day,
                worst,
            ),
        )
        _add(tx, call, day=day, amount=worst)

    def settle(
        self, tx: Transaction, call: ModelCall, *, spent: int, usage: Usage
    ) -> list[BudgetReached]:
        """Put down what a call cost; a second time it changes nothing.

        Returns:
            The parts of the budget that are used up by it.
        """
        rows = tx.execute(
            "UPDATE calls SET spent = ?, input_tokens = ?, output_tokens = ?,"
            " cache_read_tokens = ?, cache_write_tokens = ? WHERE key = ? AND spent IS NULL"
            " RETURNING day, reserved",
            (
                spent,
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_read_tokens,
                usage.cache_write_tokens,
                call.key,
            ),
        ).fetchall()
        for day, reserved in rows:
            _add(tx, call, day=day, amount=spent - reserved)
        return [found for cap in self.caps(tx, call) for found in _reached(cap, spent)]

    def fail(self, tx: Transaction, call: ModelCall, *, reason: str, free: bool) -> None:
        """Put down why a call failed; one that is not free counts as it was reserved."""
        tx.execute("UPDATE calls SET error = ? WHERE key = ?", (reason, call.key))
        if free:
            self.settle(tx, call, spent=0, usage=Usage())

    def caps(self, tx: Transaction, call: ModelCall) -> Iterator[Cap]:
        """Find the caps that a call is under, and how far each is used."""
        day = self.clock.now().astimezone().date().isoformat()
        limits = self.settings
        for name, limit, scope, period in (
            ("today", limits.per_day, _ALL, day),
            ("this month", limits.per_month, _ALL, day[:7]),
            ("this conversation", limits.per_conversation, _conversation(call), ""),
            (f"source {call.source}", limits.sources.get(call.source), _source(call), day),
            (f"tier {call.tier}", limits.tiers.get(call.tier), _tier(call), day),
        ):
            if limit is not None:
                yield Cap(name, math.floor(limit * DOLLAR), _used(tx, scope, period))


def cost(price: Price, usage: Usage) -> int:
    """Return what a call cost, in picodollars."""
    cache_read = price.input if price.cache_read is None else price.cache_read
    cache_write = price.input if price.cache_write is None else price.cache_write
    return (
        _pico(price.input, usage.input_tokens)
        + _pico(price.output, usage.output_tokens)
        + _pico(cache_read, usage.cache_read_tokens)
        + _pico(cache_write, usage.cache_write_tokens)
    )


def dollars(amount: int) -> str:
    """Write picodollars as dollars: two places, or as many as it takes to show something.

    >>> dollars(1_500_000_000_000), dollars(1_200_000_000), dollars(0)
    ('$1.50', '$0.0012', '$0.00')
    """
    value = amount / DOLLAR
    if amount == 0 or abs(value) >= 0.01:
        return f"${value:,.2f}"
    return f"${value:.{1 - math.floor(math.log10(abs(value)))}f}"


def _pico(dollars_a_million: float, tokens: int) -> int:
    # Prices have few places: a millionth of a dollar a million tokens is exact.
    return round(dollars_a_million * 1e6) * tokens


def _reached(cap: Cap, spent: int) -> Iterator[BudgetReached]:
    """Tell which parts of a cap an amount has just used up."""
    for share in _WARNINGS:
        if cap.used - spent < share * cap.limit <= cap.used:
            yield BudgetReached(
                cap=cap.name, share=share, spent=cap.used / DOLLAR, limit=cap.limit / DOLLAR
            )


def _used(tx: Transaction, scope: str, period: str) -> int:
    sql = "SELECT amount FROM spending WHERE scope = ? AND period = ?"
    row = tx.execute(sql, (scope, period)).fetchone()
    return row[0] if row else 0


def _add(tx: Transaction, call: ModelCall, *, day: str, amount: int) -> None:
    tx.executemany(
        "INSERT INTO spending VALUES (?, ?, ?)"
        " ON CONFLICT (scope, period) DO UPDATE SET amount = amount + excluded.amount",
        [
            (_ALL, day, amount),
            (_ALL, day[:7], amount),
            (_conversation(call), "", amount),
            (_source(call), day, amount),
            (_tier(call), day, amount),
        ],
    )


def _conversation(call: ModelCall) -> str:
    return f"conversation {call.conversation}"


def _source(call: ModelCall) -> str:
    return f"source {call.source}"


def _tier(call: ModelCall) -> str:
    return f"tier {call.tier}"
