"""Domains that a router never saw: in each run, is it at least as good as the length of the prompt?

Of two scores of the same questions the difference of their APGR is the sum over the questions of
the gain of each, times by how much further up it stands, over the sum of the gains. The noise of
that is bootstrapped over the questions.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

_DRAWS = 400
_SURE = 0.025
"""Part of the draws on either side of the interval."""


@frozen
class Run:
    """One run: learned from some domains, judged on others.

    Args:
        name: Which run.
        better: APGR of the learned score, less that of the length.
        low: Lower bound of that, with 97.5 % confidence.
        high: Upper bound.
    """

    name: str
    better: float
    low: float
    high: float

    @property
    def below(self) -> bool:
        """Whether it is worse than the length by more than noise."""
        return self.high < 0


def compare(
    name: str, better: float, *, ranks: Iterable[tuple[float, float]], gains: Sequence[float]
) -> Run:
    """Say how sure it is that a score is better than another.

    Args:
        better: The difference of their APGR.
        ranks: Of each question, where each of the two scores puts it, 0 to 1.
        gains: What the strong model gains on each question.
    """
    moved = [gain * (first - second) for gain, (first, second) in zip(gains, ranks, strict=True)]
    chance = random.Random(0)
    drawn = []
    for _ in range(_DRAWS):
        chosen = chance.choices(range(len(gains)), k=len(gains))
        if (total := sum(gains[i] for i in chosen)) > 0:
            drawn.append(sum(moved[i] for i in chosen) / total)
    drawn.sort()
    if not drawn:
        return Run(name, better, -1.0, 1.0)
    beyond = int(len(drawn) * _SURE)
    return Run(name, better, drawn[beyond], drawn[-1 - beyond])


def summary(kind: str, runs: Sequence[Run]) -> Iterator[tuple[str, float]]:
    """Say of runs of a kind how much better than length they were, and how many were worse."""
    worst = min(runs, key=lambda run: run.better)
    yield f"{kind}_over_length", statistics.fmean(run.better for run in runs)
    yield f"{kind}_over_length_worst", worst.better
    yield f"{kind}_over_length_worst_low", worst.low
    yield f"{kind}_over_length_worst_high", worst.high
    yield f"{kind}_runs", float(len(runs))
    yield f"{kind}_runs_below_length", float(sum(run.below for run in runs))
