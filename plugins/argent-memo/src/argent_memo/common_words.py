"""Common: the commonest words of some languages, from ``common_words.json``."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping
from importlib import resources

from argent_memo.words import terms, words


def asks_nothing(asked: Collection[str]) -> bool:
    """Tell whether terms are nothing but the commonest words of a language: "what is it"."""
    return any(common.issuperset(asked) for common in _terms())


@functools.cache
def by_language() -> Mapping[str, frozenset[str]]:
    """Return the commonest words, folded, of each language by its code."""
    return {language: frozenset(words(said)) for language, said in _said().items()}


@functools.cache
def _terms() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(terms(said)) for said in _said().values())


def _said() -> Mapping[str, str]:
    text = resources.files("argent_memo").joinpath("common_words.json").read_text("utf-8")
    said: Mapping[str, str] = json.loads(text)
    return said
