"""The budget: no model call is made that could take the spending over a cap.

The worst case of a call is reserved in the transaction that puts the call on record, and settled
once it is known what the call cost. A call that was interrupted in between counts with its worst
case.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from attrs import asdict, astuple, define, evolve, frozen

from argent_core.config.settings import BudgetSettings
from argent_core.loop.prices import WorstCase
from argent_core.money import DOLLAR, dollars
from argent_hookspecs import BudgetReached, Clock, ModelRejected, Transaction, Usage

_MARKS = (100, 80, 50)
"""Percent of a cap at which the person is told, once each."""
_BIGGEST_CAP = 1e6
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


@frozen(kw_only=True)
class Cap:
    """A limit and how far it is used, in picodollars.

    Args:
        name: What it limits, for people: ``today``, ``conversation home``.
        setting: What it is called in the settings.
        scope: What of the spending it is about; with ``period`` the key of its row.
        used: What is spent and reserved.
        told: The highest mark that the person was told of, in percent.
    """

    name: str
    setting: str
    scope: str
    period: str
    limit: int
    used: int = 0
    told: int = 0

    @property
    def room(self) -> int:
        """What is left."""
        return self.limit - self.used

    def news(self, used: int) -> int | None:
        """Return the highest mark that is reached, in percent, if the person was not told of it."""
        reached = next((mark for mark in _MARKS if mark * self.limit <= 100 * used), 0)
        return reached if reached > self.told else None


class OverBudget(ModelRejected):
    """Report a call that was not made, because its worst case does not fit a cap.

    Args:
        tier: Name of the call's tier.
        denied: Whether a person was asked, and did not allow it.
    """

    def __init__(self, cap: Cap, worst: WorstCase, *, tier: str = "", denied: bool = False) -> None:
        super().__init__(
            f"the budget for {cap.name} has no room for it{', and nobody allowed more' * denied}: "
            f"{dollars(cap.used)} of {dollars(cap.limit)} are spent or set aside, and even a short "
            f"answer may cost {dollars(worst.amount(worst.least_output))}. See: argent cost. "
            f"Raise it with: argent config set {cap.setting} DOLLARS"
        )
        self.cap = cap
        self.price = worst.price
        self.tier = tier


@define(eq=False, repr=False)
class Budget:
    """Keeps account of what models cost. All its methods run within a transaction.

    Args:
        settings: The caps.
    """

    settings: BudgetSettings
    clock: Clock

    def reserve(
        self,
        tx: Transaction,
        call: ModelCall,
        *,
        worst: WorstCase,
        least: int | None = None,
        whatever: bool = False,
    ) -> int:
        """Set the worst case of a call aside; a shorter answer, if that makes it fit.

        Args:
            least: Fewest tokens of an answer that are worth making the call, if that is not
                ``worst.least_output``; all that it may have are enough.
            whatever: Whether a person has allowed it, fit or not.

        Returns:
            The tokens that the answer may have.

        Raises:
            OverBudget: It does not fit; nothing was reserved.
        """
        if least is not None:
            worst = evolve(worst, worthwhile=least)
        output = worst.most_output
        if worst.amount(output) > 0 and not whatever:
            for cap in self.caps(tx, call, day=self._today()):
                output = min(output, worst.output_within(cap.room))
                if output < worst.least_output:
                    raise OverBudget(cap, worst, tier=call.tier)
        self._set_aside(tx, call, worst.amount(output), known=worst.known)
        return output

    def _set_aside(self, tx: Transaction, call: ModelCall, worst: int, *, known: bool) -> None:
        day = self._today()
        row = {
            **asdict(call),
            "at": self.clock.now().timestamp(),
            "day": day,
            "price_known": int(known),
            "reserved": worst,
        }
        places = ", ".join(f":{name}" for name in row)
        tx.execute(f"INSERT INTO calls ({', '.join(row)}) VALUES ({places})", row)
        _add(tx, call, day=day, amount=worst)

    def settle(
        self, tx: Transaction, call: ModelCall, *, spent: int, usage: Usage
    ) -> list[BudgetReached]:
        """Put down what a call cost; a second time it changes nothing.

        Returns:
            The parts of the budget that are used up now.
        """
        rows = tx.execute(
            "UPDATE calls SET spent = ?, input_tokens = ?, output_tokens = ?,"
            " cache_read_tokens = ?, cache_write_tokens = ? WHERE key = ? AND spent IS NULL"
            " RETURNING day, reserved",
            (spent, *astuple(usage), call.key),
        ).fetchall()
        if not rows:
            return []
        ((day, reserved),) = rows
        _add(tx, call, day=day, amount=spent - reserved)
        return self._news(tx, call, day) if spent else []

    def fail(
        self, tx: Transaction, call: ModelCall, *, reason: str, free: bool
    ) -> list[BudgetReached]:
        """Put down why a call failed; one that is not free counts as it was reserved.

        Returns:
            The parts of the budget that are used up now.
        """
        sql = "UPDATE calls SET error = ? WHERE key = ? AND spent IS NULL RETURNING day"
        rows = tx.execute(sql, (reason, call.key)).fetchall()
        if free:
            self.settle(tx, call, spent=0, usage=Usage())
            return []
        return [notice for (day,) in rows for notice in self._news(tx, call, day)]

    def refuse(self, tx: Transaction, cap: Cap) -> list[BudgetReached]:
        """Note that a call did not fit a cap.

        Returns:
            That the cap is reached, unless the person was told before.
        """
        return _tell(tx, cap, mark=_MARKS[0], used=cap.used)

    def caps(self, tx: Transaction, call: ModelCall, *, day: str) -> Iterator[Cap]:
        """Find the caps that a call of a day is under, and how far each is used."""
        known = caps_of(
            self.settings,
            day,
            conversations=[call.conversation],
            sources=[call.source],
            tiers=[call.tier],
        )
        return (look(tx, cap) for cap in known)

    def _news(self, tx: Transaction, call: ModelCall, day: str) -> list[BudgetReached]:
        """Return what the person is to be told now, and note that it was told."""
        notices = []
        for cap in self.caps(tx, call, day=day):
            if cap.news(cap.used) is None:
                continue  # nearly always, and what is under way is not looked up
            used = cap.used - _under_way(tx, cap)
            mark = cap.news(used)
            if mark is not None:
                notices += _tell(tx, cap, mark=mark, used=used)
        return notices

    def _today(self) -> str:
        return self.clock.now().astimezone().date().isoformat()


def caps_of(
    settings: BudgetSettings,
    day: str,
    *,
    conversations: Iterable[str] = (),
    sources: Iterable[str] = (),
    tiers: Iterable[str] = (),
) -> Iterator[Cap]:
    """Return the caps that are set, of a day and its month, as if nothing were used."""
    each = settings.per_conversation
    known = [
        ("today", "perDay", settings.per_day, _ALL, day),
        ("this month", "perMonth", settings.per_month, _ALL, day[:7]),
        *((name, "perConversation", each, name, "") for name in map(_conversation, conversations)),
        *((_source(n), f"sources.{n}", settings.sources.get(n), _source(n), day) for n in sources),
        *((_tier(n), f"tiers.{n}", settings.tiers.get(n), _tier(n), day) for n in tiers),
    ]
    for name, setting, limit, scope, period in known:
        if limit is not None:
            most = math.floor(min(limit, _BIGGEST_CAP) * DOLLAR)
            yield Cap(
                name=name, setting=f"budget.{setting}", scope=scope, period=period, limit=most
            )


def look(tx: Transaction, cap: Cap) -> Cap:
    """Return a cap with how far it is used."""
    sql = "SELECT amount, told, told_of FROM spending WHERE scope = ? AND period = ?"
    used, told, limit = tx.execute(sql, (cap.scope, cap.period)).fetchone() or (0, 0, 0)
    return evolve(cap, used=used, told=told if limit == cap.limit else 0)


def _tell(tx: Transaction, cap: Cap, *, mark: int, used: int) -> list[BudgetReached]:
    """Return that a mark of a cap is reached, unless the person was told of it or a higher one.

    What was told of another limit than the present one does not count.
    """
    done = tx.execute(
        "INSERT INTO spending (scope, period, amount, told, told_of) VALUES (?, ?, 0, ?, ?)"
        " ON CONFLICT (scope, period)"
        " DO UPDATE SET told = excluded.told, told_of = excluded.told_of"
        " WHERE told_of <> excluded.told_of OR told < excluded.told",
        (cap.scope, cap.period, mark, cap.limit),
    )
    if not done.rowcount:
        return []
    spent, limit = used / DOLLAR, cap.limit / DOLLAR
    return [BudgetReached(cap=cap.name, share=mark / 100, spent=spent, limit=limit)]


def _under_way(tx: Transaction, cap: Cap) -> int:
    """Return what is set aside under a cap for turns that run, and mostly comes back."""
    # By the few events that are held, in an index of their own, to their calls; not by all calls.
    rows = tx.execute(
        "SELECT c.conversation, c.source, c.tier, c.day, c.reserved FROM events e"
        " CROSS JOIN calls c ON c.turn = e.id AND c.spent IS NULL AND c.error = ''"
        " WHERE e.state IN ('leased', 'waiting') AND e.state = 'leased'"
    ).fetchall()
    here = (cap.scope, cap.period)
    return sum(reserved for *what, day, reserved in rows if here in _scopes(*what, day=day))


def _add(tx: Transaction, call: ModelCall, *, day: str, amount: int) -> None:
    if amount == 0:
        return  # as with all models that cost nothing
    tx.executemany(
        "INSERT INTO spending (scope, period, amount) VALUES (?, ?, ?)"
        " ON CONFLICT (scope, period) DO UPDATE SET amount = amount + excluded.amount",
        [(*row, amount) for row in _scopes(call.conversation, call.source, call.tier, day=day)],
    )


def _scopes(conversation: str, source: str, tier: str, *, day: str) -> list[tuple[str, str]]:
    """Return the rows of the table ``spending`` that a call counts in."""
    return [
        (_ALL, day),
        (_ALL, day[:7]),
        (_conversation(conversation), ""),
        (_source(source), day),
        (_tier(tier), day),
    ]


def _conversation(name: str) -> str:
    return f"conversation {name}"


def _source(name: str) -> str:
    return f"source {name}"


def _tier(name: str) -> str:
    return f"tier {name}"
