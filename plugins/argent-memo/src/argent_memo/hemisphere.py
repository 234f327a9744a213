"""Hemisphere: whether it is summer in January where somebody lives."""

from __future__ import annotations

import os
from pathlib import Path

from argent_memo.lexicon import lexicon

_LOCAL = Path("/etc/localtime")
_ZONES = "zoneinfo/"


def is_south(zone: str) -> bool:
    """Tell whether a time zone, as IANA names them, is south of the equator.

    >>> is_south("Australia/Sydney"), is_south("Europe/Berlin")
    (True, False)

    Args:
        zone: Its name; empty for that of this machine. What is unknown is in the north.
    """
    return (zone or _here()) in lexicon().south


def _here() -> str:
    """Return the name of this machine's time zone, where that can be told."""
    set_by_hand = os.environ.get("TZ", "").lstrip(":")
    if set_by_hand:
        return set_by_hand
    return str(_LOCAL.resolve()).partition(_ZONES)[2] if _LOCAL.is_symlink() else ""
