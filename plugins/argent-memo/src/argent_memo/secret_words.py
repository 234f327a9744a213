"""The words of secrets: what people call them, and how they speak of them, by language.

They are in ``secret_words.json``, folded here as texts are. Which words are common in a language is
in ``common_words.json``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from attrs import frozen

from argent_memo.words import fold

_KINDS = ("secrets", "phrases", "numbers", "ordinary", "given", "codes")
_ANY = "any"


@frozen
class Word:
    """A word for a secret.

    Args:
        kind: ``secrets`` are secret whatever they are of, ``codes`` if they open something;
            ``phrases`` are several words, ``numbers`` have no letters. ``ordinary`` ones mean other
            things as well, and ``given`` ones even more often: they tell only what looks like a
            secret and stands right behind.
        languages: None for all.
    """

    text: str
    kind: str
    languages: frozenset[str]


@frozen
class Speech:
    """How people speak of secrets.

    Args:
        joining: What stands between a word for a secret and what it is.
        fill: What may stand behind that.
    """

    joining: frozenset[str]
    fill: frozenset[str]


@functools.lru_cache(256)
def speech_in(languages: frozenset[str]) -> Speech:
    """Return how people speak of secrets in some languages; in all, if there is none."""
    spoken = [raw for name, raw in _raw().items() if not languages or name in languages]

    def of(name: str) -> frozenset[str]:
        return frozenset(word for raw in spoken for word in fold(raw.get(name, "")).split())

    return Speech(joining=of("is"), fill=of("fill"))


@functools.cache
def all_words() -> tuple[Word, ...]:
    """Return the words for secrets of all languages."""
    found: dict[tuple[str, str], set[str]] = {}
    for name, raw in _raw().items():
        for kind in _KINDS:
            for word in filter(None, raw.get(kind, "").split("|")):
                found.setdefault((fold(word), kind), set()).add(name)
    return tuple(
        Word(text, kind, frozenset(() if _ANY in named else named))
        for (text, kind), named in found.items()
    )


@functools.cache
def locks() -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return what codes open, and codes that open nothing, by language."""

    def several(words: str) -> tuple[str, ...]:
        return tuple(fold(word) for word in words.split("|") if word)

    return {
        name: (several(raw.get("locks", "")), several(raw.get("other", "")))
        for name, raw in _raw().items()
    }


@functools.cache
def everywhere(name: str) -> tuple[str, ...]:
    """Return words that are looked for in any language."""
    return tuple(fold(_raw()[_ANY][name]).split())


@functools.cache
def common_words() -> Mapping[str, tuple[str, ...]]:
    """Return the languages in which words are common."""
    found: dict[str, list[str]] = {}
    for language, listed in _read("common_words.json").items():
        for word in fold(listed).split():
            found.setdefault(word, []).append(language)
    return {word: tuple(one for one in these if one in _raw()) for word, these in found.items()}


@functools.cache
def _raw() -> Mapping[str, Mapping[str, str]]:
    raw: Mapping[str, Mapping[str, str]] = _read("secret_words.json")
    return raw


def _read(name: str) -> Any:
    return json.loads(resources.files("argent_memo").joinpath(name).read_text("utf-8"))
