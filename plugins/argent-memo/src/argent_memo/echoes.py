"""Echoes: secrets that were left out of what was said, when an answer says them again.

"The hospital is called Blue-Whale-2291" tells no password, but where somebody has said before that
it is one. No sentence of that answer, or of a later one in the conversation, is kept that has it.
It is noted in no file: after a start the journal is read again.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from argent_memo import common_words
from argent_memo.confidential import sentences
from argent_memo.tellings import tells_secret
from argent_memo.words import UNSPACED, fold

_MOST_PLACES = 256
_MOST_SECRETS = 200
_MOST_WORDS = 60
_LONGEST = 2000
_SHORT = 3
_LONG = 6
"""Letters and digits of a secret that is known however it is written: "Blue Whale 2291"."""
_QUOTED = re.compile(r"[\"'`“„«‘「『]([^\"'`“”„«»‘’「」『』]{3,64})[\"'`”“»’」』]")
_NUMBER = re.compile(r"\d(?:[ .-]?\d)+")
_WORD = re.compile(r"[^\W_]+")
_ANOTHER = "4711x9"


@frozen
class _Secret:
    """What a sentence that was left out told.

    Args:
        words: Half of them are enough to tell it.
    """

    words: frozenset[str]

    def is_in(self, text: _Text) -> bool:
        """Tell whether a text says it again."""
        there = sum(text.has(word) for word in self.words)
        return 2 * there >= len(self.words)


@frozen
class _Text:
    bare: str
    words: frozenset[str]

    def has(self, word: str) -> bool:
        return word in self.words or (len(word) >= _LONG and word in self.bare)


@define
class _Place:
    """A conversation: what was secret in it, the newest last, and what was answered last."""

    secrets: dict[_Secret, None] = field(factory=dict)
    answered: str = ""


@define
class Echoes:
    """Knows the secrets of late, by conversation."""

    _places: dict[str, _Place] = field(factory=dict)

    def answered(self, place: str) -> str:
        """Return what was answered last in a conversation."""
        return self._places[place].answered if place in self._places else ""

    def note(self, place: str, held: Iterable[str], *, answered: str) -> None:
        """Note sentences that were left out of what was said in a turn, and its answer."""
        known = self._places[place] = self._places.pop(place, _Place())
        for sentence in held:
            for secret in _secrets(sentence[:_LONGEST]):
                known.secrets.pop(secret, None)
                known.secrets[secret] = None
        for old in list(known.secrets)[:-_MOST_SECRETS]:
            del known.secrets[old]
        known.answered = answered[-_LONGEST:]
        while len(self._places) > _MOST_PLACES:
            del self._places[next(iter(self._places))]

    def without(self, text: str, *, place: str) -> str:
        """Return a text without the sentences that have a secret of its conversation."""
        secrets = self._places[place].secrets if place in self._places else ()
        if not secrets:
            return text
        parts = list(sentences(text))
        kept = [part for part in parts if not _has_any(part, secrets)]
        return text if len(kept) == len(parts) else "".join(kept).strip()


def _has_any(part: str, secrets: Iterable[_Secret]) -> bool:
    text = _read(part)
    return any(secret.is_in(text) for secret in secrets)


def _read(text: str) -> _Text:
    folded = fold(text)
    numbers = (_bare(found) for found in _NUMBER.findall(folded))
    words = frozenset([*_WORD.findall(UNSPACED.sub(" ", folded)), *numbers])
    return _Text(_bare(folded), words)


def _secrets(sentence: str) -> Iterator[_Secret]:
    """Yield what of a sentence is the secret: what looks like one, or else is told to be one."""
    folded = UNSPACED.sub(" ", fold(sentence))
    tokens = folded.split()[:_MOST_WORDS]
    found = {_bare(one) for one in (*_NUMBER.findall(folded), *_QUOTED.findall(folded))}
    found |= {_bare(one) for one in tokens if _looks_made_up(one)}
    found |= {_bare(one) for n, one in enumerate(tokens) if _is_told(tokens, n)}
    alone = {one for one in found if len(one) >= _SHORT}
    yield from (_Secret(frozenset([one])) for one in sorted(alone))
    rest = frozenset(one for one in map(_bare, tokens) if _is_rare(one))
    if not alone and len(rest) > 1:
        yield _Secret(rest)


def _looks_made_up(token: str) -> bool:
    word = _bare(token)
    return len(word) > _SHORT + 1 and any(c.isdigit() for c in word)


def _is_told(tokens: list[str], n: int) -> bool:
    """Tell whether a plain word is what the sentence tells: it tells nothing without."""
    if not _is_rare(_bare(tokens[n])):
        return False
    before, after = tokens[:n], tokens[n + 1 :]
    without, other = " ".join([*before, *after]), " ".join([*before, _ANOTHER, *after])
    return not tells_secret(without) and tells_secret(other)


def _is_rare(word: str) -> bool:
    return len(word) > _SHORT and word not in _common()


@functools.cache
def _common() -> frozenset[str]:
    return frozenset().union(*common_words.by_language().values())


def _bare(text: str) -> str:
    return "".join(c for c in text if c.isalnum())
