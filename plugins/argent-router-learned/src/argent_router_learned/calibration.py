"""Calibration: from how far a text stands out to a gain, and to a score that meets a target."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from attrs import frozen

STRONG = 0.5
"""The score from which a tier counts as able: where ``fast`` ends and ``balanced`` begins."""
_POINTS = 100


@frozen
class Calibration:
    """A rising stair: what was gained, on average, where a score was at least so high.

    Args:
        edges: Where each stair begins; rising.
        gains: The mean gain on it; rising.
    """

    edges: tuple[float, ...]
    gains: tuple[float, ...]

    def gain(self, standing: float) -> float:
        """Return the gain that such a score has had."""
        return self.gains[max(0, bisect_right(self.edges, standing) - 1)]


def calibrate(standings: Sequence[float], gains: Sequence[float]) -> Calibration:
    """Make the stair that fits best, by isotonic regression (pool adjacent violators).

    Source: Ayer and others, An Empirical Distribution Function for Sampling with Incomplete
    Information, Annals of Mathematical Statistics 26 (1955), 641-647.
    """
    stairs: list[tuple[float, float, int]] = []
    for edge, gain in sorted(zip(standings, gains, strict=True)):
        stair = (edge, gain, 1)
        while stairs and stairs[-1][1] / stairs[-1][2] >= stair[1] / stair[2]:
            before = stairs.pop()
            stair = (before[0], before[1] + stair[1], before[2] + stair[2])
        stairs.append(stair)
    edges, totals, counts = zip(*stairs, strict=True)
    return Calibration(edges, tuple(t / n for t, n in zip(totals, counts, strict=True)))


@frozen
class Scale:
    """Turns how far a text stands out into a score between 0 and 1.

    Args:
        standings: Those of the texts that it was made with; rising, at most a hundred and one.
        scores: The score at each of them; rising.
    """

    standings: tuple[float, ...]
    scores: tuple[float, ...]

    def score(self, standing: float) -> float:
        """Return the score."""
        right = bisect_right(self.standings, standing)
        if right == 0:
            return self.scores[0]
        if right == len(self.standings):
            return self.scores[-1]
        low, high = self.standings[right - 1], self.standings[right]
        part = (standing - low) / (high - low)
        return self.scores[right - 1] + part * (self.scores[right] - self.scores[right - 1])


def at_table_cost(standings: Sequence[float], table: Sequence[float]) -> Scale:
    """Make a scale that sends as many texts to each tier as the table does.

    Args:
        table: The table's scores of texts of the same kind.
    """
    ranked, scores = sorted(standings), sorted(table)
    parts = [i / _POINTS for i in range(_POINTS + 1)]
    return _scale([at(ranked, part) for part in parts], [at(scores, part) for part in parts])


def at_cost(standings: Sequence[float], share: float) -> Scale:
    """Make a scale that sends a share of texts to the able tiers, those with the most to gain."""
    ranked, weak = sorted(standings), 1 - min(1.0, max(0.0, share))
    parts = [i / _POINTS for i in range(_POINTS + 1)]
    scores = [
        STRONG * part / weak * 0.999
        if part < weak
        else STRONG + (1 - STRONG) * (part - weak) / max(1e-9, 1 - weak)
        for part in parts
    ]
    return _scale([at(ranked, part) for part in parts], scores)


def at(ranked: Sequence[float], part: float) -> float:
    """Return the value below which a part of ranked values lies."""
    return ranked[round(part * (len(ranked) - 1))]


def _scale(standings: Sequence[float], scores: Sequence[float]) -> Scale:
    """Leave out what does not rise."""
    kept: dict[float, float] = {}
    for standing, score in zip(standings, scores, strict=True):
        kept[standing] = score
    return Scale(tuple(kept), tuple(min(1.0, max(0.0, score)) for score in kept.values()))
