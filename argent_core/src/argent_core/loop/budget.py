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
from argent_hookspecs import ArgentError, Clock, Price, Transaction, Usage

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


class OverBudget(ArgentError):
    """Report a call that was not made, because its worst case does not fit a cap."""

    def __init__(self, cap: Cap, worst: int) -> None:
        super().__init__(
            f"the budget for {cap.name} does not allow it: {dollars(cap.used)} of "
            f"{dollars(cap.limit)} are used, and the call may cost {dollars(worst)}"
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

    def reserve(self, tx: Transaction, call: ModelCall, *, worst: int) -> None:
        """Set the worst case of a call aside.

        Raises:
            OverBudget: It does not fit; nothing was reserved.
        """
        for cap in self.caps(tx, call):
            if worst > cap.room:
                raise OverBudget(cap, worst)
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

    def settle(self, tx: Transaction, key: str, *, spent: int, usage: Usage) -> None:
        """Put down what a call cost; a second time it changes nothing."""
        row = tx.execute(
            "UPDATE calls SET spent = ?, input_tokens = ?, output_tokens = ?,"
            " cache_read_tokens = ?, cache_write_tokens = ? WHERE key = ? AND spent IS NULL"
            " RETURNING turn, conversation, source, tier, provider, model, day, reserved",
            (
                spent,
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_read_tokens,
                usage.cache_write_tokens,
                key,
            ),
        ).fetchall()
        for turn, conversation, source, tier, provider, model, day, reserved in row:
            call = ModelCall(
                key=key,
                turn=turn,
                conversation=conversation,
                source=source,
                tier=tier,
                provider=provider,
                model=model,
            )
            _add(tx, call, day=day, amount=spent - reserved)

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

    def room(self, tx: Transaction, call: ModelCall) -> int | None:
        """Return what a call may cost at most; None if no cap applies."""
        return min((cap.room for cap in self.caps(tx, call)), default=None)


def worst_case(price: Price, *, input_bytes: int, output_tokens: int) -> int:
    """Return the most that a call may cost, in picodollars.

    A tokenizer makes no more tokens of a text than it has bytes in UTF-8, and what is put into a
    cache may be dearer than what is merely read.
    """
    dearest = max(price.input, price.cache_write or 0.0, price.cache_read or 0.0)
    return _pico(dearest, input_bytes) + _pico(price.output, output_tokens)


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
