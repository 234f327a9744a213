"""Learning: ridge regression of the gain on words and shape, in plain Python.

The gain itself is learned, and not whether either model is right: what matters is where a more able
model makes a difference. The ridge is strong, since outcomes are few and noisy.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter, mul

from attrs import evolve, frozen

from argent_router_learned.gain_model import SHAPE_WEIGHT, GainModel, ShapePart, shipped_prior
from argent_router_learned.reading import Reading

RIDGE = 10.0
_STEPS = 6
"""Parts of equal size into which the texts are cut by each number of their shape."""
_ROUNDS = 60
_RARE = 0.005
"""Part of the texts at either end that does not tell what is usual."""
_ENOUGH = 1e-6

Row = tuple[tuple[int, ...], tuple[float, ...]]


def train(
    readings: Sequence[Reading], gains: Sequence[float], *, ridge: float = RIDGE
) -> GainModel:
    """Learn from texts and what a more able model gained on each.

    Args:
        gains: From -1 (it was worse) over 0 (no difference) to 1 (only it was right).

    Raises:
        ValueError: There is nothing to learn from.
    """
    if not readings:
        raise ValueError("there is nothing to learn from")
    layout = _Layout.of(readings)
    mean = statistics.fmean(gains)
    rows = [layout.row(reading) for reading in readings]
    weights = _solve(rows, [gain - mean for gain in gains], layout.size, ridge)
    lean = statistics.fmean(map(shipped_prior().lean, readings))
    model = evolve(layout.model(weights, mean), lean=lean)
    said = [model.gain(reading) for reading in readings]
    return evolve(model, mean=statistics.fmean(said), spread=statistics.pstdev(said) or 1.0)


@frozen
class _Layout:
    """Which column each feature has: first the words, then the shape, last what all rows share."""

    words: Mapping[int, tuple[int, float]]
    shape: tuple[ShapePart, ...]

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> _Layout:
        n = len(readings)
        spread = Counter[int]()
        for reading in readings:
            spread.update(reading.words.keys())
        words = {
            word: (column, math.log((1 + n) / (1 + texts)) + 1)
            for column, (word, texts) in enumerate(spread.items())
        }
        values = zip(*(reading.shape for reading in readings), strict=True)
        return cls(words, tuple(_shape_part(column) for column in values))

    @property
    def size(self) -> int:
        """How many columns there are."""
        return len(self.words) + sum(2 + len(part.edges) for part in self.shape) + 1

    def row(self, reading: Reading) -> Row:
        """Return the columns of a text that are not zero, and what is in them."""
        found = [(*self.words[word], times) for word, times in reading.words.items()]
        weights = [idf * (1 + math.log(times)) for _, idf, times in found]
        length = math.sqrt(sum(map(mul, weights, weights))) or 1.0
        columns = [column for column, _, _ in found]
        values = [weight / length for weight in weights]
        at = len(self.words)
        for part, value in zip(self.shape, reading.shape, strict=True):
            place = part.place(value)
            columns += (at, at + 1 + bisect_right(part.edges, place))
            values += (SHAPE_WEIGHT * place, SHAPE_WEIGHT)
            at += 2 + len(part.edges)
        return (*columns, at), (*values, 1.0)

    def model(self, weights: Sequence[float], mean: float) -> GainModel:
        """Put the weights of the columns where they are used."""
        shape, at = [], len(self.words)
        for part in self.shape:
            end = at + 2 + len(part.edges)
            slope, *steps = (SHAPE_WEIGHT * weight for weight in weights[at:end])
            shape.append(evolve(part, slope=slope, steps=tuple(steps)))
            at = end
        words = {word: (idf, weights[column]) for word, (column, idf) in self.words.items()}
        return GainModel(base=mean + weights[-1], words=words, shape=tuple(shape))


def _shape_part(values: Sequence[float]) -> ShapePart:
    ranked, beyond = sorted(values), int(len(values) * _RARE)
    part = ShapePart(
        mean=statistics.fmean(values),
        spread=statistics.pstdev(values) or 1.0,
        low=ranked[beyond],
        high=ranked[-1 - beyond],
    )
    places = sorted(part.place(value) for value in values)
    cuts = {places[len(places) * i // _STEPS] for i in range(1, _STEPS)}
    return evolve(part, edges=tuple(sorted(cuts - {places[0]})))


def _solve(rows: Sequence[Row], wanted: Sequence[float], size: int, ridge: float) -> list[float]:
    """Solve (XᵀX + ridge·I) w = Xᵀy by conjugate gradients; the last column has no ridge.

    Source: Hestenes and Stiefel, Methods of Conjugate Gradients for Solving Linear Systems (1952),
    preconditioned by the diagonal.
    """
    matrix = _Matrix.of(rows, size)
    ridges = [ridge] * (size - 1) + [1e-9]
    scale = [1 / (square + r) for square, r in zip(matrix.squares(), ridges, strict=True)]
    weights = [0.0] * size
    rest = matrix.backward(wanted)
    way = list(map(mul, rest, scale))
    energy = started = sum(map(mul, rest, way))
    for _ in range(_ROUNDS):
        if energy <= _ENOUGH * started:
            break
        pushed = matrix.backward(matrix.forward(way))
        pushed = [p + r * w for p, r, w in zip(pushed, ridges, way, strict=True)]
        far = energy / sum(map(mul, way, pushed))
        weights = [w + far * s for w, s in zip(weights, way, strict=True)]
        rest = [r - far * p for r, p in zip(rest, pushed, strict=True)]
        scaled = list(map(mul, rest, scale))
        energy, before = sum(map(mul, rest, scaled)), energy
        way = [s + energy / before * w for s, w in zip(scaled, way, strict=True)]
    return weights


@frozen
class _Matrix:
    """A sparse matrix, kept by rows and by columns. Each has at least two entries or is padded."""

    rows: Sequence[tuple[itemgetter[tuple[float, ...]], tuple[float, ...]]]
    columns: Sequence[tuple[itemgetter[tuple[float, ...]], tuple[float, ...]]]

    @classmethod
    def of(cls, rows: Sequence[Row], size: int) -> _Matrix:
        places: list[list[int]] = [[] for _ in range(size)]
        values: list[list[float]] = [[] for _ in range(size)]
        for n, row in enumerate(rows):
            for column, value in zip(*row, strict=True):
                places[column].append(n)
                values[column].append(value)
        turned = [(tuple(p), tuple(v)) for p, v in zip(places, values, strict=True)]
        return cls([_getting(*row) for row in rows], [_getting(*column) for column in turned])

    def forward(self, weights: Sequence[float]) -> list[float]:
        """Multiply by a column."""
        return [sum(map(mul, values, get(weights))) for get, values in self.rows]

    def backward(self, values: Sequence[float]) -> list[float]:
        """Multiply a row by the matrix."""
        return [sum(map(mul, held, get(values))) for get, held in self.columns]

    def squares(self) -> list[float]:
        """Return the sum of the squares of each column."""
        return [sum(map(mul, held, held)) for _, held in self.columns]


def _getting(
    places: tuple[int, ...], values: tuple[float, ...]
) -> tuple[itemgetter[tuple[float, ...]], tuple[float, ...]]:
    while len(places) < 2:  # one index alone would not get a tuple
        places, values = (*places, 0), (*values, 0.0)
    return itemgetter(*places), values
