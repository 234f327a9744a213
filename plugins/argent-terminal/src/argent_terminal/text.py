"""Text made fit for a terminal."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any

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


def in_one_line(text: str, longest: int = 160) -> str:
    """Write a text in one line, cut to a length in characters.

    >>> in_one_line("one  two\\nthree", 8)
    'one two…'
    """
    words = " ".join(text.split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def cut(text: str, *, longest: int = 400, lines: int = 6) -> str:
    """Cut a text to so many characters and lines.

    >>> cut("one\\ntwo\\nthree", lines=2)
    'one\\ntwo…'
    """
    text = text.strip()
    kept = "\n".join(text.splitlines()[:lines])[:longest].rstrip()
    return kept if len(kept) == len(text) else kept + "…"


def budget_text(message: Mapping[str, Any]) -> str:
    """Say that a part of the budget is used up.

    >>> budget_text({"cap": "today", "share": 0.5, "spent": 2.6, "limit": 5.0})
    '50% of the budget for today is used ($2.60 of $5.00); see: argent cost'
    >>> budget_text({"cap": "today", "share": 1.0, "spent": 4.9, "limit": 5.0})
    'The budget for today has no room for more ($4.90 of $5.00); see: argent cost'
    >>> budget_text({"cap": "today", "share": 1.0, "spent": 0.0085, "limit": 0.01})
    'The budget for today has no room for more ($0.0085 of $0.01); see: argent cost'
    """
    share, amounts = (
        message["share"],
        f"{_dollars(message['spent'])} of {_dollars(message['limit'])}",
    )
    if share < 1:
        words = f"{share:.0%} of the budget for {message['cap']} is used"
    else:
        words = f"The budget for {message['cap']} has no room for more"
    return f"{words} ({amounts}); see: argent cost"


def _dollars(amount: float) -> str:
    """Write an amount of money, what is below a cent with two figures."""
    places = 2 if amount == 0 or amount >= 0.01 else 1 - math.floor(math.log10(amount))
    return f"${amount:.{places}f}"


def rows_of(text: str, width: int) -> int:
    """Return how many rows of a terminal a text takes.

    >>> rows_of("one", 80), rows_of("one\\ntwo two", 4), rows_of("\u4e00\u4e01", 2)
    (1, 3, 2)
    """
    lines = text.expandtabs().split("\n")
    return sum(max(1, math.ceil(sum(map(_cells, line)) / width)) for line in lines)


def _cells(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("F", "W") else 1


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
