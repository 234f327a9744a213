"""Worth: what is not worth keeping, nearly without knowing any language.

A single word that answers no question says nothing ("ok", "danke", "好的"); neither does an answer
that only says again what it was told, or is courteous, as far as a language's words for that are
known (``courtesies.json``). What asks for much the same once more is a repetition.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources

from argent_hookspecs import NewMemory, Transaction
from argent_memo.words import UNSPACED, substance, terms, words

QUESTION_MARKS = (
    "?\u037e\u055e\u061f\u1367\u1945\u2047\u2048\u2049\u2753\u2754\u2cfa\u2cfb\u2e2e\u2e54"
    "\ua60f\ua6f7\ufe16\ufe56\uff1f\U00011143"
)
"""What people end a question with, in every script that has a sign for it, by Unicode's names."""
_ASKS = re.compile(f"[{re.escape(QUESTION_MARKS)}]")
_ENDS_ASKING = re.compile(f"[{re.escape(QUESTION_MARKS)}]\\s*$")
_ENDS = f".!。！\\n{re.escape(QUESTION_MARKS)}"
_QUESTIONS = re.compile(f"(?<![^{_ENDS}])[^{_ENDS}]*+[{re.escape(QUESTION_MARKS)}]+")
"""From where a sentence begins, so that a long one is looked at once."""
_COURTEOUS = ("courtesies.json", "common_words.json")
_FEW = 3
_NEW = 1 / 3
_ALIKE = 0.8
_RARE = 3
_COMMON = 10
_COMMON_SHARE = 0.01
_LOOKED_AT = 20
_MOST_ROWS = 2000
_SHORT_WORD = 4


def asks(text: str) -> bool:
    """Tell whether a text asks something."""
    return _ASKS.search(text) is not None


def only_asks(text: str) -> bool:
    """Tell whether a text asks, and tells nothing besides."""
    return asks(text) and not substance(text, len(terms(text)))


def is_bare_question(text: str) -> bool:
    """Tell whether a text asks, and besides greets with a word at most, or is courteous."""
    rest = words(_QUESTIONS.sub(" ", text))
    return asks(text) and (len(rest) <= 1 or _courtesies().issuperset(rest))


def asks_something(text: str) -> bool:
    """Tell whether a question has more than the words that all have: "who are you" has not."""
    return not _courtesies().issuperset(words(" ".join(_QUESTIONS.findall(text))))


def says_again(answer: str, *, asked: str, known: Iterable[str]) -> bool:
    """Tell whether an answer says no more than what is known of what was asked.

    Args:
        known: Texts; one of them must say all of it.
    """
    about = set(words(" ".join(_QUESTIONS.findall(asked)))) - _courtesies()
    first, *rest = words(answer) or [""]
    new = set(rest or [first]) - about - _courtesies()
    own = set(terms(" ".join(new - {first} if rest else new)))  # "my" has become "your" in front
    wanted = set(terms(" ".join(about)))
    for text in known:
        said = set(terms(text))
        if own and own <= said and 2 * len(wanted & said) >= len(wanted) > 0:
            return True
    return False


def size(text: str) -> int:
    """Return about how many words a text has; two letters are one where no spaces are written."""
    return sum(max(1, len(w) - 1) if UNSPACED.search(w) else 1 for w in words(text))


def says_something(text: str, *, before: str) -> bool:
    """Tell whether a text is worth keeping.

    Args:
        before: What it answers.
    """
    length = size(text)
    if length == 1:
        return asks(before) or any(c.isdigit() for c in text)
    return length > 0


def is_short_answer(text: str, *, before: str) -> bool:
    """Tell whether a text means something only behind its question, as "no" does."""
    return asks(before) and is_short(text)


def is_short(text: str) -> bool:
    """Tell whether a text is no more than a few words."""
    return size(text) <= _FEW


def adds_something(answer: str, *, asked: str) -> bool:
    """Tell whether an answer says more than what it was told, and than courtesies do.

    To a question any does.
    """
    said = set(words(answer))
    new = said - set(words(asked))
    return asks(asked) or (len(new) > _NEW * len(said) and not new <= _courtesies())


def repeated_question(tx: Transaction, new: NewMemory) -> int | None:
    """Return the item that asks the same as a new one, but for words that are everywhere.

    What is no question is never taken for another that is only like it: a "not" is a small word.
    """
    if not _ENDS_ASKING.search(new.text):
        return None
    known = rarities(tx, terms(new.text))
    rarest = sorted(known, key=lambda term: (known[term], term))[:_FEW]
    if not rarest or known[rarest[0]] > _MOST_ROWS:
        return None
    match = " AND ".join(f'"{term}"' for term in rarest)
    same = (new.speaker, new.audience, str(new.kind), str(new.trust), new.private, _LOOKED_AT)
    mine = set(words(new.text))
    for id, text in tx.execute(_LIKE, (match, *same)).fetchall():
        theirs = set(words(text))
        alike = len(mine & theirs) >= _ALIKE * len(mine | theirs)
        if alike and _ENDS_ASKING.search(text) and _are_common(tx, mine ^ theirs):
            return int(id)
    return None


def rarities(tx: Transaction, of: list[str]) -> Mapping[str, int]:
    """Return how many items have each of some terms; those that none has are left out."""
    return dict(tx.execute(_TERMS, (json.dumps(sorted(set(of))),)).fetchall())


def distinctive(tx: Transaction, text: str) -> set[str]:
    """Return the terms of a text by which it can be known: those that few items have."""
    found = [
        term
        for term in terms(text)
        if len(term) >= _SHORT_WORD or not term.isalpha() or not term.isascii()
    ]
    limit = max(_RARE, _COMMON_SHARE * _items(tx))
    known = rarities(tx, found)
    return {term for term in found if known.get(term, 0) <= limit}


@functools.cache
def _courtesies() -> frozenset[str]:
    """Return the words that acknowledge, thank and offer help, with those that join them."""
    folder = resources.files("argent_memo")
    texts = (folder.joinpath(name).read_text("utf-8") for name in _COURTEOUS)
    return frozenset(
        word for text in texts for said in json.loads(text).values() for word in words(said)
    )


def _are_common(tx: Transaction, some: set[str]) -> bool:
    if any(c.isdigit() for word in some for c in word):
        return False
    found = [term for word in some for term in terms(word)]
    known, limit = rarities(tx, found), max(_COMMON, _COMMON_SHARE * _items(tx))
    return all(known.get(term, 0) > limit for term in found)


def _items(tx: Transaction) -> int:
    return int(tx.execute("SELECT items FROM totals").fetchone()[0])


_TERMS = "SELECT term, n FROM terms WHERE term IN (SELECT value FROM json_each(?))"
_LIKE = (
    "SELECT items.id, items.text FROM words JOIN items ON items.id = words.rowid"
    " WHERE words MATCH ? AND speaker = ? AND audience = ? AND kind = ? AND trust = ?"
    " AND private = ? AND state = 'live' LIMIT ?"
)
