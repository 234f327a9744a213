"""How the contract's records are written down: JSON, through cattrs and msgspec."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec
from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from argent_hookspecs import MessagePart, ModelPart

T = TypeVar("T")


def _converter() -> JsonConverter:
    converter = make_converter()
    for union in (MessagePart, ModelPart):
        configure_tagged_union(union, converter, tag_name="type")
    return converter


_CONVERTER = _converter()
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def plain(value: Any, kind: Any = None) -> Any:
    """Turn a record into JSON values; what is no JSON value becomes its text."""
    return _CONVERTER.unstructure(value, unstructure_as=kind)


def dump(value: Any, kind: Any = None) -> str:
    """Write a record as JSON, so that any text can be stored."""
    return write(plain(value, kind))


def write(values: Any) -> str:
    """Write JSON values; what is none becomes its text."""
    try:
        return _ENCODER.encode(values).decode()
    except UnicodeEncodeError:  # half of a character, which only an escape in ASCII can hold
        return json.dumps(values, default=str)


def load(text: str, kind: type[T]) -> T:
    """Read a record back."""
    return _CONVERTER.structure(json.loads(text), kind)


def structure(value: Any, kind: type[T]) -> T:
    """Make a record of JSON values."""
    return _CONVERTER.structure(value, kind)
