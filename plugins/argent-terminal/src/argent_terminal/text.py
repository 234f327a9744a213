"""Text made fit for a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_LONG_PARTS = ("request", "result", "event")
_KEPT = "\n\t"
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REMOVED_CATEGORIES = ("Cc", "Cs")


def printable(text: str) -> str:
    """Remove what could steer a terminal: control characters, and those that reorder text.

    >>> printable("\\x1b[31mred\\x9b0m\\r\\n")
    '[31mred0m\\n'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter for letter in text if letter in _KEPT or _harmless(letter))


def _harmless(letter: str) -> bool:
    return letter not in _REORDERING and unicodedata.category(letter) not in _REMOVED_CATEGORIES


def call_text(tool: str, arguments: Mapping[str, Any]) -> str:
    """Write a tool call the way it would look in code.

    >>> call_text("calc", {"expression": "1+1"})
    'calc(expression="1+1")'
    """
    values = (f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items())
    return printable(f"{tool}({', '.join(values)})")


def facts(value: Mapping[str, Any]) -> str:
    """Lay out nested facts, one a line.

    >>> print(facts({"state": "idle", "models": [{"name": "small", "ready": True}], "tools": []}))
    state: idle
    models:
      - name: small
        ready: yes
    tools: none
    """
    return printable("\n".join(_fact_lines(value)))


def in_short(value: Any) -> Any:
    """Leave out of a trace what was said to the model and by it, which is long and seen elsewhere.

    >>> in_short({"steps": [{"name": "small", "request": {"messages": []}}]})
    {'steps': [{'name': 'small'}]}
    """
    if isinstance(value, Mapping):
        return {key: in_short(part) for key, part in value.items() if key not in _LONG_PARTS}
    return [in_short(part) for part in value] if isinstance(value, list) else value


def _fact_lines(value: Mapping[str, Any]) -> Iterator[str]:
    for key, inner in value.items():
        if _has_parts(inner):
            yield f"{key}:"
            yield from (f"  {line}" for line in _inner_lines(inner))
        else:
            yield f"{key}: {_word(inner)}"


def _inner_lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _fact_lines(value)
        return
    for item in value:
        lines = list(_inner_lines(item)) if _has_parts(item) else [_word(item)]
        yield f"- {lines[0]}"
        yield from (f"  {line}" for line in lines[1:])


def _has_parts(value: Any) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return (isinstance(value, Mapping) or is_list) and bool(value)


def _word(value: Any) -> str:
    if value is None or value in ("", [], {}, ()):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def progress_text(done: float, total: float | None, *, unit: str) -> str:
    """Say how far work has come.

    >>> progress_text(44_100_000, 98_362_432, unit="B")
    '45% (44.1 of 98.4 MB)'
    >>> progress_text(3, None, unit="files")
    '3 files'
    """
    scale, name = (1e6, "MB") if unit == "B" else (1, unit)
    digits = ".1f" if unit == "B" else "g"
    if not total:
        return f"{done / scale:{digits}} {name}".strip() if done else ""
    share = min(done / total, 1)
    return f"{share:.0%} ({done / scale:{digits}} of {total / scale:{digits}} {name}".strip() + ")"
