"""What a more able model is expected to gain on a text."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from attrs import frozen

from argent_router_learned.reading import SHAPE, Reading

SHAPE_WEIGHT = 0.1
"""What the shape weighs in the features beside the words, whose vector has the length 1."""
_CLIP = 3.0
_STRANGE = 3
"""Parts of a text's shape unlike any learned from, that show it to be of another kind."""
_TRUST, _DOUBT = 0.04, 0.02
"""What a spread of the prior adds to the gain: for texts like those learned from, and for others
more, up to both together."""


@frozen
class Prior:
    """What is believed before anything is learned; see ``prior.json``.

    Args:
        base: Gain of a text in the middle.
        step: What one spread adds to it.
        centre: Logarithm of the length of a text in the middle.
        spread: How far, in logarithms, lengths usually are from it.
        weights: What each part of the shape counts.
    """

    base: float
    step: float
    centre: float
    spread: float
    weights: Mapping[str, float]

    def lean(self, reading: Reading) -> float:
        """Return how far a text is from the middle, in spreads."""
        shape, weights = reading.shape, self.weights
        longer = weights["length"] * (shape[0] - self.centre)
        marks = weights["numbers"] * shape[2] + weights["symbols"] * shape[10]
        return (longer + marks) / self.spread

    def gain(self, reading: Reading) -> float:
        """Return the gain that is expected where nothing was learned."""
        return self.base + self.step * max(-_CLIP, min(_CLIP, self.lean(reading)))


@cache
def shipped_prior() -> Prior:
    """Return the prior that is part of this distribution."""
    known = json.loads((files("argent_router_learned") / "prior.json").read_text("utf-8"))
    known.pop("made")
    return Prior(**known)


@frozen
class ShapePart:
    """What one number of the shape tells.

    Args:
        mean: Its mean in the texts learned from.
        spread: Its standard deviation there.
        low: Nearly no text had less.
        high: Nearly no text had more.
        slope: Gain for each spread above the mean.
        edges: Where its steps begin, in spreads.
        steps: Gain of each step; one more than edges.
    """

    mean: float
    spread: float
    low: float
    high: float
    slope: float = 0.0
    edges: tuple[float, ...] = ()
    steps: tuple[float, ...] = (0.0,)

    def place(self, value: float) -> float:
        """Return how far a value is from the mean, in spreads."""
        return max(-_CLIP, min(_CLIP, (value - self.mean) / self.spread))

    def gain(self, place: float) -> float:
        """Return what a place adds."""
        return self.slope * place + self.steps[bisect_right(self.edges, place)]


@frozen(kw_only=True)
class GainModel:
    """A linear model over words (TF-IDF) and shape, beside the prior.

    Args:
        base: Gain before words and shape.
        words: IDF, and gain for each unit of the vector, by the hash of a word.
        shape: One part for each name of ``SHAPE``.
        lean: Mean of what the prior says of the texts that it learned from, in spreads.
        mean: Mean of what it says of the texts that it learned from.
        spread: Standard deviation of that.
    """

    base: float
    words: Mapping[int, tuple[float, float]]
    shape: tuple[ShapePart, ...]
    lean: float = 0.0
    mean: float = 0.0
    spread: float = 1.0

    def gain(self, reading: Reading) -> float:
        """Return what a more able model is expected to gain: 1 is all, 0 nothing."""
        return self.base + sum(self.parts(reading).values())

    def standing(self, reading: Reading) -> float:
        """Return the gain in spreads from the mean, which can be compared between models."""
        return (self.gain(reading) - self.mean) / self.spread

    def parts(self, reading: Reading) -> dict[str, float]:
        """Return what adds to the gain, and how much."""
        parts: dict[str, float] = {}
        strange = 0
        for name, part, value in zip(SHAPE, self.shape, reading.shape, strict=True):
            parts[name] = part.gain(part.place(value))
            strange += not part.low <= value <= part.high
        doubt = min(1.0, strange / _STRANGE)
        parts["topic"] = (1 - doubt) * self._words(reading.words)
        lean = shipped_prior().lean(reading) - self.lean
        parts["prior"] = (_TRUST + _DOUBT * doubt) * lean
        return parts

    def _words(self, words: Mapping[int, int]) -> float:
        """Return what the words add; those that are not known count as if they were not there."""
        total = square = 0.0
        known, log = self.words.get, math.log
        for word, times in words.items():
            if found := known(word):
                idf, gain = found
                weight = idf if times == 1 else idf * (1 + log(times))
                total += weight * gain
                square += weight * weight
        return total / math.sqrt(square) if square else 0.0
