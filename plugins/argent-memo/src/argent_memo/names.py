"""Names: who and what a text names, as far as its writing shows it.

Where a script has capitals, a name has one in the middle of a sentence. How much that says is
learned from the texts themselves: where they capitalise every noun, as German does, only several
capitalised words in a row are taken for a name. Where a script has none, nothing shows a name, and
only those that are known already are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from argent_memo import times
from argent_memo.words import SPOKEN, UNSPACED, fold

MANY_CAPITALS = 0.2
"""Share of capitalised words in mid-sentence from which on they say nothing: twenty messages of an
English chat have 0.02 and at most 0.1, of a German one 0.3."""
_LEAST_WORDS = 16
_LONGEST = 60
_MOST_WORDS = 3
_MOST_SIGNS = 6
_BEGINS = re.compile(r"(?:^|[^\w\s,'’&/+@#%$)\]])\s*$")
"""What stands before a word that begins a sentence: any sign but those within one."""
_POSSESSIVE = re.compile(r"['’]s$")


@frozen
class Seen:
    """What the writing of a text shows.

    Args:
        names: Those that have a capital in mid-sentence.
        phrases: All that may be a name if it is known as one, as it is written, by its key.
        capitals: Share of capitalised words among those in mid-sentence.
    """

    names: tuple[str, ...]
    phrases: Mapping[str, str]
    capitals: float


@frozen
class _Token:
    word: str
    start: int
    end: int
    begins: bool

    @property
    def is_capital(self) -> bool:
        return self.word[0].isupper() or self.word[0].istitle()


def key(name: str) -> str:
    """Return what is the same for a name however it is written."""
    return fold(bare(name))


def bare(name: str) -> str:
    """Return a name without the ending of a possessive."""
    return _POSSESSIVE.sub("", " ".join(name.split()))


def look(text: str) -> Seen:
    """Read the names in a text."""
    tokens = list(_tokens(text))
    runs = list(_runs(tokens, text))
    names = dict.fromkeys(name for run in runs for name in _names(run))
    parts = (bare(" ".join(part)) for run in runs for part in _parts([t.word for t in run]))
    phrases = {key(part): part for part in (*parts, *_uncased(tokens))}
    return Seen(tuple(names), phrases, _share(tokens, least=1))


def capitals(texts: Sequence[str], *, least: int = _LEAST_WORDS) -> float:
    """Return the share of capitalised words in mid-sentence over texts; 0 where there are few."""
    return _share([token for text in texts for token in _tokens(text)], least=least)


def is_written_small(name: str, texts: Sequence[str]) -> bool:
    """Tell whether a word is no name: in mid-sentence it has a capital no oftener than not."""
    large = small = 0
    for token in (token for text in texts for token in _tokens(text)):
        if not token.begins and key(token.word) == key(name):
            large += token.is_capital
            small += not token.is_capital
    return 0 < small >= large


def capitals_within(text: str) -> frozenset[str]:
    """Return the words of a text, by their keys, that have a capital in mid-sentence."""
    return frozenset([key(t.word) for t in _tokens(text) if t.is_capital and not t.begins])


def _share(tokens: Sequence[_Token], *, least: int) -> float:
    """Return the share of capitalised words in mid-sentence, each word counted once."""
    within = {
        token.word: token.is_capital for token in tokens if not token.begins and len(token.word) > 1
    }
    return sum(within.values()) / len(within) if len(within) >= least else 0.0


def _tokens(text: str) -> Iterator[_Token]:
    for match in SPOKEN.finditer(text):
        before = text[max(0, match.start() - 8) : match.start()]
        begins = match.start() == 0 or _BEGINS.search(before) is not None
        yield _Token(match[0], match.start(), match.end(), begins)


def _runs(tokens: Sequence[_Token], text: str) -> Iterator[list[_Token]]:
    """Yield capitalised words that stand beside each other."""
    run: list[_Token] = []
    for token in tokens:
        joined = run and text[run[-1].end : token.start] in (" ", "-")
        if run and not (token.is_capital and joined and not _POSSESSIVE.search(run[-1].word)):
            yield run
            run = []
        if token.is_capital:
            run.append(token)
    if run:
        yield run


def _names(run: Sequence[_Token]) -> Iterator[str]:
    """Yield the name that a run shows; what only begins a sentence is none."""
    shown = list(run[1:] if run[0].begins else run)
    if not shown or len(shown) > 2 * _MOST_WORDS:
        return
    name = bare(" ".join(token.word for token in shown))
    if 1 < len(name) <= _LONGEST and not times.tells_time(name):
        yield name


def _parts(words: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _MOST_WORDS) + 1):
            yield words[start:end]


def _uncased(tokens: Sequence[_Token]) -> set[str]:
    """Return what may be a name in scripts without capitals: words in a row, and runs of signs."""
    found: set[str] = set()
    plain = [t.word if not t.word[0].isascii() and _has_no_case(t.word) else "" for t in tokens]
    for i, word in enumerate(plain):
        if not word:
            continue
        if match := UNSPACED.search(word):
            run = match[0]
            found |= {run[a:b] for a in range(len(run)) for b in range(a + 2, a + _MOST_SIGNS + 1)}
        for n in range(1, _MOST_WORDS + 1):
            if all(plain[i : i + n]):
                phrase = " ".join(plain[i : i + n])
                found |= {phrase, phrase[1:]}  # an article or "and" sticks to its front
    return {phrase for phrase in found if len(phrase) > 1}


def _has_no_case(word: str) -> bool:
    return word.lower() == word.upper()
