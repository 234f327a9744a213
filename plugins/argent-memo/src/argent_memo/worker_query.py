"""What stands behind the question mark of a request to the HTTP worker.

Whatever is not known there, or has no sense, is refused: a filter that is misspelt would show more
than was asked for.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from argent_hookspecs import MemoryFilter
from argent_memo import spans
from argent_memo.audience import EVERYONE, OWNER
from argent_memo.naming import NotKnown, demand_audiences
from argent_memo.worker import Refused, Worker

if TYPE_CHECKING:
    from aiohttp import web

_SHOWN = ("audience", "private")
"""What may be said wherever memories are shown."""
_LONGEST = 10_000
_YES, _NO = ("1", "true"), ("0", "false", "")


@frozen
class Query:
    """The fields of a request's query, all of them known."""

    _given: web.Request

    def text(self, name: str) -> str:
        """Return words that have to be there."""
        words = self._given.query.get(name, "").strip()
        if not words:
            raise Refused(400, f"{name} is missing: the words to look for")
        if len(words) > _LONGEST:
            raise Refused(400, f"{name} has {len(words):,} characters; the most are {_LONGEST:,}")
        return words

    def number(self, name: str, default: int, *, most: int) -> int:
        """Return a whole number from 1 to the most."""
        given = self._given.query.get(name, str(default))
        right = given.isascii() and given.isdigit() and len(given) <= 19
        if not right or not 1 <= int(given) <= most:
            raise Refused(400, f"{name} is a whole number from 1 to {most}, unlike {given!r:.40}")
        return int(given)

    def moment(self, name: str) -> datetime | None:
        """Return a time; the day that is named by ``until`` is whole."""
        given = self._given.query.get(name)
        if given is None:
            return None
        return moment(given, name, status=400)

    def is_private(self) -> bool:
        """Tell whether what is for models of this machine only is asked for."""
        given = self._given.query.get("private", "0").lower()
        if given not in (*_YES, *_NO):
            raise Refused(400, f"private is 1 or 0, unlike {given!r:.40}")
        return given in _YES

    def audiences(self) -> tuple[str, ...]:
        """Return the places whose memories are asked for."""
        return tuple(self._given.query.getall("audience", [])) or (OWNER, EVERYONE)


def read(request: web.Request, *names: str, shows: bool = False) -> Query:
    """Return a request's query. Raises ``Refused`` if there is more in it than these fields.

    Args:
        shows: Whether memories are shown, so that it may be said which.
    """
    known = (*names, *(_SHOWN if shows else ()))
    for name in dict.fromkeys(request.query):
        if name not in known:
            there = f"the parameters are: {', '.join(known)}" if known else "it has none"
            raise Refused(400, f"there is no parameter {name!r:.40} here; {there}")
        if name != "audience" and len(request.query.getall(name)) > 1:
            raise Refused(400, f"{name} is given more than once")
    return Query(request)


async def filters(worker: Worker, query: Query) -> MemoryFilter:
    """Return which memories are asked for."""
    since, until = query.moment("since"), query.moment("until")
    if spans.is_reversed(since, until):
        raise Refused(400, "the span ends before it begins: since is the earlier one")
    private = query.is_private()
    shown = MemoryFilter(
        audiences=query.audiences(),
        private=private,
        without_private=not private,
        since=since,
        until=until,
    )
    try:
        await demand_audiences(worker.memo, worker.ctx.agent, names=query.audiences())
    except NotKnown as error:
        raise Refused(400, str(error)) from error
    return shown


def moment(given: str, name: str, *, status: int = 422) -> datetime:
    """Return a time. Raises ``Refused`` if it is none."""
    try:
        return spans.moment(given, end=name == "until")
    except (ValueError, OverflowError) as error:
        raise Refused(status, f"{name} is a date, 2026-03-01, unlike {given!r:.40}") from error
