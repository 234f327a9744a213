"""Numbers and times as people write them."""

from __future__ import annotations

from datetime import datetime


def counted(number: int, one: str, *, many: str = "") -> str:
    """Say how many there are.

    >>> counted(1, "event"), counted(2, "event"), counted(0, "reply", many="replies")
    ('1 event', '2 events', '0 replies')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def moment(iso: str) -> str:
    """Write a time as the person's clock shows it.

    >>> len(moment("2026-11-20T09:30:05+00:00"))
    19
    """
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
