"""How the commands print: for people, and as JSON for programs."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SHORT = 70
_AGENT = "Argent"
"""The speaker of what the agent said, as ``learned.AGENT``, which takes long to import."""


def print_json(value: Any) -> None:
    """Print a value as JSON: laid out for a person at a terminal, one line otherwise."""
    text = json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)
    click.echo("".join(c if _harmless(c) else f"\\u{ord(c):04x}" for c in text))


def say(text: str, *, bold: bool = False) -> None:
    """Print for people; what could steer a terminal is left out."""
    click.secho("".join(c for c in text if _harmless(c)), bold=bold)


def say_item(item: Mapping[str, Any]) -> None:
    """Print an item: what it is, then its words."""
    say(f"{item['id']:>6}  {line_of(item)}", bold=True)
    for line in item["text"].splitlines():
        say(f"        {line}")


def line_of(item: Mapping[str, Any]) -> str:
    """Return when and by whom an item was said, whose word it is, and who may hear it."""
    parts = [
        moment(item["said_at"]),
        item["speaker"],
        item.get("kind", ""),
        _whose(item),
        f"for {item['audience']}",
        "private" if item.get("private") else "",
        f"{item['count']} times" if item.get("count", 1) > 1 else "",
        f"until {moment(item['holds_until'])}" if item.get("holds_until") else "",
        f"{item['sureness']:.0%} sure" if "sureness" in item else "",
    ]
    return " · ".join(part for part in parts if part)


def _whose(item: Mapping[str, Any]) -> str:
    """Return whose word an item is."""
    trust = str(item["trust"])
    if trust == "paired" and item["speaker"] == _AGENT:
        return "the agent's own word"
    return f"{trust}'s word" if trust == "owner" else trust


def short(text: str) -> str:
    """Return the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 1]}…"


def moment(iso: str | None) -> str:
    """Return a time as people read it, where this machine is."""
    if iso is None:
        return ""
    try:
        return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):  # a year that has no place on this machine's clock
        return iso


def megabytes(size: int) -> str:
    """Return a size for people."""
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.0f} kB"


def counted(n: int, one: str, *, many: str = "") -> str:
    """Return a number of things in words."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def say_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Print names with what they come to, in two columns; empty ones are left out."""
    wide = max((len(name) for name, value in rows if value), default=0)
    for name, value in rows:
        if value:
            say(f"{name.ljust(wide)}  {value}")


def _harmless(c: str) -> bool:
    return c == "\n" or not (c in _REORDERING or unicodedata.category(c) in ("Cc", "Cs"))
