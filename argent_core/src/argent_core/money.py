"""Amounts of money: whole picodollars (10⁻¹² $), so that sums are exact."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

DOLLAR = 10**12
"""Picodollars in a dollar."""

SPENT_BY: Mapping[str, str] = MappingProxyType(
    {
        "day": "day",
        "source": "source",
        "tier": "tier",
        "model": "provider || '/' || model",
        "conversation": "conversation",
    }
)
"""What the account can be listed by, and how that reads in SQL."""


def dollars(amount: int) -> str:
    """Write picodollars as dollars: two places, or as many as it takes to show something.

    >>> dollars(1_500_000_000_000), dollars(1_200_000_000), dollars(0)
    ('$1.50', '$0.0012', '$0.00')
    """
    return in_dollars(amount / DOLLAR)


def in_dollars(value: float) -> str:
    """Write an amount that is in dollars already.

    >>> in_dollars(12345.678), in_dollars(0.0042), in_dollars(3e-7)
    ('$12,345.68', '$0.0042', '$0.00000030')
    """
    if value == 0 or abs(value) >= 0.01:
        return f"${value:,.2f}"
    return f"${value:.{1 - math.floor(math.log10(abs(value)))}f}"


def of_limit(used: float, limit: float) -> str:
    """Say how much of a limit is used, in dollars.

    >>> of_limit(1.25, 5), of_limit(5, 5)
    ('$1.25 of $5.00 (25%)', '$5.00 of $5.00, all of it')
    >>> of_limit(6.45, 5)
    '$6.45 of $5.00, which is $1.45 over'
    """
    words = f"{in_dollars(used)} of {in_dollars(limit)}"
    if used < limit:
        return f"{words} ({math.floor(100 * used / limit)}%)"
    return (
        f"{words}, which is {in_dollars(used - limit)} over"
        if used > limit
        else f"{words}, all of it"
    )
