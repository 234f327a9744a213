"""Sureness: whether what was found has to do with the question at all.

A score says which of the items fits best, and one always does. How sure that is goes by what of the
question is there, by what its words are worth, and by the cosine. The commonest words of some
languages are in ``common_words.json``; the ranking does without them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from argent_memo.common_words import asks_nothing
from argent_memo.names import MANY_CAPITALS, capitals, look
from argent_memo.question import Question
from argent_memo.words import terms

FEW_ITEMS = 300
"""Where fewer are known, how rare a word is can hardly be told from them."""
_ENOUGH_TERMS = 8
_USUAL_COSINE = 0.15
_FEW = 50
_OF_STRANGERS = 1 / 3
_OFTEN = 50
_READ = 20
"""Texts in which is looked how much their capitals say."""


def rarity(n: int, items: int) -> float:
    """Return what a term is worth: its inverse document frequency, squared.

    Squared, it leaves nothing of words that stand nearly everywhere, and does without lists of
    them (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, for the plain one).
    """
    return math.log(1 + (items - n + 0.5) / (n + 0.5)) ** 2


def shares(asked: Question, rows_with: Mapping[str, int], *, items: int) -> Mapping[str, float]:
    """Return which share of a question each of its terms is, by what it is worth.

    Of a long text the terms that are worth most are enough. One of nothing but the commonest words
    of a language ("what is it") asks for nothing that could be there.

    Args:
        rows_with: How many items have a term, for those that some have.
    """
    many = max(items, FEW_ITEMS)
    if asks_nothing(asked.terms):
        return {}
    worth = {term: rarity(rows_with.get(term, 0), many) for term in asked.terms}
    whole = sum(sorted(worth.values())[-_ENOUGH_TERMS:]) or 1.0
    return {term: one / whole for term, one in worth.items()}


def sureness(
    has: Collection[str], cosine: float, *, shares: Mapping[str, float], known: float
) -> float:
    """Return how sure it is that an item has to do with a question, from 0 to 1.

    Args:
        has: The terms of the question that it has, or what stands around it.
        cosine: Its own; unlike texts have a little in common, too.
        known: See ``known_names``.
    """
    covered = sum(shares.get(term, 0.0) for term in sorted(has))
    return min(1.0, known * max(covered, cosine - _USUAL_COSINE, 0.0))


def enough(asked: Question, rows_with: Mapping[str, int], *, items: int) -> float:
    """Return what words must come to by their rarity, to count in full.

    That is half of the question; who shares but an "on" with it has little to say. The commonest
    words of a language are nothing even where they are rare, as in a small memory.
    """
    worth = sorted(rarity(rows_with.get(term, 0), items) for term in asked.terms)
    half = sum(worth[-_ENOUGH_TERMS:]) / 2
    if asks_nothing(rows_with):
        return max(half, rarity(1, max(items, FEW_ITEMS)))
    return max(half, rarity(max(1, items // _FEW), items))


def known_names(
    asked: Question,
    having: Sequence[tuple[Collection[str], str]],
    *,
    rows_with: Mapping[str, int],
) -> float:
    """Return 1, or a third where a question names somebody, and nobody that any item names.

    Where nouns are capitalised, as in German, nothing shows who is named.

    Args:
        having: Which terms of the question stand in what may be found, with the text.
        rows_with: See ``shares``; what stands in many is known, whether or not it was looked at.
    """
    seen = look(asked.rest)
    named = {term for name in seen.names for term in terms(name)}
    if not named or asked.speakers:
        return 1.0
    if any(rows_with.get(term, 0) > _OFTEN for term in named):
        return 1.0
    if not all(named.isdisjoint(has) for has, _ in having):
        return 1.0
    texts = [asked.rest, *(text for _, text in having[:_READ])]
    if seen.capitals > MANY_CAPITALS and capitals(texts, least=1) > MANY_CAPITALS:
        return 1.0
    return _OF_STRANGERS
