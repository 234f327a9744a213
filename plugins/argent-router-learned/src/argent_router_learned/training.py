"""Learning: the texts that were seen, and what a more able model gained on each.

The gain itself is learned, and not whether either model is right: what matters is where a more able
model makes a difference.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from attrs import evolve

from argent_router_learned.gain_model import UNIT, GainModel, ShapePart, Word
from argent_router_learned.reading import Reading

_RARE = 0.005
"""Part of the texts at either end that does not tell what is usual."""


def train(
    readings: Sequence[Reading], gains: Sequence[float], *, of: int | None = None
) -> GainModel:
    """Learn from texts and what a more able model gained on each.

    Args:
        gains: From -1 (it was worse) over 0 (no difference) to 1 (only it was right).
        of: How many there are with those that were held back; what it says is on their scale.

    Raises:
        ValueError: There is nothing to learn from.
    """
    if not readings:
        raise ValueError("there is nothing to learn from")
    mean = statistics.fmean(gains)
    return GainModel(
        words=_words([reading.words for reading in readings]),
        shape=tuple(
            _shape_part(values)
            for values in zip(*(reading.shape for reading in readings), strict=True)
        ),
        gains=tuple(gain - mean for gain in gains),
        of=of or len(gains),
    )


def _words(texts: Sequence[Mapping[int, int]]) -> dict[int, Word]:
    """Weigh the words of each text by TF-IDF, and list for each word the texts that have it."""
    spread = Counter(word for words in texts for word in words)
    idf = {word: 1 + math.log((1 + len(texts)) / (1 + many)) for word, many in spread.items()}
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for n, words in enumerate(texts):
        weights = {word: idf[word] * (1 + math.log(times)) for word, times in words.items()}
        length = math.hypot(*weights.values())
        for word, weight in weights.items():
            found[word].append((n, round(UNIT * weight / length)))
    return {word: Word(idf[word], *zip(*found[word], strict=True)) for word in found}


def _shape_part(values: Sequence[float]) -> ShapePart:
    ranked, beyond = sorted(values), int(len(values) * _RARE)
    part = ShapePart(
        mean=statistics.fmean(values),
        spread=statistics.pstdev(values) or 1.0,
        low=ranked[beyond],
        high=ranked[-1 - beyond],
    )
    return evolve(part, places=tuple(map(part.place, values)))
