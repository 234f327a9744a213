"""JSON, quickly, and also where half of a surrogate pair is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson


def encode(value: Any) -> bytes:
    """Write JSON; half of a surrogate pair, which no text can hold, becomes a question mark."""
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, default=_plain).encode(errors="replace")


def decode(text: str | bytes) -> Any:
    """Read JSON. Raises ``ValueError``."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
