"""Tellings: sentences in which somebody tells a password, a PIN or the code of a door.

A sentence does so if it has a word for such a thing, and behind it what looks like one: "my wifi
password is hunter2", "the code for the door is 4711", "密码是 hunter2". The words for it, and those
that stand between, are in ``secret_words.json``, by language; what looks like a secret is the same
in each: letters with digits, a number of four digits or more, what stands in quotes; a plain word,
only if it is all that is said.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from importlib import resources

from attrs import frozen

from argent_memo.words import UNSPACED, fold

_SHORT = 4
"""Words of so few letters stand for themselves only: "pin" is none of "shopping"."""
_LONGEST = 2000
_WITHIN = 12
"""Words between what is meant and what it is."""
_AROUND = ".,;!?()[]{}<>…。，、！？"
_QUOTES = "\"'`“”„«»‹›‘’「」『』"
_JOINING = frozenset((":", "=", "->", "=>", "-", "–", "—", "→", "："))
_TOKEN = re.compile(f"{UNSPACED.pattern}|[:=：]|[^\\s:=：]+")
_NEVER_PLAIN = ("key", "token")
_YEAR = re.compile(r"(?:19|20)\d\d")


@frozen
class _Language:
    """How a language speaks of secrets.

    Args:
        secrets: What is secret whatever it is of.
        codes: What is, if it opens something.
        joining: What stands between it and what it is.
        fill: What may stand behind that.
        weak: What a secret is said to be, and tells nothing of it.
        other: Codes that are none.
    """

    secrets: tuple[str, ...]
    codes: tuple[str, ...]
    locks: tuple[str, ...]
    joining: frozenset[str]
    fill: frozenset[str]
    weak: frozenset[str]
    other: tuple[str, ...]


def speaks_of_secrets(text: str) -> bool:
    """Tell whether a text has a word for a secret: without one no sentence of it tells any."""
    folded = fold(text)
    return any(word in folded for one in _languages() for word in (*one.secrets, *one.codes))


def tells_secret(sentence: str, *, before: str = "") -> bool:
    """Tell whether a sentence tells a password, a PIN or a code.

    Args:
        before: What was said before it: a bare "4711" answers it.
    """
    folded = fold(sentence[:_LONGEST])
    asks = sentence.rstrip().endswith(("?", "？", "؟"))
    if any(_tells(folded, one, asks=asks) for one in _languages()):
        return True
    tokens = _tokens(folded)
    if not before or len(tokens) > _SHORT or not any(_looks_secret(t) for t in tokens):
        return False
    said = fold(before[-_LONGEST:])
    return any(_places(said, one.secrets) or _codes(said, one) for one in _languages())


def _tells(folded: str, language: _Language, *, asks: bool) -> bool:
    for start, end in _places(folded, language.secrets):
        rest = _tokens(folded[end:].lstrip(_QUOTES))
        plain = not asks and not folded[start:end].endswith(_NEVER_PLAIN)
        if _told(rest, language, plain=plain) or _told_first(folded[:end], language):
            return True
    for _, end in _codes(folded, language):
        if _told(_tokens(folded[end:]), language, plain=False):
            return True
        if _told_first(folded[:end], language):
            return True
    return False


def _codes(folded: str, language: _Language) -> list[tuple[int, int]]:
    """Return where a code is named, in a sentence with something that it could open."""
    found = _places(folded, language.codes)
    if not found or any(word in folded for word in language.other):
        return []
    return found if any(word in folded for word in language.locks) else []


def _places(folded: str, named: Sequence[str]) -> list[tuple[int, int]]:
    """Return where words begin and end, with what sticks to them."""
    found = []
    for word in named:
        start = folded.find(word)
        while start >= 0:
            end = start + len(word)
            if not _is_short(word) or _stands_alone(folded, start, end):
                while end < len(folded) and folded[end].isalpha() and not UNSPACED.match(word):
                    end += 1
                found.append((start, end))
            start = folded.find(word, end)
    return found


def _is_short(word: str) -> bool:
    return len(word) < _SHORT and not UNSPACED.match(word)


def _stands_alone(folded: str, start: int, end: int) -> bool:
    return not (folded[start - 1 : start].isalnum() or folded[end : end + 1].isalnum())


def _told(tokens: Sequence[str], language: _Language, *, plain: bool) -> bool:
    """Tell whether what stands behind the word for a secret is one.

    Args:
        plain: Whether a word without digits may be.
    """
    if tokens and (_looks_secret(tokens[0], years=True) or tokens[0][0] in _QUOTES[:3]):
        return True
    for n, token in enumerate(tokens[:_WITHIN]):
        if _joins(token, language) and _is_value(tokens[n + 1 :], language, plain=plain):
            return True
    return 0 < len(tokens) <= _WITHIN and _looks_secret(tokens[-1])


def _told_first(folded: str, language: _Language) -> bool:
    """Tell whether the secret comes first: "4711 is the code", "use hunter2 as the password"."""
    tokens = _tokens(folded)[-_SHORT - 1 :]
    pairs = itertools.pairwise(tokens)
    return any(_looks_secret(a) and _joins(b, language) for a, b in pairs)


def _is_value(tokens: Sequence[str], language: _Language, *, plain: bool) -> bool:
    """Tell whether what a secret is said to be is one."""
    rest = list(tokens)
    while rest and (rest[0] in language.fill or _joins(rest[0], language)):
        rest.pop(0)
    if not rest:
        return False
    number = ""
    for token in rest:  # 47 11, 47-11
        if not (digits := _bare(token).replace("-", "")).isdigit():
            break
        number += digits
    ends = len(rest) == 1 or rest[0][-1] in ",;.。，"
    if len(number) >= _SHORT or (len(number) == _SHORT - 1 and ends):
        return True
    if _looks_secret(rest[0], years=True) or (rest[0][0] in _QUOTES and len(_bare(rest[0])) > 1):
        return True
    word = _bare(rest[0])
    known = bool(language.weak) and word not in language.weak
    return plain and ends and known and word.isalpha() and len(word) >= _SHORT


def _looks_secret(token: str, *, years: bool = False) -> bool:
    """Tell whether it is a number of four digits or more, or letters with digits.

    Args:
        years: Whether it may look like a year.
    """
    word = _bare(token)
    if word.isdigit():
        return len(word) >= _SHORT and (years or _YEAR.fullmatch(word) is None)
    return len(word) > _SHORT and _has_both(word)


def _has_both(token: str) -> bool:
    word = _bare(token)
    return any(c.isdigit() for c in word) and any(c.isalpha() for c in word)


def _joins(token: str, language: _Language) -> bool:
    return token in _JOINING or token.strip(_AROUND) in language.joining


def _bare(token: str) -> str:
    return token.strip(_AROUND + _QUOTES)


def _tokens(folded: str) -> list[str]:
    """Return what stands between spaces; what is written without any, apart."""
    return [found for found in _TOKEN.findall(folded) if found.strip(_AROUND)]


@functools.cache
def _languages() -> tuple[_Language, ...]:
    text = resources.files("argent_memo").joinpath("secret_words.json").read_text("utf-8")
    raw = json.loads(text)
    everywhere = raw.pop("any")
    return tuple(_language({**everywhere, **one}, everywhere) for one in raw.values())


def _language(raw: dict[str, str], everywhere: dict[str, str]) -> _Language:
    def several(name: str) -> Iterator[str]:
        return (fold(word) for word in raw.get(name, "").split("|") if word)

    def words(name: str) -> frozenset[str]:
        return frozenset(fold(raw.get(name, "")).split())

    return _Language(
        secrets=(*several("secrets"), *everywhere["secrets"].split("|")),
        codes=tuple(several("codes")),
        locks=tuple(several("locks")),
        joining=words("is"),
        fill=words("fill"),
        weak=words("weak"),
        other=tuple(several("other")),
    )
