"""Question: what is asked for, as the search takes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from attrs import define, field, frozen

from argent_memo import times
from argent_memo.words import SPOKEN, UNSPACED, terms, words

_LONGEST = 2000
_MOST_TERMS = 64
_LONG_NAME = 3


@frozen(kw_only=True)
class Question:
    """A query, taken apart.

    Args:
        text: All of it, as far as it is read.
        rest: It without the names of those who are asked about. Names draw a search to whatever
            was said to or about somebody: MiniLM alone finds 0.37 with them, and 0.63 without.
        terms: What is looked up in the index.
        speakers: Names of those whose words are asked for.
        asks_when: Whether it asks for a time.
        spans: Of time that it names, as far as the memory goes back.
        past: Those of them that are over. What was said in the present week need have nothing to do
            with a question that has "this week" in it.
        loose: Times that may be meant, no more: all before or after something.
        formerly: Whether it asks how something was.
    """

    text: str
    rest: str
    terms: tuple[str, ...]
    speakers: frozenset[str]
    asks_when: bool
    spans: tuple[times.Span, ...] = ()
    past: tuple[times.Span, ...] = ()
    loose: tuple[times.Span, ...] = ()
    formerly: bool = False


@define(eq=False)
class Names:
    """The names of all whose words are remembered.

    Args:
        all: In full.
        by_word: Who has a word in the name, folded.
    """

    all: frozenset[str] = frozenset()
    by_word: dict[str, frozenset[str]] = field(factory=dict)

    @classmethod
    def of(cls, speakers: Collection[str]) -> Names:
        """Take names apart; single letters of ASCII name nobody."""
        by_word: dict[str, set[str]] = {}
        for speaker in speakers:
            for word in words(speaker):
                if len(word) > 1 or not word.isascii():
                    by_word.setdefault(word, set()).add(speaker)
        return cls(frozenset(speakers), {word: frozenset(of) for word, of in by_word.items()})


def read(query: str, *, names: Names, asker: str = "") -> Question:
    """Take a query apart; any text is one.

    Args:
        asker: Who asks.
    """
    text = query[:_LONGEST].encode(errors="ignore").decode().replace("\0", " ")
    named, rest = _without_names(text, names.by_word)
    if asker in names.all and times.says_i(text):
        named.add(asker)
    wanted = dict.fromkeys(terms(rest)) or dict.fromkeys(terms(text))
    return Question(
        text=text,
        rest=rest or text,
        terms=tuple(wanted)[:_MOST_TERMS],
        speakers=frozenset(named),
        asks_when=times.asks_when(text),
    )


def _without_names(text: str, by_word: Mapping[str, frozenset[str]]) -> tuple[set[str], str]:
    """Return who is named in a text, and the text without the names."""
    named: set[str] = set()

    def look(match: re.Match[str]) -> str:
        word = next(iter(words(match[0])), "")
        found = by_word.get(word, frozenset())
        if not found and match[0][:1] != match[0][:1].lower():
            found = _inflected(word, by_word)
        named.update(found)
        return "" if found else match[0]

    rest = SPOKEN.sub(look, text)
    for word, found in by_word.items():  # names in a text without spaces
        if not word.isascii() and UNSPACED.fullmatch(word) and word in rest:
            named |= found
            rest = rest.replace(word, "")
    return named, " ".join(rest.split())


def _inflected(word: str, by_word: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Find whose name it may be, with another ending: "Мариной" for "Марина"."""
    return frozenset(
        speaker
        for name, speakers in by_word.items()
        if len(name) > _LONG_NAME < len(word)
        and abs(len(name) - len(word)) <= _LONG_NAME
        and word.startswith(name[:-1])
        for speaker in speakers
    )
