"""Evidence: whether what was learned is better than the table, on outcomes that it had not seen."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from itertools import accumulate

from attrs import frozen

from argent_router_learned.curve import jittered
from argent_router_learned.reading import Reading
from argent_router_learned.training import train

FOLDS = 5
LEAST = 60
"""Outcomes without which nothing is proven, however clear they look."""
LEAST_GAINED = 12
"""Outcomes among them in which the more able model made a difference."""
SURE = 0.99
"""How sure it must be. High, since it is looked at again and again."""
_DRAWS = 300
_SHARED = math.sqrt(1 + FOLDS / (FOLDS - 1))
"""Makes up for the folds being judged by models that share most of what they learned from.

Source: Nadeau and Bengio, Inference for the Generalization Error, Machine Learning 52 (2003).
"""


@frozen
class Evidence:
    """A comparison of two scores on the same outcomes.

    Args:
        outcomes: How many there were.
        gained: In how many of them a more able model made a difference for the better.
        better: By how much more of the gain the first score gathers than the second, averaged over
            all shares of calls to the able model.
        least: Lower bound of that.
    """

    outcomes: int
    gained: int
    better: float
    least: float

    @property
    def proven(self) -> bool:
        """Whether the first score is better, beyond doubt."""
        return self.outcomes >= LEAST and self.gained >= LEAST_GAINED and self.least > 0


def held_back(readings: Sequence[Reading], gains: Sequence[float], *, seed: int = 0) -> list[float]:
    """Score each outcome by a model that was trained without it.

    Returns:
        The gain above the mean that its model expects.
    """
    scores = [0.0] * len(readings)
    fold = folds(gains, FOLDS, seed=seed)
    for one in range(FOLDS):
        others = [i for i, f in enumerate(fold) if f != one]
        mine = [i for i, f in enumerate(fold) if f == one]
        if mine and others:
            texts, known = [readings[i] for i in others], [gains[i] for i in others]
            model = train(texts, known, of=len(readings))
            for i in mine:
                scores[i] = model.standing(readings[i])
    return scores


def folds(gains: Sequence[float], count: int, *, seed: int) -> list[int]:
    """Deal outcomes out by chance, as evenly as can be over each gain."""
    chance = random.Random(seed)
    order = sorted(range(len(gains)), key=lambda i: (gains[i], chance.random()))
    fold = [0] * len(gains)
    for place, i in enumerate(order):
        fold[i] = place % count
    return fold


def compare(
    first: Sequence[float], second: Sequence[float], *, gains: Sequence[float], seed: int = 0
) -> Evidence:
    """Compare two scores of the same outcomes by a paired bootstrap."""
    n = len(gains)
    gained = sum(gain > 0 for gain in gains)
    if not n:
        return Evidence(0, 0, 0.0, 0.0)
    chance = random.Random(seed)
    orders = [_order(scores, seed) for scores in (first, second)]
    once = [1] * n
    better = _area(orders[0], gains, once) - _area(orders[1], gains, once)
    drawn = []
    for _ in range(_DRAWS):
        times = [0] * n
        for i in chance.choices(range(n), k=n):
            times[i] += 1
        drawn.append(_area(orders[0], gains, times) - _area(orders[1], gains, times))
    error = statistics.stdev(drawn) if len(drawn) > 1 else 0.0
    least = better - statistics.NormalDist().inv_cdf(SURE) * error * _SHARED
    return Evidence(n, gained, better, least if error else min(least, 0.0))


def _order(scores: Sequence[float], seed: int) -> list[int]:
    ordered = jittered(scores, seed)
    return sorted(range(len(scores)), key=lambda i: -ordered[i])


def _area(order: Sequence[int], gains: Sequence[float], times: Sequence[int]) -> float:
    """Return the mean, over all shares, of the gain of those who come first, for each outcome."""
    n = sum(times)
    gathered = accumulate(gains[i] * times[i] for i in order)
    return sum(total * times[i] for total, i in zip(gathered, order, strict=True)) / (n * n)
