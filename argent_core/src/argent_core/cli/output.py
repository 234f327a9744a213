"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import click

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The option ``--json``, the same for all commands."""


def print_json(value: Any) -> None:
    """Print a value as JSON: laid out for a person at a terminal, one line otherwise."""
    indent = 2 if sys.stdout.isatty() else None
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    click.echo("".join(c if _harmless(c) else f"\\u{ord(c):04x}" for c in text))


def print_line(text: str) -> None:
    """Print a line for people; what could steer a terminal is left out."""
    click.echo("".join(c for c in text if _harmless(c)))


def _harmless(c: str) -> bool:
    return c == "\n" or not (c in _REORDERING or unicodedata.category(c) in ("Cc", "Cs"))


def print_table(rows: Iterable[Sequence[object]], *, heads: Sequence[str] = ()) -> None:
    """Print rows in columns; the last column is as wide as it needs to be."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return
    titled = [list(heads), *cells] if heads else cells
    widths = [max(map(len, column)) for column in zip(*titled, strict=True)]
    for number, row in enumerate(titled):
        padded = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        line = "  ".join(padded).rstrip()
        click.secho(line, bold=bool(heads) and number == 0)


def _cell(value: object) -> str:
    words = "" if value is None else " ".join(str(value).split())
    return "".join(c for c in words if _harmless(c))
