"""Times: what a question says about when, in every language that CLDR has names for.

The names of months and the words for times come from ``lexicon.json``, which is made of the data
of dateparser (CLDR and what it adds). dateparser itself takes 75 ms for a question of unknown
language; these tables take microseconds. Only the question words are a list of our own: without
them nothing is lost but a small bonus.
"""

from __future__ import annotations

import calendar
import functools
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from attrs import frozen

from argent_memo.words import UNSPACED, fold, words

Span = tuple[float, float]
"""From when until when, in seconds since 1970."""

_AMBIGUOUS = ("may", "march")
"""Months in English that are other words as well."""
_DAY = 86400.0
_CJK_DATE = re.compile(r"(?:(\d{4})\s*[年년]\s*)?(\d{1,2})\s*[月월](?:\s*(\d{1,2})\s*[日号일])?")
_ISO = re.compile(r"\b(\d{4})-(\d{1,2})(?:-(\d{1,2}))?\b")
_NUMBER = re.compile(r"(\d+)(?:st|nd|rd|th|er|º|ª|\.)?$")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_WHEN = re.compile(
    r"\b(?:when|what (?:date|day|month|year|time)|which (?:date|day|month|year|week)|how long"
    r"|wann|seit wann|wie lange|quand|depuis quand|combien de temps|cuando|cuanto tiempo|quando"
    r"|quanto tempo|wanneer|hoe lang|nar|hvornar|milloin|koska|kiedy|kdy|kedy|kada|kdaj|kogda"
    r"|mikor|cand|ne zaman|kapan|bila|khi nao|bao gio|bao lau|lini|noin|milal|kad|kuupaev)\b"
    r"|когда|коли|кога|ποτε|متي|کی|מתי|कब|কখন|எப்போது|เมื่อไ|เมื่อใด|ตอนไหน"
    r"|什么时候|甚麼時候|何时|何時|几时|哪天|多久|いつ|언제|როდის|երբ"
)
_SPEAKER_SELF = re.compile(
    r"\b(?:i|me|my|mine|ich|mich|mir|mein\w*|je|moi|mon|ma|mes|yo|mi|mis|io|mio|mia|eu|meu|minha"
    r"|ik|mij|mijn|jag|jeg|min|mitt|ja|moj\w*|ben|benim|toi)\b"
    r"|\b(?:я|меня|мне|мой|моя|мою|мои|أنا|انا|אני|שלי|मैं|मैंने|मेरा|मेरी|मेरे)\b"
    r"|我|私|僕|俺|ฉัน|ผม|나는|내가|저는|제가"
)


@frozen
class _Lexicon:
    """Names of times in many languages, folded.

    Args:
        months: Numbers of the months that a name may mean.
        relative: Units and amounts that a phrase may mean: ``{"last week": [["week", -1]]}``.
        words: Words that say when something was or will be.
        phrases: The keys of ``relative`` by their first words.
        unspaced: Finds them where a script has no spaces.
    """

    months: Mapping[str, Sequence[int]]
    relative: Mapping[str, Sequence[tuple[str, int]]]
    words: frozenset[str]
    phrases: Mapping[str, Sequence[str]]
    unspaced: re.Pattern[str]


def asks_when(query: str) -> bool:
    """Tell whether a question asks for a time."""
    return _WHEN.search(fold(query)) is not None


def says_i(query: str) -> bool:
    """Tell whether somebody asks about themselves."""
    return _SPEAKER_SELF.search(fold(query)) is not None


def tells_time(text: str) -> bool:
    """Tell whether a text has a word that says when: a weekday, a month, a year, "next week"."""
    folded, lexicon = fold(text), _lexicon()
    if _YEAR.search(folded) is not None:
        return True
    for word in words(folded):
        if word in lexicon.words or (word in lexicon.months and word not in _AMBIGUOUS):
            return True
        phrases = lexicon.phrases.get(word, ())
        if any(phrase == word or (" " in phrase and phrase in folded) for phrase in phrases):
            return True
    return not folded.isascii() and lexicon.unspaced.search(folded) is not None


def named_spans(query: str, *, now: datetime, years: Sequence[int]) -> list[Span]:
    """Return the spans of time that a question names.

    Args:
        now: What "last week" counts from.
        years: Those that a date without a year may be of.
    """
    found = [*_numeric(query, years), *_by_month(query, years)]
    if not found and (year := _YEAR.search(query)):
        found = list(_span(int(year[1]), None, None, years=years))
    return found or list(_relative(fold(query), now))


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
        months = _lexicon().months.get(word)
        if not months:
            continue
        year = day = None
        for j in range(max(0, i - 2), min(len(folded), i + 4)):
            if j > i and year is None and (found := _YEAR.fullmatch(folded[j])):
                year = int(found[1])
            elif day is None and (found := _NUMBER.fullmatch(folded[j])):
                day = int(found[1]) if 1 <= int(found[1][:3]) <= 31 else None
        capital = written[i][:1] != written[i][:1].lower()
        short = len(word) < 4 and word.isascii() and not capital
        if not (year or day) and (short or (word in _AMBIGUOUS and not (capital and i))):
            continue
        for month in months:
            yield from _span(year, month, day, years=years)


def _relative(folded: str, now: datetime) -> Iterator[Span]:
    """Find phrases such as "last week", whole words only."""
    lexicon = _lexicon()
    found = {
        phrase
        for word in words(folded)
        for phrase in lexicon.phrases.get(word, ())
        if phrase == word or (" " in phrase and re.search(rf"\b{re.escape(phrase)}\b", folded))
    }
    if not folded.isascii():
        matches = lexicon.unspaced.finditer(folded)
        found |= {match[0] for match in matches if match[0] in lexicon.relative}
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for phrase in sorted(found):
        for unit, amount in lexicon.relative[phrase]:
            start, end = _unit(today, unit, amount), _unit(today, unit, amount + 1)
            yield start.timestamp(), end.timestamp()


def _unit(today: datetime, unit: str, amount: int) -> datetime:
    """Return when a day, week, month or year begins, counted from the present one."""
    if unit == "day":
        return today + timedelta(amount)
    if unit == "week":
        return today + timedelta(7 * amount - today.weekday())
    if unit == "month":
        months = today.year * 12 + today.month - 1 + amount
        return today.replace(year=months // 12, month=months % 12 + 1, day=1)
    return today.replace(year=today.year + amount, month=1, day=1)


def _span(
    year: int | None, month: int | None, day: int | None, *, years: Sequence[int]
) -> Iterator[Span]:
    """Return a day, a month or a year; without a year, that of every year there is."""
    for one in [year] if year else years:
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


@functools.cache
def _lexicon() -> _Lexicon:
    raw: dict[str, Any] = json.loads(files(__package__).joinpath("lexicon.json").read_text("utf-8"))
    phrases: dict[str, list[str]] = {}
    for phrase in raw["relative"]:
        phrases.setdefault(phrase.split()[0], []).append(phrase)
    names = [*raw["time_words"], *raw["relative"], *raw["months"]]
    unspaced = sorted((n for n in names if UNSPACED.fullmatch(n)), key=len, reverse=True)
    return _Lexicon(
        months=raw["months"],
        relative=raw["relative"],
        words=frozenset(raw["time_words"]),
        phrases=phrases,
        unspaced=re.compile("|".join(map(re.escape, unspaced))),
    )
