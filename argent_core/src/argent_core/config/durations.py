"""Lengths of time as people write them: ``30s``, ``10m``, ``1h30m``."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

MICROSECONDS = {
    "w": 604_800_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
}
"""Of each unit, longest first."""

LONGEST = timedelta(days=36525)
"""A hundred years; further away there may be no date any more."""

_PART = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|w|d|h|m|s)\s*")


def parse_duration(value: object) -> timedelta:
    """Read a length of time.

    Args:
        value: Text such as ``"30s"`` or ``"1h30m"`` (units ms, s, m, h, d, w), or seconds.

    Raises:
        ValueError: It is not a length of time, not longer than zero, or over a hundred years.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)
    >>> parse_duration(2.5)
    datetime.timedelta(seconds=2, microseconds=500000)
    """
    if isinstance(value, str):
        total = _parse_text(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        total = _from_seconds(value)
    else:
        raise ValueError("neither text nor a number")
    try:
        result = timedelta(microseconds=round(total))
    except OverflowError as error:
        raise ValueError("too long") from error
    if result <= timedelta(0):
        raise ValueError("not longer than zero")
    if result > LONGEST:
        raise ValueError("too long")
    return result


def format_duration(value: timedelta) -> str:
    """Write a length of time so that ``parse_duration`` reads the same.

    >>> format_duration(timedelta(seconds=5400))
    '1h30m'
    """
    rest = value // timedelta(microseconds=1)
    parts = []
    for unit, size in MICROSECONDS.items():
        if unit == "w":
            continue
        if unit == "ms" and rest:
            parts.append(f"{rest // size}.{rest % size:03}".rstrip("0").rstrip(".") + unit)
        elif rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    return "".join(parts) or "0s"


def _parse_text(text: str) -> Fraction:
    position, total = 0, Fraction(0)
    while part := _PART.match(text, position):
        total += Fraction(part[1]) * MICROSECONDS[part[2]]
        position = part.end()
    if not text.strip() or position != len(text):
        raise ValueError("not a length of time")
    return total


def _from_seconds(value: float) -> Fraction:
    try:
        return Fraction(value) * MICROSECONDS["s"]
    except (ValueError, OverflowError) as error:
        raise ValueError("not a finite number") from error
