"""Tool input: what a model hands in, looked at before anything is done with it."""

from __future__ import annotations

from datetime import datetime

from argent_hookspecs import ToolError
from argent_memo import spans
from argent_memo.confidential import is_confidential, parted
from argent_memo.echoes import Echoes

_MOST_PAGES = 20
_LONGEST = 2000


def demand_text(text: str, *, asked: str = "") -> None:
    """Raise ``ToolError`` unless a text may be kept.

    Args:
        asked: What was said in the turn; a secret that it tells is none of the text's words.
    """
    if not text.strip():
        raise ToolError("there is nothing to keep; say it in one or two full sentences")
    if len(text) > _LONGEST:
        raise ToolError(f"that is too long; say it in less than {_LONGEST} characters")
    echoes = Echoes()
    echoes.note("", parted(asked)[1], answered="")
    if is_confidential(text) or echoes.without(text, place="") != text:
        raise ToolError("it tells a password, a key or a code; such things are not kept here")


def page_of(page: int, limit: int, *, most: int) -> tuple[int, int]:
    """Return how many come before a page, and how many are on it. Raises ``ToolError``."""
    if not 1 <= page <= _MOST_PAGES:
        raise ToolError(f"pages go from 1 to {_MOST_PAGES}")
    size = max(1, min(limit, most))
    return (page - 1) * size, size


def day_of(text: str, *, after: bool = False) -> datetime:
    """Return when a day begins, or when it is over. Raises ``ToolError``."""
    try:
        return spans.moment(text, end=after)
    except (ValueError, OverflowError) as error:
        raise ToolError(f"{text!r} is no date; write it as 2026-03-01") from error


def demand_span(since: datetime | None, until: datetime | None) -> None:
    """Raise ``ToolError`` where a span ends before it begins."""
    if spans.is_reversed(since, until):
        raise ToolError("the span ends before it begins: since is the earlier day")
