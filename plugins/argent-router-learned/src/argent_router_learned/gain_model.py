"""What a more able model is expected to gain on a text."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping
from functools import cache, cached_property
from heapq import nlargest
from importlib.resources import files
from operator import mul

from attrs import frozen

from argent_router_learned.lanes import pack, unpack
from argent_router_learned.reading import Reading

UNIT = 240
"""Length of a vector of words in whole numbers; what two vectors share stays in a lane."""
SPREAD = 6
"""A spread of the shape in whole numbers; so thirty products stay in a lane too."""
_CLIP = 3
_HEAVIEST = 32
"""Words of a text that are looked at, those that say most."""
_FEW = 12
"""Texts up to which a word's weights are added one by one."""
_NEAREST = 200
"""Texts that are asked, those with the most words in common."""
_SAMPLE = 500
"""Texts of which it is read how much the nearest have in common."""
_FADING = -1 / (30 * SPREAD**2)
"""How a text counts for less with the square of its distance in shape: at 30 for a third."""
_DOUBT = 0.5
"""What the mean gain counts beside similar texts, one that is the same counting 1."""
_MANY = 600
"""Texts after which what was learned counts half."""
_STRANGE = 3
"""Parts of a text's shape unlike any learned from, that show it to be of another kind."""


@frozen
class Prior:
    """What is believed before anything is learned; see ``prior.json``.

    Args:
        base: Gain of a text in the middle.
        step: What one spread adds to it.
        centre: Logarithm of the length of a text in the middle.
        spread: How far, in logarithms, lengths usually are from it.
    """

    base: float
    step: float
    centre: float
    spread: float

    def lean(self, reading: Reading) -> float:
        """Return the gain above the middle; a longer text has more."""
        return self.step * (reading.shape[0] - self.centre) / self.spread

    def gain(self, reading: Reading) -> float:
        """Return the gain that is expected where nothing was learned."""
        return self.base + self.lean(reading)


@cache
def shipped_prior() -> Prior:
    """Return the prior that is part of this distribution."""
    known = json.loads((files("argent_router_learned") / "prior.json").read_text("utf-8"))
    known.pop("made")
    return Prior(**known)


@frozen
class Word:
    """A word of the texts that were learned from.

    Args:
        idf: How much it says.
        texts: Those that have it, by their place.
        weights: What it weighs in each, in 240ths of the length of the text's vector.
    """

    idf: float
    texts: tuple[int, ...]
    weights: tuple[int, ...]


@frozen
class ShapePart:
    """One number of the shape in the texts that were learned from.

    Args:
        mean: Its mean.
        spread: Its standard deviation.
        low: Nearly no text had less.
        high: Nearly no text had more.
        places: Where each text is, as ``place`` has it.
    """

    mean: float
    spread: float
    low: float
    high: float
    places: tuple[int, ...] = ()

    def place(self, value: float) -> int:
        """Return how far a value is from three spreads below the mean, in sixths of a spread."""
        far = (value - self.mean) / self.spread
        return round(SPREAD * (max(-_CLIP, min(_CLIP, far)) + _CLIP))


@frozen(kw_only=True)
class GainModel:
    """The prior, and what was gained on the texts that are most alike.

    Args:
        words: By the hash of each.
        shape: One part for each name of ``SHAPE``.
        gains: What was gained on each text, above the mean.
        of: Texts that there are to learn from.
    """

    words: Mapping[int, Word]
    shape: tuple[ShapePart, ...]
    gains: tuple[float, ...]
    of: int

    def standing(self, reading: Reading) -> float:
        """Return the gain that is expected, above the mean."""
        return sum(self.parts(reading).values())

    def parts(self, reading: Reading) -> dict[str, float]:
        """Return what adds to the gain, and how much.

        For a text of another kind than those learned from, nothing but its length does.
        """
        parts = {"length": shipped_prior().lean(reading), "similar texts": 0.0}
        if trust := self._trust(reading):
            parts["similar texts"] = trust * self._similar(reading)
        return parts

    def _trust(self, reading: Reading) -> float:
        """Return what similar texts count: 1 at most, less after few, 0 for one of another kind."""
        values = zip(self.shape, reading.shape, strict=True)
        strange = sum(not part.low <= value <= part.high for part, value in values)
        return self.of / (self.of + _MANY) * (1 - min(strange, _STRANGE) / _STRANGE)

    def _similar(self, reading: Reading) -> float:
        """Return the gain of the most similar texts, drawn to the mean where few are similar.

        Source: Nadaraya, On Estimating Regression, Theory of Probability and its Applications 9
        (1964), 141-142.
        """
        common = self._common(reading.words)
        places = [part.place(value) for part, value in zip(self.shape, reading.shape, strict=True)]
        own, squares = sum(map(mul, places, places)), self._squares
        both = unpack(sum(map(mul, places, self._packed_shape)), len(squares))
        every = 1 + len(common) // _SAMPLE
        least = sorted(common[::every])[-_NEAREST // every :][0]
        weight = total = 0.0
        for n in [n for n, shared in enumerate(common) if shared > least]:
            far = own + squares[n] - 2 * both[n]
            likeness = common[n] ** 2 * math.exp(far * _FADING)
            weight += likeness
            total += likeness * self.gains[n]
        return total / (_DOUBT * UNIT**4 + weight)

    def _common(self, words: Mapping[int, int]) -> array[int]:
        """Return how much of its words a text has in common with each that was learned from."""
        found = []
        square = 0.0
        rarest = 1 + math.log(1 + len(self.gains))
        for word, times in words.items():
            known = self.words.get(word)
            weight = known.idf if known else rarest
            if times > 1:
                weight *= 1 + math.log(times)
            square += weight * weight
            if known:
                found.append((weight, word))
        unit = UNIT / math.sqrt(square or 1.0)
        heaviest = [(round(weight * unit), word) for weight, word in nlargest(_HEAVIEST, found)]
        packed = self._packed_words
        many = sum(weight * packed[word] for weight, word in heaviest if word in packed)
        common = unpack(many, len(self.gains))
        for weight, word in heaviest:
            if word not in packed:
                known = self.words[word]
                for text, its in zip(known.texts, known.weights, strict=True):
                    common[text] += weight * its
        return common

    @cached_property
    def _packed_words(self) -> dict[int, int]:
        count, packed = len(self.gains), {}
        for word, known in self.words.items():
            if len(known.texts) > _FEW:
                column = [0] * count
                for text, weight in zip(known.texts, known.weights, strict=True):
                    column[text] = weight
                packed[word] = pack(column)
        return packed

    @cached_property
    def _packed_shape(self) -> list[int]:
        return [pack(part.places) for part in self.shape]

    @cached_property
    def _squares(self) -> list[int]:
        texts = zip(*(part.places for part in self.shape), strict=True)
        return [sum(map(mul, places, places)) for places in texts]
