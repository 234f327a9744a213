"""Question: what is asked for, as the search takes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from attrs import define, evolve, field, frozen

from argent_memo import times
from argent_memo.common_words import asks_nothing
from argent_memo.myself import says_i
from argent_memo.words import SPOKEN, UNSPACED, terms, words

_LONGEST = 2000
_MOST_TERMS = 64
_LONG_NAME = 3
_MOST_WORDS = 4
"""Words of a name that may name somebody each; what is longer is a sentence."""


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
        before: Terms of that before which it may ask how something was.
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
    before: frozenset[str] = frozenset()

    @property
    def with_names(self) -> Question:
        """The same, with the names that were taken out."""
        return evolve(self, rest=self.text, terms=_wanted(self.text))


@frozen
class Called:
    """Whom a word of a question names.

    Args:
        alone: Whether it can be nothing else, so that the rest is what is asked for.
    """

    speakers: frozenset[str]
    alone: bool = True


@define(eq=False)
class Names:
    """The names of all whose words are remembered.

    Args:
        all: In full.
        by_word: Who has a word in the name, folded.
        by_stem: The words that are names, by all but their last letter.
        unspaced: Those that stand in a text without spaces around them.
    """

    all: frozenset[str] = frozenset()
    by_word: Mapping[str, frozenset[str]] = field(factory=dict)
    by_stem: Mapping[str, Collection[str]] = field(factory=dict)
    unspaced: Collection[str] = ()

    @classmethod
    def of(cls, speakers: Collection[str]) -> Names:
        """Take names apart; single letters of ASCII name nobody, nor does a word of many."""
        by_word: dict[str, set[str]] = {}
        by_stem: dict[str, list[str]] = {}
        for speaker in speakers:
            parts = words(speaker)
            for word in parts if len(parts) <= _MOST_WORDS else ():
                if len(word) > 1 or not word.isascii():
                    by_word.setdefault(word, set()).add(speaker)
        for word in by_word:
            if len(word) > _LONG_NAME:
                by_stem.setdefault(word[:-1], []).append(word)
        return cls(
            frozenset(speakers),
            {word: frozenset(of) for word, of in by_word.items()},
            by_stem,
            [word for word in by_word if not word.isascii() and UNSPACED.fullmatch(word)],
        )

    def among(self, text: str) -> dict[str, Called]:
        """Return the words of a text that name somebody, as they stand there or with an ending."""
        found = dict[str, Called]()
        for said in dict.fromkeys(SPOKEN.findall(text)):
            word = next(iter(words(said)), "")
            if word in self.by_word:
                found[word] = Called(self.by_word[word])
            elif said[0] != said[0].lower() and (speakers := self._inflected(word)):
                found[word] = Called(speakers, alone=False)  # "Handy" is no ending of "Hans"
        return found | {w: Called(self.by_word[w]) for w in self.unspaced if w in text}

    def _inflected(self, word: str) -> frozenset[str]:
        """Find whose name it may be, with another ending: "Мариной" for "Марина"."""
        if len(word) <= _LONG_NAME:
            return frozenset()
        stems = range(max(_LONG_NAME, len(word) - _LONG_NAME - 1), len(word) + 1)
        names = [name for n in stems for name in self.by_stem.get(word[:n], ())]
        return frozenset[str]().union(*(self.by_word[name] for name in set(names)))


def cut(query: str) -> str:
    """Return what is read of a query; any text is one."""
    return query[:_LONGEST].encode(errors="ignore").decode().replace("\0", " ")


def read(
    query: str, *, names: Names, asker: str = "", called: Mapping[str, Called] | None = None
) -> Question:
    """Take a query apart.

    Args:
        asker: Who asks.
        called: Which of its words name somebody, if not all that may.
    """
    text = cut(query)
    found = names.among(text) if called is None else called
    named = frozenset[str]().union(*(one.speakers for one in found.values()))
    if asker in names.all and says_i(text, names=found):
        named |= {asker}
    rest = _without(text, {word for word, one in found.items() if one.alone})
    if asks_nothing(terms(rest)):
        rest = text
    return Question(
        text=text,
        rest=rest,
        terms=_wanted(rest),
        speakers=named,
        asks_when=times.asks_when(text),
    )


def _wanted(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(terms(text)))[:_MOST_TERMS]


def _without(text: str, names: Collection[str]) -> str:
    """Return a text without the words that name somebody."""

    def look(match: re.Match[str]) -> str:
        return "" if next(iter(words(match[0])), "") in names else match[0]

    rest = SPOKEN.sub(look, text)
    for word in names:
        if not word.isascii() and UNSPACED.fullmatch(word):
            rest = rest.replace(word, "")
    return " ".join(rest.split())
