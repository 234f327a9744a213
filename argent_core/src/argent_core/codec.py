"""How the contract's records are written down: JSON, through cattrs and msgspec."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from argent_hookspecs import MessagePart, ModelPart, Text

T = TypeVar("T")


def _converter() -> JsonConverter:
    converter = make_converter()
    converter.register_unstructure_hook(timedelta, str)  # msgspec has ISO 8601 for it
    brief = make_dict_unstructure_fn(Text, converter, source=override(omit_if_default=True))
    converter.register_unstructure_hook(Text, brief)
    for union in (MessagePart, ModelPart):
        configure_tagged_union(union, converter, tag_name="type")
    return converter


_CONVERTER = _converter()
_ENCODER = msgspec.json.Encoder(enc_hook=str)
_DECODER = msgspec.json.Decoder()


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
    except UnicodeEncodeError:  # half of a character
        return json.dumps(values, default=str)


def load(text: str, kind: type[T]) -> T:
    """Read a record back."""
    return _CONVERTER.structure(read(text), kind)


def read(text: str) -> Any:
    """Read JSON values back."""
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return json.loads(text)


def structure(value: Any, kind: type[T]) -> T:
    """Make a record of JSON values."""
    return _CONVERTER.structure(value, kind)
