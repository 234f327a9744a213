"""Words that depend on a number."""

from __future__ import annotations


def counted(number: int, one: str, *, many: str = "") -> str:
    """Say how many there are.

    >>> counted(1, "event"), counted(2, "event"), counted(0, "reply", many="replies")
    ('1 event', '2 events', '0 replies')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"
