"""Tellings: sentences in which somebody tells a password, a PIN or the code of a door.

A sentence does so if it has a word for such a thing, and behind it what looks like one: "my wifi
password is hunter2", "the code for the door is 4711", "密码是 hunter2". The words for it, and those
that stand between, are in ``secret_words.json``, by language; what looks like a secret is the same
in each: letters with digits, a number of four digits or more, what stands in quotes; a plain word,
only if it is all that is said. What stands between counts in the language of the sentence alone:
"on" is "is" in Finnish.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from argent_memo.secret_words import (
    Speech,
    Word,
    all_words,
    common_words,
    everywhere,
    locks,
    speech_in,
)
from argent_memo.words import UNSPACED, fold, words

_SHORT = 4
"""Words of so few letters stand for themselves only: "pin" is none of "shopping"."""
_REACH = 300
"""Letters around a word for a secret that are looked at."""
_REACH_BACK = 100
_WITHIN = 12
"""Words between what is meant and what it is."""
_MOST = 2 * _WITHIN
_AROUND = ".,;!?()[]{}<>…。，、！？"
_QUOTES = "\"'`“”„«»‹›‘’「」『』"
_JOINING = frozenset((":", "=", "->", "=>", "-", "–", "—", "→", "："))
_TOKEN = re.compile(f"{UNSPACED.pattern}|[:=：]|[^\\s:=：]+")
_NEVER_PLAIN = ("key", "token")
_NOT_PLAIN = ("numbers", "ordinary", "given", "codes")
_YEAR = re.compile(r"(?:19|20)\d\d")
_DATE = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d")
_CLOCK = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d")
_MEASURE = re.compile(r"\d+[^\W\d_]{1,3}")
_LONG_WORD = 7
_LONGEST_TOOL = 20
_BEFORE = 2000
_FEW_WORDS = 3


def words_for_secrets(text: str) -> list[Word]:
    """Return the words for a secret in a text: without one no sentence of it tells any."""
    return _among(all_words(), fold(text))


def tells_secret(sentence: str, *, before: str = "", among: Sequence[Word] | None = None) -> bool:
    """Tell whether a sentence tells a password, a PIN or a code.

    Args:
        before: What was said before it: a bare "4711" answers it.
        among: The words for a secret in the text that it is of; else all are looked for.
    """
    folded = fold(sentence)
    known = all_words() if among is None else among
    asks = sentence.rstrip().endswith(("?", "？", "؟"))
    own: frozenset[str] | None = None
    for word in _among(known, folded):
        if places := list(_places(folded, word)):
            own = _own_languages(folded) if own is None else own
            speech = speech_in(_spoken(word, own))
            if any(_tells(folded, at, word=word, speech=speech, asks=asks) for at in places):
                return True
    return _answers(folded, before, known) if before else False


def _among(known: Sequence[Word], folded: str) -> list[Word]:
    return [word for word in known if word.text in folded]


def _answers(folded: str, before: str, known: Sequence[Word]) -> bool:
    """Tell whether a few words are the secret that was asked for."""
    tokens = _tokens(folded) if len(folded) <= _REACH else []
    if len(tokens) > _SHORT or not any(_looks_secret(token) for token in tokens):
        return False
    said = fold(before[-_BEFORE:])
    return any(
        any(_looks(token, word) for token in tokens)
        and any(not _is_tool(said, place) for place in _places(said, word))
        for word in _among(known, said)
    )


def _tells(folded: str, place: tuple[int, int], *, word: Word, speech: Speech, asks: bool) -> bool:
    """Tell whether a secret stands behind a word for one, or before it."""
    start, end = place
    if _is_tool(folded, place):
        return False
    never = word.kind in _NOT_PLAIN or folded[start:end].endswith(_NEVER_PLAIN)
    tokens = _tokens(folded[end : end + _REACH].lstrip(_QUOTES))
    if end + _REACH < len(folded) and len(tokens) < _MOST:
        tokens = tokens[:-1]  # it may be torn
    return _told(tokens, word, speech=speech, plain=not asks and not never) or _told_first(
        folded[max(0, end - _REACH_BACK) : end], word, speech=speech
    )


def _places(folded: str, word: Word) -> Iterator[tuple[int, int]]:
    """Yield where a word begins and ends, with what sticks to it."""
    unspaced = UNSPACED.match(word.text) is not None
    whole = word.kind == "given" or (len(word.text) < _SHORT and not unspaced)
    start = folded.find(word.text)
    while start >= 0:
        end = start + len(word.text)
        if not whole or _stands_alone(folded, start, end):
            while end < len(folded) and folded[end].isalpha() and not unspaced:
                end += 1
            if word.kind != "codes" or _opens(folded[max(0, start - _REACH) : end + _REACH], word):
                yield start, end
        start = folded.find(word.text, end)


def _stands_alone(folded: str, start: int, end: int) -> bool:
    return not (folded[start - 1 : start].isalnum() or folded[end : end + 1].isalnum())


def _opens(around: str, word: Word) -> bool:
    """Tell whether what stands around a code is something that it could open."""
    for language in word.languages:
        opened, other = locks()[language]
        if any(one in around for one in opened) and not any(code in around for code in other):
            return True
    return False


def _is_tool(folded: str, place: tuple[int, int]) -> bool:
    """Tell whether it is what makes or keeps secrets: a password manager."""
    start, end = place
    tools = everywhere("tools")
    behind = folded[end : end + _LONGEST_TOOL].lstrip(" -")
    return folded[start:end].endswith(tools) or behind.startswith(tools)


def _told(tokens: Sequence[str], word: Word, *, speech: Speech, plain: bool) -> bool:
    """Tell whether what stands behind the word for a secret is one.

    Args:
        plain: Whether a word without digits may be.
    """
    given = word.kind == "given"
    if tokens and not given and _is_right_behind(tokens, word):
        return True
    for n, token in enumerate(tokens[: 1 if given else _WITHIN]):
        if _joins(token, speech):
            signed = n == 0 and token in _JOINING
            if _is_value(tokens[n + 1 :], word, speech=speech, plain=plain, signed=signed):
                return True
    if given or word.kind == "ordinary" or not 0 < len(tokens) <= _WITHIN:
        return False
    return _looks(tokens[-1], word) and not _is_clock(tokens)


def _is_right_behind(tokens: Sequence[str], word: Word) -> bool:
    """Tell whether the secret stands behind the word for it, with nothing between."""
    number = "" if _DATE.fullmatch(_bare(tokens[0])) else _number(tokens)
    if _looks(tokens[0], word, years=True) or len(number) >= _SHORT:
        return True
    return word.kind != "ordinary" and tokens[0][0] in _QUOTES[:3]


def _told_first(folded: str, word: Word, *, speech: Speech) -> bool:
    """Tell whether the secret comes first: "4711 is the code", "use hunter2 as the password"."""
    tokens = _tokens(folded, most=_REACH_BACK)[-_SHORT - 1 :]
    pairs = itertools.pairwise(tokens)
    return any(_looks(a, word) and _joins(b, speech) for a, b in pairs)


def _is_value(
    tokens: Sequence[str], word: Word, *, speech: Speech, plain: bool, signed: bool
) -> bool:
    """Tell whether what a secret is said to be is one.

    Args:
        signed: Whether a sign says so, right behind the word for it.
    """
    rest = list(itertools.dropwhile(lambda t: t in speech.fill or _joins(t, speech), tokens))
    if not rest or word.kind == "given":
        return bool(rest) and _looks(rest[0], word)
    number = _number(rest)
    joined = signed and len(rest) > 1 and rest[1] in everywhere("and")
    ends = len(rest) == 1 or rest[0][-1] in ",;.。，" or joined
    if len(number) >= _SHORT or (len(number) == _SHORT - 1 and ends):
        return True
    quoted = rest[0][0] in _QUOTES and len(_bare(rest[0])) > 1 and word.kind != "ordinary"
    if quoted or _looks_secret(rest[0], years=True):
        return True
    first = _bare(rest[0])
    if not plain or not first.isalpha() or first in everywhere("weak"):
        return False
    return (ends and len(first) >= _SHORT) or (word.kind == "phrases" and _is_phrase(rest))


def _is_phrase(tokens: Sequence[str]) -> bool:
    """Tell whether it is words in a row that make no sentence."""
    said = [_bare(token) for token in tokens[:_WITHIN]]
    common = sum(one in common_words() for one in said)
    return len(said) >= _FEW_WORDS and common * _SHORT <= len(said) and all(map(str.isalpha, said))


def _number(tokens: Sequence[str]) -> str:
    """Return the digits of a number that is written in parts: 47 11, 47-11."""
    number = ""
    for token in tokens:
        if not (digits := _bare(token).replace("-", "")).isdigit():
            break
        number += digits
    return number


def _looks(token: str, word: Word, *, years: bool = False) -> bool:
    """Tell whether it looks like what such a word is for."""
    bare = _bare(token)
    if word.kind == "given":
        return len(bare) >= _LONG_WORD and _has_both(bare) and not _MEASURE.fullmatch(bare)
    return _looks_secret(token, years=years) and (word.kind != "numbers" or bare.isdigit())


def _looks_secret(token: str, *, years: bool = False) -> bool:
    """Tell whether it is a number of four digits or more, or letters with digits.

    Args:
        years: Whether it may look like a year.
    """
    word = _bare(token)
    if word.isdigit():
        return len(word) >= _SHORT and (years or _YEAR.fullmatch(word) is None)
    return len(word) > _SHORT and _has_both(word)


def _is_clock(tokens: Sequence[str]) -> bool:
    """Tell whether the last of some words is a time of the day: "at 1530"."""
    at = len(tokens) > 1 and tokens[-2] in everywhere("at")
    return at and _CLOCK.fullmatch(_bare(tokens[-1])) is not None


def _has_both(word: str) -> bool:
    return any(c.isdigit() for c in word) and any(c.isalpha() for c in word)


def _joins(token: str, speech: Speech) -> bool:
    return token in _JOINING or token.strip(_AROUND) in speech.joining


def _bare(token: str) -> str:
    return token.lstrip(_AROUND + _QUOTES).rstrip(_AROUND + _QUOTES + "#*")


def _tokens(folded: str, *, most: int = _MOST) -> list[str]:
    """Return what stands between spaces, the first of it; what is written without any, apart."""
    found = (match[0] for match in _TOKEN.finditer(folded))
    return list(itertools.islice((one for one in found if one.strip(_AROUND)), most))


def _own_languages(folded: str) -> frozenset[str]:
    """Return the languages that most of the common words of a sentence are of."""
    common = common_words()
    found = Counter(one for word in set(words(folded)) for one in common.get(word, ()))
    most = max(found.values(), default=0)
    return frozenset(one for one, n in found.items() if n == most)


def _spoken(word: Word, own: frozenset[str]) -> frozenset[str]:
    """Return the languages in which a word for a secret is spoken of; none, if it may be any."""
    return own | word.languages if len(word.languages) == 1 else own or word.languages
