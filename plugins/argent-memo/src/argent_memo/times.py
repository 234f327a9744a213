"""Times: what a question says about when, in every language that CLDR has names for.

The names of months and the words for times come from ``lexicon.json``, which is made of the data
of dateparser (CLDR and what it adds). dateparser itself takes 75 ms for a question of unknown
language; these tables take microseconds. Only the question words are a list of our own: without
them nothing is lost but a small bonus.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from attrs import frozen

from argent_memo import events, periods
from argent_memo.events import Event
from argent_memo.lexicon import Piece, lexicon, may_say_when, read, tells
from argent_memo.periods import Now
from argent_memo.periods import Span as Span
from argent_memo.words import fold, words

_AMBIGUOUS = ("may", "march")
"""Months in English that are other words as well."""
_DAY = 86400.0
_CJK_DATE = re.compile(r"(?:(\d{4})\s*[年년]\s*)?(\d{1,2})\s*[月월](?:\s*(\d{1,2})\s*[日号일])?")
_ISO = re.compile(r"\b(\d{4})-(\d{1,2})(?:-(\d{1,2}))?\b")
_NUMBER = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?$")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_WHEN = re.compile(
    r"\b(?:when|what (?:date|day|month|year|time)|which (?:date|day|month|year|week)|how long"
    r"|wann|seit wann|wie lange|quand|depuis quand|combien de temps|cuando|cuanto tiempo|quando"
    r"|quanto tempo|wanneer|hoe lang|nar|hvornar|milloin|koska|kiedy|kdy|kedy|kada|kdaj|kogda"
    r"|mikor|cand|ne zaman|kapan|bila|khi nao|bao gio|bao lau|lini|noin|milal|kad|kuupaev)\b"
    r"|когда|коли|кога|ποτε|متي|کی|מתי|कब|কখন|எப்போது|เมื่อไ|เมื่อใด|ตอนไหน"
    r"|什么时候|甚麼時候|何时|何時|几时|哪天|多久|いつ|언제|როდის|երբ"
)


def asks_when(query: str) -> bool:
    """Tell whether a question asks for a time."""
    return _WHEN.search(fold(query)) is not None


def tells_time(text: str) -> bool:
    """Tell whether a text has a word that says when: a weekday, a month, a year, "next week"."""
    folded, known = fold(text), lexicon()
    if _YEAR.search(folded) is not None:
        return True
    said = words(folded)
    if not known.words.isdisjoint(said):
        return True
    if any(word in known.months and word not in _AMBIGUOUS for word in said):
        return True
    if folded.isascii() and not may_say_when(said):
        return False
    if any(piece.means("relative") for piece in read(folded)):
        return True
    return not folded.isascii() and tells(folded)


@frozen
class Told:
    """What a question says about when.

    Args:
        spans: The times that it names.
        loose: Times that may be meant: before or after one that it names, a summer of any year.
        event: That before or after which something was, if it names one and not its date.
        formerly: Whether it asks how something was.
    """

    spans: Sequence[Span] = ()
    loose: Sequence[Span] = ()
    event: Event | None = None
    formerly: bool = False


def told(query: str, *, now: datetime, years: Sequence[int], south: bool = False) -> Told:
    """Read what a question says about when.

    Args:
        now: What "last week" counts from.
        years: Those that a date without a year may be of.
        south: Whether it is summer in January.
    """
    folded = fold(query)
    found = read(folded)
    midnight = periods.sane(now).replace(hour=0, minute=0, second=0, microsecond=0)
    counted_from = Now(midnight, years, south)
    spans = _spans(query, folded, found, counted_from)
    event = events.named(folded, found)
    formerly = any(piece.means("formerly") for piece in found)
    formerly = formerly or (event is not None and event.relation == "before")
    if not spans:
        loose = periods.of_any_year(found, counted_from)
        return Told(loose=loose, event=event if not loose else None, formerly=formerly)
    if event is None:
        return Told(spans, formerly=formerly)
    dates = _spans(event.words, event.words, read(event.words), counted_from)
    if not dates or event.relation == "while":
        return Told(spans, formerly=formerly)
    at = min(start for start, _ in dates), max(end for _, end in dates)
    near, loose = event.times(at)
    days = [span for span in spans if span not in dates or span[1] - span[0] <= _DAY]
    return Told(near or days, loose, formerly=formerly)


def named_event(query: str) -> Event | None:
    """Return what a question counts time from; see ``told``."""
    folded = fold(query)
    return events.named(folded, read(folded))


def named_spans(
    query: str, *, now: datetime, years: Sequence[int], south: bool = False
) -> list[Span]:
    """Return the spans of time that a question names; see ``told``."""
    return list(told(query, now=now, years=years, south=south).spans)


def _spans(query: str, folded: str, found: Sequence[Piece], now: Now) -> list[Span]:
    """Return the times that are named, the most exact of them."""
    placed = periods.placed(found, now)
    if dates := [*_numeric(query, now.years), *_by_month(query, now.years)]:
        return [one for one in dates if _within(one, placed)] or dates
    return (
        placed
        or periods.shifted(found, now)
        or periods.counted(found, now)
        or periods.decades(folded, found)
        or _named_year(query)
    )


def _within(one: Span, others: Sequence[Span]) -> bool:
    return any(start <= one[0] and one[1] <= end for start, end in others)


def _named_year(query: str) -> list[Span]:
    year = _YEAR.search(query)
    return [] if year is None else list(_span(int(year[1]), None, None, years=()))


def _numeric(query: str, years: Sequence[int]) -> Iterator[Span]:
    for found in _ISO.finditer(query):
        day = int(found[3]) if found[3] else None
        yield from _span(int(found[1]), int(found[2]), day, years=years)
    for found in _CJK_DATE.finditer(unicodedata.normalize("NFKC", query)):
        year, month, day = (int(part) if part else None for part in found.groups())
        yield from _span(year, month, day, years=years)


def _by_month(query: str, years: Sequence[int]) -> Iterator[Span]:
    """Find months by name, with the day and the year that stand beside them."""
    written = [word.strip(".,;:!?()\"'") for word in unicodedata.normalize("NFKC", query).split()]
    folded = [fold(word) for word in written]
    for i, word in enumerate(folded):
        months = lexicon().months.get(word)
        if not months:
            continue
        year = day = None
        for j in range(max(0, i - 2), min(len(folded), i + 4)):
            if j > i and year is None and (found := _YEAR.fullmatch(folded[j])):
                year = int(found[1])
            elif day is None and (found := _NUMBER.fullmatch(folded[j])):
                day = int(found[1]) if 1 <= int(found[1]) <= 31 else None
        capital = written[i][:1] != written[i][:1].lower()
        short = len(word) < 4 and word.isascii() and not capital
        if not (year or day) and (short or (word in _AMBIGUOUS and not (capital and i))):
            continue
        for month in months:
            yield from _span(year, month, day, years=years)


def _span(
    year: int | None, month: int | None, day: int | None, *, years: Sequence[int]
) -> Iterator[Span]:
    """Return a day, a month or a year; without a year, that of every year there is."""
    for one in [year] if year is not None else years:
        if one not in periods.YEARS:
            continue
        try:
            start = datetime(one, month or 1, day or 1, tzinfo=UTC).timestamp()
        except ValueError:
            continue
        if day:
            days = 1
        elif month:
            days = calendar.monthrange(one, month)[1]
        else:
            days = 366 if calendar.isleap(one) else 365
        yield start, start + days * _DAY
