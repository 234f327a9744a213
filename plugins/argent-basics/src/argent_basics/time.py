"""The tool ``time``."""

from __future__ import annotations

import asyncio
import functools
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated

from attrs import evolve, frozen

from argent_hookspecs import Clock, Effect, Tool, ToolError, tool

if TYPE_CHECKING:
    from argent_basics.dates import Moment
    from argent_basics.zones import Zone, ZoneList


@frozen
class _Question:
    zone: str
    date: str
    from_zone: str
    add: str
    until: str


def time_tool(clock: Clock, *, zone: str = "") -> Tool:
    """Make the tool for one clock and the person's own time zone."""
    answers = _Answers(zone)

    @tool(
        effect=Effect.IDEMPOTENT,
        hints=(
            "time", "date", "day", "today", "tomorrow", "yesterday", "clock", "o'clock", "timezone",
            "time zone", "weekday", "week", "month", "how long until", "days until", "ago",
            "what year", "deadline",
        ),
        timeout=10,
    )  # fmt: skip
    async def time(
        zone: Annotated[str, "City or time zone of the answer, e.g. 'Tokyo'; empty: here"] = "",
        date: Annotated[str, "Start date or time, e.g. '2026-03-01', '14:30'; empty: now"] = "",
        from_zone: Annotated[str, "City in whose time `date` is written, if not `zone`"] = "",
        add: Annotated[str, "Time to add, e.g. '3 days', '-2 weeks', '1 month'"] = "",
        until: Annotated[str, "Second date, to get the time between `date` and it"] = "",
    ) -> str:
        """Tell the time or date anywhere, convert times between cities, calculate with dates."""
        question = _Question(zone, date, from_zone, add, until)
        return await asyncio.to_thread(answers.answer, question, clock.now())

    return time


class _Answers:
    """Answers questions; the list of zones is read with the first."""

    def __init__(self, home: str) -> None:
        self._home = home

    @functools.cached_property
    def _zones(self) -> ZoneList:
        from argent_basics.zones import ZoneList

        return ZoneList()

    def answer(self, question: _Question, now: datetime) -> str:
        try:
            return self._answer(question, now)
        except (OverflowError, ValueError) as error:
            raise ToolError("the result lies outside the years 1 to 9999") from error

    def _answer(self, question: _Question, now: datetime) -> str:
        from argent_basics import dates

        target = self._zone(question.zone, now)
        source = self._zone(question.from_zone, now) if question.from_zone.strip() else target

        def find(name: str) -> tzinfo:
            return self._zones.find(name, now).rules

        start = dates.parse_moment(question.date, now.astimezone(source.rules), find_zone=find)
        moment = dates.add(start, dates.parse_span(question.add)) if question.add.strip() else start
        if question.until.strip():
            end = dates.parse_moment(question.until, now.astimezone(source.rules), find_zone=find)
            span = dates.difference(moment, end)
            whole_days = not (moment.has_time and end.has_time)
            first, last = (_show(one, source, day_only=whole_days) for one in (moment, end))
            return f"{span}, from {first} until {last}"
        if not moment.has_time:
            return _show(moment, source)
        return _converted(moment, source, target)

    def _zone(self, name: str, now: datetime) -> Zone:
        from argent_basics.zones import Zone

        if wanted := name.strip() or self._home:
            return self._zones.find(wanted, now)
        from dateutil.tz import tzlocal

        here = tzlocal()
        return Zone(now.astimezone(here).tzname() or "local time", here)


def _converted(moment: Moment, source: Zone, target: Zone) -> str:
    there = evolve(moment, at=moment.at.astimezone(target.rules))
    if source.name == target.name:
        return _show(there, target)
    return f"{_show(moment, source)} is {_show(there, target)}"


def _show(moment: Moment, zone: Zone, *, day_only: bool = False) -> str:
    at = moment.at
    day = f"{at:%A} {at.day} {at:%B} {at.year:04}"
    if day_only or not moment.has_time:
        return f"{day} ({at.year:04}-{at:%m-%d})"
    hours_and_minutes = f"{at:%z}"
    offset = f"UTC{hours_and_minutes[:3]}:{hours_and_minutes[3:5]}"
    return f"{day}, {at:%H:%M:%S} ({offset if zone.name == offset else f'{zone.name}, {offset}'})"
