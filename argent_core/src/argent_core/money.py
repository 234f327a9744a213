"""Amounts of money: whole picodollars (10⁻¹² $), so that sums are exact."""

from __future__ import annotations

import math

DOLLAR = 10**12
"""Picodollars in a dollar."""


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
