"""What models have cost: the account that the budget keeps, read for people."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Any

from attrs import frozen

from argent_core.database import Database
from argent_core.loop.budget import Budget, Cap, caps_of, look
from argent_core.money import DOLLAR, SPENT_BY
from argent_hookspecs import ArgentError, Transaction

_MEAN_OF_DAYS = 7
_FULLEST = 3
_SUMS = """
    COUNT(*), COUNT(NULLIF(error, '')), COALESCE(SUM(spent), 0),
    COALESCE(SUM(CASE WHEN spent IS NULL THEN reserved END), 0),
    COALESCE(SUM(input_tokens), 0), COALESCE(SUM(cache_read_tokens), 0),
    COALESCE(SUM(cache_write_tokens), 0), COALESCE(SUM(output_tokens), 0)
"""
_TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")


@frozen
class Spending:
    """The account.

    Args:
        prices: The date of the price table.
    """

    database: Database
    budget: Budget
    prices: str

    async def report(self, by: str = "day", days: int = 30) -> dict[str, Any]:
        """Return what the last days cost, how far each cap is used, and a forecast.

        Args:
            by: One of ``SPENT_BY``.
            days: How many, today included.
        """
        if by not in SPENT_BY:
            raise ArgentError(f"the cost is not known by {by!r}, but by {', '.join(SPENT_BY)}")
        today = _today(self.budget)
        since = (today - timedelta(days=max(1, days) - 1)).isoformat()
        return await self.database.read(lambda tx: self._report(tx, by, since, today))

    def _report(self, tx: Transaction, by: str, since: str, today: date) -> dict[str, Any]:
        order = "1 DESC" if by == "day" else "SUM(COALESCE(spent, reserved)) DESC, 1"
        rows = tx.execute(
            f"SELECT {SPENT_BY[by]}, {_SUMS} FROM calls WHERE day >= ? GROUP BY 1 ORDER BY {order}",
            (since,),
        ).fetchall()
        total = tx.execute(f"SELECT {_SUMS} FROM calls WHERE day >= ?", (since,)).fetchone()
        unknown = tx.execute(
            "SELECT DISTINCT provider || '/' || model FROM calls"
            " WHERE day >= ? AND NOT price_known ORDER BY 1",
            (since,),
        ).fetchall()
        return {
            "by": by,
            "since": since,
            "rows": [{by: name, **_sums(sums)} for name, *sums in rows],
            "total": _sums(total),
            "caps": [_cap(cap) for cap in self._caps(tx, today)],
            "forecast": _forecast(tx, today),
            "unknown_prices": [model for (model,) in unknown],
            "prices_of": self.prices,
        }

    def _caps(self, tx: Transaction, today: date) -> list[Cap]:
        """Return the caps that are set; of conversations, those that are used furthest."""
        settings, day = self.budget.settings, today.isoformat()
        sql = (
            "SELECT scope FROM spending WHERE scope GLOB 'conversation *' AND period = ''"
            " ORDER BY amount DESC LIMIT ?"
        )
        names = [
            scope.removeprefix("conversation ")
            for (scope,) in tx.execute(sql, (_FULLEST,)).fetchall()
        ]
        caps = caps_of(
            settings, day, conversations=names, sources=settings.sources, tiers=settings.tiers
        )
        return [look(tx, cap) for cap in caps]


async def today(database: Database, budget: Budget) -> dict[str, Any]:
    """Return what is spent and reserved today, and the cap, in dollars."""
    day = _today(budget).isoformat()
    limit = budget.settings.per_day
    cap = Cap(name="today", setting="budget.perDay", scope="all", period=day, limit=0)
    used = (await database.read(lambda tx: look(tx, cap))).used
    return {"spent": used / DOLLAR, "limit": limit}


def _today(budget: Budget) -> date:
    return budget.clock.now().astimezone().date()


def _sums(sums: Any) -> dict[str, Any]:
    calls, failed, spent, reserved, *tokens = sums
    return {
        "calls": calls,
        "failed": failed,
        "spent": spent / DOLLAR,
        "reserved": reserved / DOLLAR,
        **dict(zip(_TOKENS, tokens, strict=True)),
    }


def _cap(cap: Cap) -> dict[str, Any]:
    share = cap.used / cap.limit if cap.limit else 1.0
    return {
        "cap": cap.name,
        "setting": cap.setting,
        "used": cap.used / DOLLAR,
        "limit": cap.limit / DOLLAR,
        "share": share,
    }


def _forecast(tx: Transaction, today: date) -> dict[str, Any]:
    """Say what the month will cost if its rest is as the last seven days were in the mean."""
    sql = "SELECT period, amount FROM spending WHERE scope = 'all' ORDER BY period"
    amounts = dict(tx.execute(sql).fetchall())
    first = min((period for period in amounts if len(period) == 10), default=today.isoformat())
    days = min(_MEAN_OF_DAYS, (today - date.fromisoformat(first)).days + 1)
    last = [(today - timedelta(days=n)).isoformat() for n in range(max(1, days))]
    mean = sum(amounts.get(day, 0) for day in last) / len(last)
    left = calendar.monthrange(today.year, today.month)[1] - today.day
    month = today.isoformat()[:7]
    return {
        "month": month,
        "spent": amounts.get(month, 0) / DOLLAR,
        "a_day": mean / DOLLAR,
        "total": (amounts.get(month, 0) + mean * left) / DOLLAR,
    }
