"""JSON, quickly, and also where half of a surrogate pair is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from argent_hookspecs import ModelRejected


def encode(value: Any) -> bytes:
    """Write JSON; half of a surrogate pair, which no text can hold, becomes a question mark.

    Raises:
        ModelRejected: It is nested too deeply to be written.
    """
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:
        try:
            text = json.dumps(value, ensure_ascii=False, default=_plain)
        except RecursionError as error:
            raise ModelRejected("what is to be sent is nested too deeply") from error
        return text.encode(errors="replace")


def decode(text: str | bytes) -> Any:
    """Read JSON. Raises ``ValueError``, also where it is nested too deeply."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return json.loads(text)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
