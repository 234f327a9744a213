"""The network of all-MiniLM-L6-v2, a BERT of six layers, in a form that is small and fast.

The pinned file holds the matrices as int8 with a scale for each column, and a network that turns
them all into floats before it begins: 150 MB that are not needed. Here they are multiplied as the
integers that they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from argent_embed_minilm.onnx_file import CONTRIBUTED, Node, Tensor, write_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSIONS = 384
_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12
_HEADS_TAKE = ("query", "key", "value")
_EACH_LAYER = (*_HEADS_TAKE, "mixed", "wide", "narrow")


def network(tensors: Mapping[str, Tensor], file: memoryview, *, name: str) -> bytes:
    """Return a model from the sum of the embeddings of a text's tokens to its vector.

    Args:
        tensors: Where the weights stand in the pinned file.
        file: That file.
        name: What it is called. The matrices are left in it.
    """
    weights = _Weights(tensors, file)
    return write_model(
        list(_nodes(weights)),
        weights.used,
        file=name,
        takes=("words", (1, "tokens", DIMENSIONS)),
        gives=("vector", (1, DIMENSIONS)),
    )


class _Weights:
    """The weights by what they are for."""

    def __init__(self, tensors: Mapping[str, Tensor], file: memoryview) -> None:
        self.used: dict[str, NDArray[Any] | Tensor] = {}
        self._tensors = tensors
        self._file = file
        # The file names them by numbers, in the order of their use.
        self._matrices = [one for one in tensors if one.startswith("val_") and one.endswith("_q")]

    def matrix(self, layer: int, which: str) -> tuple[str, str]:
        """Return the names of a matrix and of the scales of its columns."""
        values = self._matrices[layer * len(_EACH_LAYER) + _EACH_LAYER.index(which)]
        scales = values.removesuffix("_q") + "_scale"
        self.used[values] = self._tensors[values]
        self.used[scales] = self._tensors[scales].read(self._file)[0]
        return values, scales

    def vector(self, name: str) -> str:
        """Return the name of a vector."""
        self.used[name] = self._tensors[f"inner.{name}"].read(self._file)
        return name

    def number(self, name: str, value: int) -> str:
        """Return the name of a whole number."""
        import numpy as np

        self.used[name] = np.array([value], dtype=np.int64)
        return name


def _nodes(weights: _Weights) -> Iterator[Node]:
    yield _normal(weights, "words", "embeddings.LayerNorm", "0.in")
    for n in range(_LAYERS):
        yield from _attention(weights, n)
        yield from _thought(weights, n)
    last = (f"{_LAYERS}.in", weights.number("axis", 1))
    yield Node("ReduceMean", last, "mean", {"keepdims": 0})
    yield Node("LpNormalization", ("mean",), "vector", {"axis": -1, "p": 2})


def _attention(weights: _Weights, n: int) -> Iterator[Node]:
    names = f"encoder.layer.{n}.attention"
    whole, scale, zero = f"{n}.whole", f"{n}.scale", f"{n}.zero"
    yield Node("DynamicQuantizeLinear", (f"{n}.in",), f"{whole},{scale},{zero}")
    for which in _HEADS_TAKE:
        matrix, scales = weights.matrix(n, which)
        bias = weights.vector(f"{names}.self.{which}.bias")
        inputs = (whole, matrix, scale, scales, zero, "", bias)
        yield Node("MatMulIntegerToFloat", inputs, f"{n}.{which}", domain=CONTRIBUTED)
    heads = tuple(f"{n}.{which}" for which in _HEADS_TAKE)
    options = {"num_heads": _HEADS}
    yield Node("MultiHeadAttention", heads, f"{n}.heads", options, CONTRIBUTED)
    yield _times(weights, f"{n}.heads", (n, "mixed"), f"{names}.output.dense")
    yield Node("Add", (f"{n}.mixed", f"{n}.in"), f"{n}.heard")
    yield _normal(weights, f"{n}.heard", f"{names}.output.LayerNorm", f"{n}.middle")


def _thought(weights: _Weights, n: int) -> Iterator[Node]:
    names = f"encoder.layer.{n}"
    yield _times(weights, f"{n}.middle", (n, "wide"), f"{names}.intermediate.dense")
    yield Node("Gelu", (f"{n}.wide",), f"{n}.gelu")
    yield _times(weights, f"{n}.gelu", (n, "narrow"), f"{names}.output.dense")
    yield Node("Add", (f"{n}.narrow", f"{n}.middle"), f"{n}.thought")
    yield _normal(weights, f"{n}.thought", f"{names}.output.LayerNorm", f"{n + 1}.in")


def _times(weights: _Weights, values: str, matrix: tuple[int, str], names: str) -> Node:
    bias = weights.vector(f"{names}.bias")
    inputs = (values, *weights.matrix(*matrix), "", bias)
    output = f"{matrix[0]}.{matrix[1]}"
    return Node("DynamicQuantizeMatMul", inputs, output, domain=CONTRIBUTED)


def _normal(weights: _Weights, values: str, names: str, output: str) -> Node:
    inputs = (values, weights.vector(f"{names}.weight"), weights.vector(f"{names}.bias"))
    return Node("LayerNormalization", inputs, output, {"axis": -1, "epsilon": _EPSILON})
