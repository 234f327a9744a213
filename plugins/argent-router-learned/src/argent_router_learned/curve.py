"""The curve of quality over cost, and the figures that are read from it.

The arithmetic is that of RouteLLM (arXiv 2406.18665, section 4.1, and its evaluation code): ten
quantiles of the scores give eleven thresholds; at each, what scores at least as much goes to the
strong model.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from attrs import frozen


@frozen
class Point:
    """A point of the curve: the share that goes to the strong model, and the quality of all."""

    share: float
    quality: float


@frozen
class Curve:
    """Quality over cost, from all on the weak model to all on the strong one."""

    points: tuple[Point, ...]
    weak: float
    strong: float

    def apgr(self) -> float:
        """Return the average performance gap recovered: 0.5 by chance, 1 if all at no cost."""
        pairs = list(pairwise(self.points))
        area = sum((b.share - a.share) * (a.quality + b.quality) / 2 for a, b in pairs)
        wide = self.points[-1].share - self.points[0].share
        gap = (self.strong - self.weak) * wide
        return (area - self.weak * wide) / gap if gap else 0.5

    def cpt(self, part: float) -> float:
        """Return the share of strong calls that recovers a part of the gap (CPT)."""
        wanted = self.weak + part * (self.strong - self.weak)
        for a, b in pairwise(self.points):
            if a.quality <= wanted <= b.quality:
                rise = b.quality - a.quality
                return a.share + ((b.share - a.share) * (wanted - a.quality) / rise if rise else 0)
        return 1.0


def draw(
    scores: Sequence[float], *, weak: Sequence[float], strong: Sequence[float], seed: int = 0
) -> Curve:
    """Draw the curve of a score.

    Args:
        scores: The higher, the sooner the strong model is asked.
        weak: Quality of the weak model's answer to each.
        strong: Quality of the strong model's answer to each.
        seed: Of the jitter that orders equal scores.
    """
    n = len(scores)
    ordered = jittered(scores, seed)
    ranked = sorted(ordered)
    points = []
    for i in range(11):
        edge = _quantile(ranked, i / 10)
        chosen = [score >= edge if i < 10 else score > edge for score in ordered]
        quality = sum(s if yes else w for yes, w, s in zip(chosen, weak, strong, strict=True)) / n
        points.append(Point(sum(chosen) / n, quality))
    points.sort(key=lambda point: point.share)
    return Curve(tuple(points), sum(weak) / n, sum(strong) / n)


def jittered(scores: Sequence[float], seed: int) -> list[float]:
    """Order equal scores by chance, without touching the order of others."""
    different = sorted(set(scores))
    if len(different) == len(scores):
        return list(scores)
    finest = min((b - a for a, b in pairwise(different)), default=1.0)
    chance = random.Random(seed)
    return [score + finest / 2 * chance.random() for score in scores]


def _quantile(ranked: Sequence[float], part: float) -> float:
    place = part * (len(ranked) - 1)
    low = int(place)
    if low + 1 >= len(ranked):
        return ranked[-1]
    return ranked[low] + (place - low) * (ranked[low + 1] - ranked[low])
