"""Words: what a text offers to a search, in every script.

No language is detected and no stop word is listed; classes of characters come from Unicode. FTS5
knows no word boundaries where a script writes none, and its query language is none of a person's
business: what is indexed are the terms made here, and what is asked for is made of them too. They
hold letters, signs and digits only, so nothing of them is syntax.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Collection

STEM = 5
"""Letters that are kept of a word: as good as Snowball's stemmers here, for every language."""
_FULL = 20
_LONGEST_NUMBER = 40

_MARKS = "".join(chr(c) for c in range(0x300, 0x11FFF) if unicodedata.category(chr(c))[0] == "M")
_WORD = re.compile(rf"(?:[^\W_]|[{re.escape(_MARKS)}])+")
_PLAIN_WORD = re.compile(r"[^\W_]+")
"""The same where there are no marks; it takes a tenth of the time."""
SPOKEN = re.compile(rf"(?:[^\W_]|[{re.escape(_MARKS)}])+(?:['’]s\b)?")
"""A word as it is written, with the ending of a possessive."""
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Scripts written without spaces, and Hangul, whose particles stick to the noun."""
_PREFIXED = re.compile("[\u0590-\u05ff\u0600-\u06ff\u0750-\u077f]")
"""Scripts whose articles and prepositions stick to the front of a word."""
_PLAIN = str.maketrans(
    {
        "ı": "i",
        "đ": "d",
        "ł": "l",
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "ى": "ي",
        "ة": "ه",
        "ـ": None,
        "’": "'",
        "\u200c": None,
        "\u200d": None,
    }
)
_ASKS = re.compile(r"[?？؟;⁇⁈❓]")
_QUESTION = re.compile(r"[?？؟;⁇⁈❓]\s*$")  # the Greek question mark is ; once it is normalised
_SENTENCE = re.compile(r"[^.!?。！？؟।…\n]*[.!?。！？؟।…\n]+|[^.!?。！？؟।…\n]+$")


def fold(text: str) -> str:
    """Take case, width, ligatures and accents away."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in parts if not _may_be_left_out(c))
    return unicodedata.normalize("NFC", kept).translate(_PLAIN)


def words(text: str) -> list[str]:
    """Return the words of a text, folded, in order; an apostrophe parts two: j'apprends, Rex'i."""
    folded = fold(text)
    return (_PLAIN_WORD if folded.isascii() else _WORD).findall(folded)


def terms(text: str) -> list[str]:
    """Return the terms of a text for the index, in order."""
    return [term for word in words(text) for term in _terms_of(word)]


def share_in(text: str, scripts: Collection[str]) -> float:
    """Return the share of a text's letters that are of some scripts, by their names in Unicode."""
    letters = [char for char in fold(text) if char.isalpha()]
    known = sum(_script(char) in scripts for char in letters)
    return known / len(letters) if letters else 1.0


def substance(text: str, length: int) -> float:
    """Return how much a text tells, from 0 to 1: its terms outside of questions, of twenty.

    Greetings and bare questions match the words of a question well and answer nothing.

    Args:
        length: How many terms it has.
    """
    if _ASKS.search(text):
        asked = (s for s in _SENTENCE.findall(text) if _QUESTION.search(s))
        length -= sum(len(terms(sentence)) for sentence in asked)
    return max(0.0, substance_at_most(length))


def substance_at_most(length: int) -> float:
    """Return what a text of so many terms tells, if none of it is a question."""
    return min(1.0, length / _FULL)


@functools.lru_cache(1 << 14)
def _may_be_left_out(char: str) -> bool:
    """Tell whether it is a mark that people leave out: an accent, a Hebrew point, an Arabic vowel.

    Those that make another word stay: vowel signs and viramas of India, kana voicing, Thai tones
    (combining classes 0, 9, 8, 107: https://www.unicode.org/reports/tr44/#Canonical_Combining_Class_Values).
    """
    kind = unicodedata.combining(char)
    return 10 <= kind <= 35 or kind >= 200


@functools.lru_cache(1 << 14)
def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0].split("-")[0]


def _terms_of(word: str) -> tuple[str, ...]:
    if word.isascii():  # in less time than it takes to remember, and without the memory
        return (word[: _LONGEST_NUMBER if word[0].isdigit() else STEM],)
    return _terms_beyond(word)


@functools.lru_cache(1 << 13)
def _terms_beyond(word: str) -> tuple[str, ...]:
    """Cut a word that is not all in ASCII."""
    if UNSPACED.search(word):
        return _unspaced(word)
    if _PREFIXED.match(word) and len(word) > 3:
        return tuple(word[i : i + 3] for i in range(len(word) - 2))
    if word[0].isdigit():
        return (word[:_LONGEST_NUMBER],)
    bare = word.rstrip(_MARKS)
    return (_first_letters(bare if len(bare) > 1 else word),)


def _unspaced(word: str) -> tuple[str, ...]:
    """Cut a run without spaces into overlapping pairs; what stands beside it is a word."""
    found: list[str] = []
    end = 0
    for match in UNSPACED.finditer(word):
        if match.start() > end:
            found += _terms_of(word[end : match.start()])
        run = match[0]
        found += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
        end = match.end()
    return (*found, *(_terms_of(word[end:]) if end < len(word) else ()))


def _first_letters(word: str) -> str:
    """Return the first letters of a word, with whatever signs they carry."""
    letters = 0
    for i, char in enumerate(word):
        letters += unicodedata.category(char)[0] != "M"
        if letters > STEM:
            return word[:i]
    return word
