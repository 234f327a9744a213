"""Myself: whether somebody asks about themselves.

Nearly every word for "I" is another word somewhere: "min" are minutes, Polish "i" is "and". So one
counts only where the question has more of the commonest words of its language than of any other.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping

from argent_memo.common_words import by_language
from argent_memo.times import tells_time
from argent_memo.words import SPOKEN, fold, words

_I: Mapping[str, str] = {
    "da": "jeg mig min mit mine",
    "de": "ich mich mir mein meine meinen meinem meiner meines",
    "en": "i me my mine",
    "es": "yo me mi mis mio mia",
    "fr": "je me moi mon ma mes",
    "hr": "ja mi mene moj moja moje moji mojeg mojoj moju",
    "it": "io me mi mio mia miei mie",
    "nl": "ik mij me mijn",
    "no": "jeg meg min mitt mine mi",
    "pl": "ja mi mnie moj moja moje mojego mojej moim mojemu moich",
    "pt": "eu me mim meu minha meus minhas",
    "cs": "ja me mi moje moji mojeho moji",
    "ro": "eu mie mea meu",
    "sk": "ja mi ma moj moja moje mojho mojej",
    "sl": "jaz mi me moj moja moje moji",
    "sv": "jag mig min mitt mina",
    "tr": "ben bana beni benim",
    "vi": "toi",
}
_ELSEWHERE = re.compile(
    r"\b(?:я|меня|мне|мой|моя|мою|мои|أنا|انا|אני|שלי|मैं|मैंने|मेरा|मेरी|मेरे)\b"
    r"|我|私|僕|俺|ฉัน|ผม|나는|내가|저는|제가"
)


def says_i(text: str, *, names: Collection[str] = ()) -> bool:
    """Tell whether somebody asks about themselves.

    Args:
        names: Words of it that name somebody, folded.
    """
    if _ELSEWHERE.search(fold(text)) is not None:
        return True
    said = frozenset(words(text)).difference(names)
    numeral, capital = _capital_i(text)
    if capital and not numeral and "i" in said:
        return True
    found = [word for word in said.intersection(_by_word()) if word != "i" or not numeral]
    if not found:
        return False
    common = {language: len(said & ones) for language, ones in by_language().items()}
    return any(_is_meant(word, common) for word in found)


def _is_meant(word: str, common: Mapping[str, int]) -> bool:
    """Tell whether a question is in one of the languages in which a word is "I".

    Args:
        common: How many of the commonest words of each language it has.
    """
    own = _by_word()[word]
    others = max((n for language, n in common.items() if language not in own), default=0)
    return max(max(1, common.get(language, 0)) for language in own) > others


def _capital_i(text: str) -> tuple[bool, bool]:
    """Return whether an "I" is part of a name ("Henry I", "I Ching"), and whether there is one."""
    spoken = [match[0] for match in SPOKEN.finditer(text)]
    places = [place for place, word in enumerate(spoken) if word == "I"]
    in_names = [
        (place > 1 and spoken[place - 1][0].isupper() and not tells_time(spoken[place - 1]))
        or (place + 1 < len(spoken) and spoken[place + 1][0].isupper())
        for place in places
    ]
    return bool(places) and all(in_names), bool(places)


@functools.cache
def _by_word() -> Mapping[str, frozenset[str]]:
    """Return in which languages each word is "I"."""
    found: dict[str, set[str]] = {}
    for language, said in _I.items():
        for word in said.split():
            found.setdefault(word, set()).add(language)
    return {word: frozenset(languages) for word, languages in found.items()}
