"""Rows of the journal for people to read, also those that somebody made unreadable."""

from __future__ import annotations

from typing import Any

from argent_core import codec
from argent_core.guard import attempt
from argent_hookspecs import Event

_SHOWN = 200


def values(text: str | None) -> Any:
    """Return what a column holds; of what is no JSON, what stands there."""
    if not text:
        return None
    found = attempt(codec.read, text)
    return {"unreadable": _begin(text)} if found.error is not None else found.value


def event(body: str) -> dict[str, Any]:
    """Return an event; one that cannot be read says so, and what stands there."""
    if attempt(codec.load, body, Event).error is None:
        found: dict[str, Any] = codec.read(body)
        return found
    words = f"(it cannot be read: {_begin(body)})"
    return {"content": [{"type": "Text", "text": words}], "trust": "unknown", "data": {}}


def _begin(text: object) -> str:
    """Return how it begins; a column that somebody has edited may hold bytes."""
    readable = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return readable[:_SHOWN]
