"""What a GGUF file says about its model, read without loading it.

The format is described in ``docs/gguf.md`` of the ggml project. Only the head of the file is read:
the packages that read all of it bring numerical libraries along.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from attrs import frozen

_STRING, _ARRAY = 8, 9
_NUMBERS = dict(enumerate("BbHhIif?")) | dict(zip((10, 11, 12), "Qqd", strict=True))
_LIMIT = 1 << 24
_NO_POOLING = 0


@frozen
class GgufInfo:
    """What is known of a model from its file.

    Args:
        name: Title that its maker gave it.
        context: Tokens that it was trained on, if the file says so.
        pools: Whether it says how one vector is made of those of a text's tokens.
    """

    name: str
    context: int | None
    pools: bool = False


class NotGguf(ValueError):
    """Report a file that is not in GGUF format, or that ends too early."""


def read_info(path: Path) -> GgufInfo:
    """Read the name and the context length. Raises ``NotGguf`` and ``OSError``."""
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise NotGguf(f"{path.name} is not a GGUF file")
        version, _tensors, count = _read(file, "<IQQ")
        if version not in (2, 3):
            raise NotGguf(f"{path.name} has version {version} of the GGUF format, not 2 or 3")
        name, context, pools = path.stem, None, False
        for key, value in _entries(file, count):
            if key == "general.name" and isinstance(value, str):
                name = value
            elif key.endswith(".context_length"):
                context = int(value)
            elif key.endswith(".pooling_type"):
                pools = value != _NO_POOLING
            elif key.startswith("tokenizer.") and context is not None:
                break  # what follows is long, and about words
        return GgufInfo(name, context, pools)


def _entries(file: BinaryIO, count: int) -> Iterator[tuple[str, Any]]:
    for _ in range(count):
        key = _string(file)
        (kind,) = _read(file, "<I")
        yield key, _value(file, kind)


def _value(file: BinaryIO, kind: int) -> Any:
    if kind in _NUMBERS:
        return _read(file, "<" + _NUMBERS[kind])[0]
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        raise NotGguf(f"the file holds a value of unknown type {kind}")
    item, length = _read(file, "<IQ")
    if item in _NUMBERS:
        file.seek(length * struct.calcsize("<" + _NUMBERS[item]), 1)
    else:
        for _ in range(length):
            _value(file, item)
    return None


def _string(file: BinaryIO) -> str:
    (length,) = _read(file, "<Q")
    if length > _LIMIT:
        raise NotGguf("the file holds an impossibly long text")
    return _bytes(file, length).decode("utf-8", "replace")


def _read(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack(layout, _bytes(file, struct.calcsize(layout)))


def _bytes(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise NotGguf("the file ends too early")
    return data
