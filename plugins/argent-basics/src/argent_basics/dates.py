"""Dates and times as people write them, and arithmetic on them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from attrs import frozen
from dateutil import parser
from dateutil.relativedelta import relativedelta

from argent_hookspecs import ToolError

LONGEST = 100
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WORDS = {
    "": 0, "now": 0, "today": 0, "tomorrow": 1, "yesterday": -1,
    "day after tomorrow": 2, "the day after tomorrow": 2,
    "day before yesterday": -2, "the day before yesterday": -2,
}  # fmt: skip
_RELATIVE_DAY = re.compile(rf"(next|last|this|on)?\s*({'|'.join(_WEEKDAYS)})", re.IGNORECASE)
_DAY_WORD = re.compile(r"(today|tomorrow|yesterday)(?:\s+at)?\s+(.+)|(.+?)\s+(today|tomorrow)")
_UNITS = {
    "second": "seconds", "sec": "seconds", "s": "seconds",
    "minute": "minutes", "min": "minutes",
    "hour": "hours", "hr": "hours", "h": "hours",
    "day": "days", "d": "days",
    "week": "weeks", "w": "weeks",
    "month": "months",
    "year": "years", "yr": "years", "y": "years",
}  # fmt: skip
_AMOUNT = re.compile(r"([+-]?)\s*(\d{1,9}(?:\.\d{1,6})?|an?)\s*([a-z]+)", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,]*(?:and\b)?[\s,]*")
_CLOCK_UNITS = ("hours", "minutes", "seconds")


@frozen
class Moment:
    """A point in time as it was written: a day, or a day and a time.

    Args:
        at: With its zone.
        has_time: Whether a time of day was meant.
    """

    at: datetime
    has_time: bool


@frozen
class Span:
    """An amount of time: calendar units, and hours on the clock."""

    calendar: relativedelta
    clock: timedelta


def parse_moment(text: str, now: datetime, *, find_zone: Callable[[str], tzinfo]) -> Moment:
    """Read a date or time; what it leaves out is taken from ``now``, in the zone of ``now``.

    Raises:
        ToolError: The text is neither a date nor a time.
    """
    words = " ".join(text.lower().split())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if words in _WORDS:
            day = now + timedelta(days=_WORDS[words])
            return Moment(day, has_time=words in ("", "now"))
        if match := _RELATIVE_DAY.fullmatch(words):
            return Moment(_weekday(midnight, match[1], match[2]), has_time=False)
        if match := _DAY_WORD.fullmatch(words):
            day = midnight + timedelta(days=_WORDS[match[1] or match[4]])
            return _parse_written(match[2] or match[3], day, find_zone)
        return _parse_written(text.strip(), midnight, find_zone)
    except OverflowError as error:
        raise ToolError(f"{text!r} lies outside the years 1 to 9999") from error


def _weekday(midnight: datetime, which: str | None, name: str) -> datetime:
    ahead = (_WEEKDAYS.index(name) - midnight.weekday()) % 7
    if which == "last":
        ahead -= 7
    elif which == "next" and ahead == 0:
        ahead = 7
    return midnight + timedelta(days=ahead)


def _parse_written(text: str, day: datetime, find_zone: Callable[[str], tzinfo]) -> Moment:
    def zone_of(name: str | None, offset: int | None) -> tzinfo | None:
        if offset is not None:
            return timezone(timedelta(seconds=offset))
        return find_zone(name) if name else day.tzinfo

    def read(default: datetime) -> datetime:
        return parser.parse(text, default=default, tzinfos=zone_of)

    if len(text) > LONGEST:
        raise ToolError("the date is too long; write it as 2026-12-31 or 2026-12-31 14:30")
    try:
        at = read(day)
        has_time = at == read(day.replace(hour=1))
    except (ValueError, TypeError, AttributeError) as error:
        message = f"{text!r} is not a date or time; write 2026-12-31, 14:30 or 2026-12-31 14:30"
        raise ToolError(message) from error
    return Moment(_existing(at, day.tzinfo) if has_time else at, has_time)


def _existing(at: datetime, zone: tzinfo | None) -> datetime:
    """Move a time that the clocks skip to the one that they show then, in the zone."""
    return at.astimezone(UTC).astimezone(zone)


def parse_span(text: str) -> Span:
    """Read an amount of time such as ``2 weeks``, ``-3 days`` or ``1 month and 12 hours``.

    Raises:
        ToolError: It is not an amount of time.
    """
    amounts: dict[str, float] = {}
    rest = text.strip().lower()
    ago = rest.endswith(" ago")
    rest = rest.removesuffix(" ago").removesuffix(" later").removesuffix(" from now")
    rest = rest.removeprefix("in ")
    sign = "+"
    while rest:
        match = _AMOUNT.match(rest)
        unit = _UNITS.get(match[3].removesuffix("s") or "s") if match else None
        if match is None or unit is None:
            raise ToolError(f"{text!r} is not an amount of time such as '3 days' or '-2 weeks'")
        sign = match[1] or sign
        number = 1.0 if match[2].startswith("a") else float(match[2])
        amounts[unit] = amounts.get(unit, 0.0) + (-number if (sign == "-") != ago else number)
        rest = rest[match.end() :]
        rest = rest[_between_end(rest) :]
    return _span(text, amounts)


def _between_end(rest: str) -> int:
    match = _BETWEEN.match(rest)
    return match.end() if match else 0


def _span(text: str, amounts: dict[str, float]) -> Span:
    if not amounts:
        raise ToolError("give an amount of time such as '3 days'")
    clock = {unit: amounts.pop(unit) for unit in _CLOCK_UNITS if unit in amounts}
    if any(value != int(value) for value in amounts.values()):
        raise ToolError(f"{text!r}: days, weeks, months and years must be whole numbers")
    calendar = relativedelta(**{unit: int(value) for unit, value in amounts.items()})  # type: ignore[arg-type]
    return Span(calendar, timedelta(**clock))


def add(moment: Moment, span: Span) -> Moment:
    """Add an amount: days and longer by the calendar, hours and shorter by the clock.

    Raises:
        ToolError: The result lies outside the years 1 to 9999.
    """
    try:
        wall = moment.at + span.calendar
        exact = _existing(wall.astimezone(UTC) + span.clock, moment.at.tzinfo)
    except (OverflowError, ValueError) as error:
        raise ToolError("the result lies outside the years 1 to 9999") from error
    return Moment(exact, moment.has_time or bool(span.clock))


def difference(start: Moment, end: Moment) -> str:
    """Say in words how far apart two moments are.

    Only days are counted if either has no time of day.
    """
    if start.has_time and end.has_time:
        return _clock_difference(start.at, end.at)
    first, last = start.at.date(), end.at.date()
    days = (last - first).days
    if days == 0:
        return "0 days (the same day)"
    text = _count(abs(days), "day")
    detail = [_calendar_words(first, last)] if abs(days) > 27 else []
    if abs(days) >= 14 and days % 7 == 0:
        detail.insert(0, _count(abs(days) // 7, "week"))
    text += f" ({', or '.join(detail)})" if detail else ""
    return text if days > 0 else f"-{text}: the second date is earlier"


def _clock_difference(start: datetime, end: datetime) -> str:
    total = round((end.astimezone(UTC) - start.astimezone(UTC)).total_seconds())
    minutes, seconds = divmod(abs(total), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second")]
    words = [_count(value, unit) for value, unit in parts if value] or ["0 seconds"]
    text = " ".join(words)
    return text if total >= 0 else f"-({text}): the second time is earlier"


def _calendar_words(first: date, last: date) -> str:
    gap = relativedelta(max(first, last), min(first, last))
    parts = [(gap.years, "year"), (gap.months, "month"), (gap.days, "day")]
    return " ".join(_count(value, unit) for value, unit in parts if value)


def _count(value: int, unit: str) -> str:
    return f"{value} {unit}" + ("" if value == 1 else "s")
