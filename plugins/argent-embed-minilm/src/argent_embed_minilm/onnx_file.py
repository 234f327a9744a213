"""As much of ONNX's file format as is needed to take weights out of one file and write another.

The format is Protocol Buffers; the numbers of the fields are those of ``onnx.proto``, version 1.17
(https://github.com/onnx/onnx/blob/v1.17.0/onnx/onnx.proto).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONTRIBUTED = "com.microsoft"
"""The domain of the operators that only onnxruntime has."""
_FLOAT, _INT8, _INT64 = 1, 3, 7
_KINDS = {"float32": _FLOAT, "int8": _INT8, "int64": _INT64}
_VARINT, _BYTES, _FLOAT32 = 0, 2, 5
_IR_VERSION = 10
_OPSETS = {"": 20, CONTRIBUTED: 1}


@frozen
class Tensor:
    """Weights that stand in a file.

    Args:
        kind: What its numbers are, as the format has it.
        shape: Of the array.
        start: Where its first byte is in the file.
        size: Bytes.
    """

    kind: int
    shape: tuple[int, ...]
    start: int
    size: int

    def read(self, file: memoryview) -> NDArray[Any]:
        """Return a copy of them."""
        import numpy as np

        kind = np.int8 if self.kind == _INT8 else np.float32
        values = np.frombuffer(file, kind, math.prod(self.shape), self.start)
        return values.reshape(self.shape).copy()


def find_tensors(file: memoryview) -> dict[str, Tensor]:
    """Return where the weights of a model are, by name: those that are floats or int8."""
    found = {}
    for graph in _pick(file, range(len(file)), 7):
        for tensor in _pick(file, graph, 5):
            fields = list(_fields(file, tensor))
            sizes = tuple(value for number, value in fields if number == 1)
            parts = dict(fields)
            if parts[2] in (_FLOAT, _INT8):
                name = bytes(file[parts[8].start : parts[8].stop]).decode()
                found[name] = Tensor(parts[2], sizes, parts[9].start, len(parts[9]))
    return found


@frozen
class Node:
    """One operation.

    Args:
        operator: Its name.
        inputs: Names of tensors.
        output: Names of tensors, with commas if there are several.
        options: Numbers.
        domain: Where the operator is from.
    """

    operator: str
    inputs: Sequence[str]
    output: str
    options: Mapping[str, float] = {}
    domain: str = ""


def write_model(
    nodes: Sequence[Node],
    weights: Mapping[str, NDArray[Any] | Tensor],
    *,
    file: str,
    takes: tuple[str, Sequence[int | str]],
    gives: tuple[str, Sequence[int | str]],
) -> bytes:
    """Return a model as a file.

    Args:
        nodes: In the order in which they are run.
        weights: What they use. Where it stands in a file, it is left there.
        file: Name of that file, in the folder of the model.
        takes: Name and shape of the input, of floats; a word in a shape stands for any size.
        gives: The same of the output.
    """
    graph = b"".join(
        (
            *(_field(1, _node(node)) for node in nodes),
            _field(2, b"minilm"),
            *(_field(5, _tensor(*one, file=file)) for one in weights.items()),
            _field(11, _value(*takes)),
            _field(12, _value(*gives)),
        )
    )
    opsets = (_field(1, domain.encode()) + _field(2, n) for domain, n in _OPSETS.items())
    return b"".join(
        (_field(1, _IR_VERSION), _field(7, graph), *(_field(8, opset) for opset in opsets))
    )


def _node(node: Node) -> bytes:
    return b"".join(
        (
            *(_field(1, name.encode()) for name in node.inputs),
            *(_field(2, name.encode()) for name in node.output.split(",")),
            _field(4, node.operator.encode()),
            *(_field(5, _attribute(*option)) for option in node.options.items()),
            _field(7, node.domain.encode()),
        )
    )


def _attribute(name: str, value: float) -> bytes:
    start = _field(1, name.encode())
    if isinstance(value, float):
        return start + _field(2, value) + _field(20, 1)
    return start + _field(3, value) + _field(20, 2)


def _tensor(name: str, values: NDArray[Any] | Tensor, *, file: str) -> bytes:
    kind = values.kind if isinstance(values, Tensor) else _KINDS[values.dtype.name]
    start = b"".join(_field(1, size) for size in values.shape) + _field(2, kind)
    start += _field(8, name.encode())
    if not isinstance(values, Tensor):
        return start + _field(9, values.tobytes())
    where = {"location": file, "offset": str(values.start), "length": str(values.size)}
    pairs = (_field(1, key.encode()) + _field(2, value.encode()) for key, value in where.items())
    return start + b"".join(_field(13, pair) for pair in pairs) + _field(14, 1)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sizes = (
        _field(1, size) if isinstance(size, int) else _field(2, size.encode()) for size in shape
    )
    tensor = _field(1, _FLOAT) + _field(2, b"".join(_field(1, size) for size in sizes))
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _field(number: int, value: float | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | _FLOAT32) + struct.pack("<f", value)
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def _pick(file: memoryview, message: range, wanted: int) -> Iterator[range]:
    return (value for number, value in _fields(file, message) if number == wanted)


def _fields(file: memoryview, message: range) -> Iterator[tuple[int, Any]]:
    """Yield each field of a message that has only whole numbers and bytes, these as a range."""
    at = message.start
    while at < message.stop:
        key, at = _read_varint(file, at)
        value, at = _read_varint(file, at)
        if key & 7 == _BYTES:
            yield key >> 3, range(at, at + value)
            at += value
        else:
            yield key >> 3, value


def _read_varint(file: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = file[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
