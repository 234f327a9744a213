"""Periods: seasons, feasts, weekends, quarters, decades and what counts from now.

Which one is meant is said beside its name, by a word that shifts it ("last summer", "the weekend
before last"), by a year ("summer of 2022", "l'été de l'année dernière") or by a number ("two
summers ago"). Seasons are those of meteorologists: three whole months, in the north from March on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from attrs import frozen

from argent_memo.lexicon import Piece, lexicon

Span = tuple[float, float]
"""From when until when, in seconds since 1970."""

YEARS = range(1100, 8900)
"""Years that are counted from: a thousand more or fewer are years that there are, too."""

_DECADE = re.compile(
    r"(?<!\d)(?P<years>(?:19|20)?\d0)(?:['’]?s\b|er[ns]?\b|-?[хт]\w*\b|年代|년대)"
    r"|\b(?:annees|anos|anni|anii|lata|latach|anys)\s(?P<after>\d0)\b"
)
_LAST_CENTURY = 30
"""Two digits from here on are years of the last century."""
_SPRING, _SEASON = 3, 3
"""The month when spring begins in the north, and the months of a season."""
_QUARTER = 3
_SATURDAY = 5
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": _QUARTER, "year": 12}

_Days = tuple[datetime, datetime]
_Yearly = Callable[[int], _Days | None]
"""When it begins and ends that begins in a year; None if it is not known."""
_Way = tuple[str, int]
"""Which is meant: shifted by so many (``shift``), or of a year (``year``)."""


@frozen
class Now:
    """What times are counted from.

    Args:
        today: When the day began, in UTC.
        years: Those that a date without a year may be of.
        south: Whether seasons are those of the southern hemisphere.
    """

    today: datetime
    years: Sequence[int]
    south: bool = False


def placed(found: Sequence[Piece], now: Now) -> list[Span]:
    """Return the periods of which it is said which one is meant."""
    days: list[_Days] = []
    for at, piece in enumerate(found):
        way = _way(found, at, now)
        if way is not None:
            for one in _yearly(piece, now):
                days += _which(one, way, now.today)
        for (number,) in piece.means("weekday"):
            days.append(_weekday(now.today, number, way))
    return _spans(days)


def shifted(found: Sequence[Piece], now: Now) -> list[Span]:
    """Return weeks, weekends, months, quarters and years that something beside them shifts."""
    days: list[_Days] = []
    for at, piece in enumerate(found):
        way = _way(found, at, now) if piece.means("unit") else None
        if way is not None and way[0] == "shift":
            units = [unit for (unit,) in piece.means("unit") if unit != "day"]
            days += [_unit(now.today, unit, way[1]) for unit in units]
    return _spans(days)


def counted(found: Sequence[Piece], now: Now) -> list[Span]:
    """Return what is counted from now: "last week", "three weeks ago"."""
    days = [_unit(now.today, unit, n) for piece in found for unit, n in piece.means("relative")]
    for piece in found:
        for unit, sign in piece.means("counted"):
            days.append(_about(now.today, unit, sign * piece.number))
    return _spans(days)


def of_any_year(found: Sequence[Piece], now: Now) -> list[Span]:
    """Return feasts, and seasons that something is said to have been in, of each year."""
    days: list[_Days] = []
    for at, piece in enumerate(found):
        inside = piece.means("in_itself") or (
            at > 0 and found[at - 1].last == piece.first and found[at - 1].means("in_season")
        )
        if piece.means("feast") or (piece.means("season") and inside):
            for one in _yearly(piece, now):
                days += [of for year in now.years if (of := one(year)) is not None]
    return _spans(days)


def decades(folded: str, found: Sequence[Piece]) -> list[Span]:
    """Return "the 90s", "the nineties" and their like."""
    years = [int(match["years"] or match["after"]) for match in _DECADE.finditer(folded)]
    years += [tens for piece in found for (tens,) in piece.means("decade")]
    return _spans(map(_decade, years))


def sane(at: datetime) -> datetime:
    """Return a time in UTC; of odd years the nearest that is counted from."""
    nearest = min(max(at.year, YEARS[0]), YEARS[-1])
    return at.astimezone(UTC) if nearest == at.year else datetime(nearest, 1, 1, tzinfo=UTC)


def before(at: datetime, unit: str, *, n: int) -> datetime:
    """Return what is so many units before a time; behind it, if there are fewer than none."""
    at = sane(at)
    if unit in _DAYS:
        return at - timedelta(_DAYS[unit] * n)
    return _month(at, -n * _MONTHS.get(unit, 1)) + timedelta(at.day - 1)


def _spans(days: Iterator[_Days] | Sequence[_Days]) -> list[Span]:
    return [(start.timestamp(), end.timestamp()) for start, end in days]


def _way(found: Sequence[Piece], at: int, now: Now) -> _Way | None:
    """Read what stands beside a period and says which one is meant."""
    for step in (1, -1):
        beside, there = _beside(found, at, step)
        if beside is None:
            continue
        for (shift,) in beside.means("shift"):
            further, _ = _beside(found, there, step)
            if further is not None and ["year"] in further.means("unit"):
                return "year", now.today.year + shift
            return "shift", shift
        for (year,) in beside.means("year"):
            return "year", year
        for unit, n in beside.means("relative"):
            if unit == "year":
                return "year", now.today.year + n
        if ["year"] in beside.means("unit"):
            further, _ = _beside(found, there, step)
            for (shift,) in further.means("shift") if further is not None else ():
                return "year", now.today.year + shift
    return _ago(found, at)


def _ago(found: Sequence[Piece], at: int) -> _Way | None:
    """Read "two … ago"."""
    number, there = _beside(found, at, -1)
    if number is None or not number.number or not number.means("number"):
        return None
    for beside in (_beside(found, at, 1)[0], _beside(found, there, -1)[0]):
        if beside is not None and beside.means("ago"):
            return "shift", -number.number
    return None


def _beside(found: Sequence[Piece], at: int, step: int) -> tuple[Piece | None, int]:
    """Return the next phrase on a side, with its place, if only an "of" stands between."""
    there = at + step
    while 0 <= there < len(found):
        one, last = found[there], found[there - step]
        if (one.first != last.last) if step > 0 else (one.last != last.first):
            return None, there
        if not one.means("of") or one.means("shift"):
            return one, there
        there += step
    return None, there


def _yearly(piece: Piece, now: Now) -> Iterator[_Yearly]:
    """Yield what comes once a year and may be meant."""
    for (season,) in piece.means("season"):
        month = (_SPRING + _SEASON * season + (6 if now.south else 0) - 1) % 12 + 1
        yield partial(_months, month=month, n=_SEASON)
    for (quarter,) in piece.means("quarter"):
        yield partial(_months, month=_QUARTER * (quarter - 1) + 1, n=_QUARTER)
    for (month,) in piece.means("month"):
        yield partial(_months, month=month, n=1)
    for (name,) in piece.means("feast"):
        yield partial(_feast, name=name)


def _which(one: _Yearly, way: _Way, today: datetime) -> list[_Days]:
    """Return the one that is meant of what comes once a year; two, where one begins in December."""
    kind, n = way
    if kind == "year":
        both = [one(n - 1), one(n)]
        return [
            days for days in both if days is not None and days[1] > datetime(n, 1, 1, tzinfo=UTC)
        ]
    near = range(today.year - 2, today.year + 3)
    known = [days for year in near if (days := one(year)) is not None]
    if n < 0:
        known = [days for days in (one(today.year - k) for k in range(-n + 2)) if days is not None]
        past = sorted([days for days in known if days[1] <= today], reverse=True)
        return past[-n - 1 : -n]
    if n == 0:
        away = [max(days[0] - today, today - days[1]) for days in known]
        return [known[away.index(min(away))]] if away else []
    return [days for days in known if days[0] > today][n - 1 : n]


def _weekday(today: datetime, number: int, way: _Way | None) -> _Days:
    """Return the last such day before today, or the next."""
    ahead = (number - today.weekday() - 1) % 7 + 1
    start = today + timedelta(ahead - (0 if way == ("shift", 1) else 7))
    if start == today:
        start -= timedelta(7)
    return start, start + timedelta(1)


def _unit(today: datetime, unit: str, n: int) -> _Days:
    """Return a day, weekend, week, month, quarter or year, counted from the present one."""
    if unit == "weekend":
        start = today + timedelta(7 * n - today.weekday() + _SATURDAY)
        return start, start + timedelta(2)
    if unit in _DAYS:
        start = today - timedelta(today.weekday() if unit == "week" else 0)
        start += timedelta(_DAYS[unit] * n)
        return start, start + timedelta(_DAYS[unit])
    months = _MONTHS[unit]
    start = _month(today, months * n - (today.month - 1) % months)
    return start, _month(start, months)


def _about(today: datetime, unit: str, n: int) -> _Days:
    """Return what people mean by "three weeks ago": the longer, the less exactly."""
    if unit == "year":
        return _unit(today, unit, n)
    if unit == "month":
        start = before(today, unit, n=-n) - timedelta(15)
        return start, start + timedelta(31)
    start = today + timedelta(_DAYS[unit] * n)
    around = timedelta(3 if unit == "week" else 0)
    return start - around, start + around + timedelta(1)


def _month(at: datetime, n: int) -> datetime:
    """Return when the month began that is so many months after another."""
    months = at.year * 12 + at.month - 1 + n
    return at.replace(year=months // 12, month=months % 12 + 1, day=1)


def _months(year: int, *, month: int, n: int) -> _Days:
    start = datetime(year, month, 1, tzinfo=UTC)
    return start, _month(start, n)


def _feast(year: int, *, name: str) -> _Days | None:
    dates, length = lexicon().feasts[name]
    if isinstance(dates, str):
        dates = (f"{year}-{dates}",)
    for day in dates:
        if day.startswith(str(year)):
            start = datetime.fromisoformat(day).replace(tzinfo=UTC)
            return start, start + timedelta(length)
    return None


def _decade(years: int) -> _Days:
    if years < 100:
        years += 1900 if years >= _LAST_CENTURY else 2000
    return datetime(years, 1, 1, tzinfo=UTC), datetime(years + 10, 1, 1, tzinfo=UTC)
