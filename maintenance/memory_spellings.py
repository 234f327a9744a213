"""Spellings: which words, once they are folded, are common words of another language.

Czech "dříve" is "drive" then, and Turkish "önce" is "once". The languages are those whose commonest
words the memory knows; how often a word is used is looked up in wordfreq, which reads its own data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wordfreq import available_languages, get_frequency_dict

from argent_memo.common_words import by_language
from argent_memo.words import fold, words

_COMMON = 2e-5
"""The share of all words from which on one is common."""
_CODES = {"hr": "sh", "no": "nb"}
"""Languages that wordfreq calls by other names."""


class Spelt:
    """Words that are common ones of another language where they are folded.

    Args:
        pack: All that is kept by hand, by language.
    """

    def __init__(self, pack: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self._pack = pack
        self._all: dict[str, set[str]] = {}

    def may_stand(self, phrase: str, kind: str) -> bool:
        """Tell whether a phrase may be read; if only as it is written, that is kept.

        Args:
            kind: Under which it stands in the pack.
        """
        folded = fold(phrase)
        if len(words(phrase)) > 1 or not self._is_common(folded, kind):
            return True
        if folded != phrase.casefold():
            self._all.setdefault(folded, set()).add(phrase.casefold())
            return True
        return kind != "formerly"

    def _is_common(self, folded: str, kind: str) -> bool:
        """Tell whether it is a common word of a language in which it does not mean that."""
        return any(
            _frequencies(language).get(folded, 0.0) >= _COMMON
            for language in by_language()
            if folded
            not in map(fold, self._pack.get(_CODES.get(language, language), {}).get(kind, ()))
        )

    def sorted(self) -> dict[str, list[str]]:
        """Return the spellings, by what they are where they are folded."""
        return {folded: sorted(spelt) for folded, spelt in sorted(self._all.items())}


def _frequencies(language: str) -> Mapping[str, float]:
    """Return how often the words of a language are used; none of one that is not known."""
    code = _CODES.get(language, language)
    return get_frequency_dict(code) if code in available_languages() else {}
