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
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from attrs import evolve, frozen

from argent_memo import events, periods
from argent_memo.events import Event
from argent_memo.lexicon import Piece, lexicon, may_say_when, read, tells
from argent_memo.periods import Now
from argent_memo.periods import Span as Span
from argent_memo.words import fold, terms, words

_AMBIGUOUS = ("may", "march")
"""Months in English that are other words as well."""
_DAY = 86400.0
_BESIDE = 3
_WRITTEN = ("cue", "formerly")
"""What a word with accents means only if it is written with them."""
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
        maybe: Months that it may mean, with their names, which may be somebody's.
        event: That before or after which something was, if it names one and not its date.
        formerly: Whether it asks how something was.
        before: Terms of that before which it may ask how something was.
    """

    spans: Sequence[Span] = ()
    loose: Sequence[Span] = ()
    maybe: Sequence[tuple[str, Span]] = ()
    event: Event | None = None
    formerly: bool = False
    before: Collection[str] = ()


def told(
    query: str,
    *,
    now: datetime,
    years: Sequence[int],
    south: bool = False,
    people: Collection[str] = (),
) -> Told:
    """Read what a question says about when.

    Args:
        now: What "last week" counts from.
        years: Those that a date without a year may be of.
        south: Whether it is summer in January.
        people: Names of those whom it names; "April" is one of these then, and "in April" a month.
    """
    folded = fold(query)
    found = _read(query, folded)
    midnight = periods.sane(now).replace(hour=0, minute=0, second=0, microsecond=0)
    counted_from = Now(midnight, years, south)
    names = frozenset(word for name in people for word in words(name))
    found = [one for one in found if not _names_somebody(one, folded, names)]
    spans, maybe = _spans(query, folded, found, now=counted_from, names=names)
    event = events.named(folded, found)
    before = terms(event.words) if event is not None and event.relation == "before" else ()
    formerly = any(piece.means("formerly") and events.alone(folded, piece) for piece in found)
    dates: list[Span] = []
    if event is not None and event.relation != "while" and (spans or " " not in event.words):
        said = read(event.words)
        dates, _ = _spans(event.words, event.words, said, now=counted_from, names=names)
    if not spans and not dates:
        loose = periods.of_any_year(found, counted_from)
        event = event if not loose else None
        return Told(loose=loose, maybe=maybe, event=event, formerly=formerly, before=before)
    if event is None:
        return Told(spans, formerly=formerly)
    formerly = formerly or (bool(before) and _YEAR.search(event.words) is not None)
    if not dates:
        return Told(spans, formerly=formerly, before=before)
    at = min(start for start, _ in dates), max(end for _, end in dates)
    near, loose = event.times(at)
    days = [span for span in spans if span not in dates or span[1] - span[0] <= _DAY]
    return Told(near or days, loose, formerly=formerly, before=before)


def named_event(query: str) -> Event | None:
    """Return what a question counts time from; see ``told``."""
    folded = fold(query)
    return events.named(folded, _read(query, folded))


def _read(query: str, folded: str) -> list[Piece]:
    """Find the phrases in a question; "drive" is no "dříve"."""
    found, written = read(folded), lexicon().written
    spelt = unicodedata.normalize("NFC", query).casefold()
    for at, piece in enumerate(found):
        spellings = written.get(folded[piece.start : piece.end])
        if spellings and not any(spelling in spelt for spelling in spellings):
            rest = {kind: of for kind, of in piece.meanings.items() if kind not in _WRITTEN}
            found[at] = evolve(piece, meanings=rest)
    return found


def _names_somebody(piece: Piece, folded: str, names: frozenset[str]) -> bool:
    return (
        bool(names)
        and names.issuperset(words(folded[piece.start : piece.end]))
        and not _is_inside(words(folded[: piece.start])[-2:])
    )


def _is_inside(before: Sequence[str]) -> bool:
    """Tell whether what stands in front of a month says that something was in it."""
    inside = lexicon().inside
    return " ".join(before[-2:]) in inside or "".join(before[-1:]) in inside


def _spans(
    query: str, folded: str, found: Sequence[Piece], *, now: Now, names: frozenset[str]
) -> tuple[list[Span], list[tuple[str, Span]]]:
    """Return the times that are named, the most exact of them, and the months that may be."""
    placed = periods.placed(found, now)
    months = [*_by_month(query, now.years, names)]
    dates = [*_numeric(query, now.years), *(span for name, span in months if not name)]
    maybe = [(name, span) for name, span in months if name]
    if dates or (maybe and placed):
        every = [*dates, *(span for _, span in maybe)]
        return [one for one in every if _within(one, placed)] or dates or placed, []
    spans = (
        placed
        or periods.shifted(found, now)
        or periods.counted(found, now)
        or periods.decades(folded, found)
        or _named_year(query)
    )
    return spans, maybe


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


def _by_month(
    query: str, years: Sequence[int], names: frozenset[str]
) -> Iterator[tuple[str, Span]]:
    """Find months by name, with the day and the year that stand beside them.

    With neither of them, and nothing in front that says "in it", a month may be somebody's name:
    Julie, Marta, April. That name is given then.
    """
    written = [word.strip(".,;:!?()\"'") for word in unicodedata.normalize("NFKC", query).split()]
    folded = [fold(word) for word in written]
    last = -_BESIDE
    for i, word in enumerate(folded):
        months = lexicon().months.get(word)
        is_inside = _is_inside(folded[max(0, i - 2) : i]) or (
            len(folded) == 1 and word not in names  # "before June"
        )
        if not months:
            continue
        year = day = None
        for j in range(max(0, i - 2), min(len(folded), i + 4)):
            if j > i and year is None and (found := _YEAR.fullmatch(folded[j])):
                year = int(found[1])
            elif day is None and (found := _NUMBER.fullmatch(folded[j])):
                day = int(found[1]) if 1 <= int(found[1]) <= 31 else None
        beside = folded[max(0, i - 1) : i] + folded[i + 1 : i + 2]
        if word in names and not (is_inside or any(one[:1].isdigit() for one in beside)):
            continue
        capital = written[i][:1] != written[i][:1].lower()
        short = len(word) < 4 and word.isascii() and not capital
        if not (year or day) and (short or (word in _AMBIGUOUS and not (capital and i))):
            continue
        is_sure = bool(year or day or is_inside) or i - last < _BESIDE  # "in June and July"
        last = i if is_sure else last
        for month in months:
            for span in _span(year, month, day, years=years):
                yield "" if is_sure else word, span


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
