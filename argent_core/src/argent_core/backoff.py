"""Exponential backoff with jitter.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

import random


def backoff(attempt: int, *, first: float = 1.0, longest: float = 300.0) -> float:
    """Return the seconds to wait after a failed attempt; about twice as long each time.

    Args:
        attempt: Number of the attempt that failed, from 1.
        first: Longest wait after the first attempt.
        longest: Longest wait at all.
    """
    ceiling = min(longest, first * 2.0 ** min(attempt - 1, 30))
    return random.uniform(ceiling / 2, ceiling)
