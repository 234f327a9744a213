"""Spans: the dates that a person or a program names, from one to another."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


def moment(text: str, *, end: bool = False, local: bool = False) -> datetime:
    """Return a time in ISO 8601; a day alone is when it begins, or when it is over.

    >>> moment("2026-03-01", end=True).isoformat()
    '2026-03-02T00:00:00+00:00'

    Args:
        end: Whether a span ends with it; a day belongs to it then.
        local: Whether a time without a zone is of this machine's, and not UTC.

    Raises:
        ValueError: It is no time.
        OverflowError: It is in no year that there is.
    """
    found = datetime.fromisoformat(text.strip())
    if end and _is_day(text.strip()):
        found += timedelta(days=1)
    if found.tzinfo is None and not local:
        return found.replace(tzinfo=UTC)
    return found.astimezone(None if local else UTC)


def is_reversed(since: datetime | None, until: datetime | None) -> bool:
    """Tell whether a span ends before it begins, so that nothing can be of it."""
    return since is not None and until is not None and since >= until


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
