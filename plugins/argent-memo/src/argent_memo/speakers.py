"""Speakers: which words of a question name somebody whose words may be found.

A name is what somebody calls themselves, and anybody may be called "passport". So a word names
those alone who have said something that may come up where it is asked; what the texts write as a
plain word is none; and what stands in more items than its bearer has said is asked for, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import define, evolve, field

from argent_hookspecs import MemoryFilter, Transaction
from argent_memo.filters import conditions, heard
from argent_memo.names import capitals_within, is_written_small
from argent_memo.question import Called, Names, Question, cut, read
from argent_memo.words import terms

_MOST_SAID = 1000
_MOST_DOUBTFUL = 8
"""Words whose writing is looked at."""
_LOOKED_AT = 50


@define(eq=False, repr=False)
class Speakers:
    """All whose words are remembered."""

    _names: Names = field(factory=Names)

    def ask(self, tx: Transaction, *, query: str, filters: MemoryFilter) -> Question:
        """Take a query apart, as one of them asks it or somebody else."""
        all = frozenset([name for (name,) in tx.execute(_ALL).fetchall()])
        names = self._names
        if all != names.all:
            self._names = names = Names.of(all)
        text = cut(query)
        called = _meant(tx, names.among(text), filters=filters)
        if called:
            called = _not_plain(tx, called, text=text, filters=filters)
        return read(text, names=names, asker=filters.asker, called=called)


def _meant(
    tx: Transaction, called: Mapping[str, Called], *, filters: MemoryFilter
) -> Mapping[str, Called]:
    """Leave out who has said nothing that may come up; take little for a name alone."""
    if not called:
        return called
    speakers = sorted(frozenset[str]().union(*(one.speakers for one in called.values())))
    where, given = conditions(heard(filters))
    sql = _SAID.replace("MAY_BE_FOUND", where)
    said = dict(tx.execute(sql, (*given, json.dumps(speakers))).fetchall())
    asked = [term for word in called for term in terms(word)]
    rows = dict(tx.execute(_ROWS, (json.dumps(asked),)).fetchall())
    meant = dict[str, Called]()
    for word, one in called.items():
        speaking = [speaker for speaker in one.speakers if said[speaker]]
        if speaking:
            there = min([rows.get(term, 0) for term in terms(word)], default=0)
            alone = one.alone and sum(said[speaker] for speaker in speaking) > there
            meant[word] = evolve(one, speakers=frozenset(speaking), alone=alone)
    return meant


def _not_plain(
    tx: Transaction, called: Mapping[str, Called], *, text: str, filters: MemoryFilter
) -> Mapping[str, Called]:
    """Leave out what is written as a plain word, unless it has a capital in mid-sentence here."""
    sure = capitals_within(text)
    doubtful = [w for w in called if w not in sure and w != w.upper()][:_MOST_DOUBTFUL]
    where, given = conditions(heard(filters))
    sql = _HAVING.replace("MAY_BE_FOUND", where)
    plain = set[str]()
    for word in doubtful:
        match = " ".join(f'"{term}"' for term in terms(word))
        rows = tx.execute(sql, (match, *given, _LOOKED_AT)).fetchall() if match else []
        if is_written_small(word, [text for (text,) in rows]):
            plain.add(word)
    return {word: one for word, one in called.items() if word not in plain}


_ALL = "SELECT name FROM speakers WHERE n > 0 AND name != ''"
_SAID = (
    "SELECT value, (SELECT COUNT(*) FROM (SELECT 1 FROM items"
    f" WHERE items.speaker = value AND MAY_BE_FOUND LIMIT {_MOST_SAID}))"
    " FROM json_each(?)"
)
_ROWS = "SELECT term, n FROM terms WHERE term IN (SELECT value FROM json_each(?))"
_HAVING = (
    "SELECT items.text FROM words CROSS JOIN items ON items.id = words.rowid"
    " WHERE words MATCH ? AND MAY_BE_FOUND ORDER BY words.rowid DESC LIMIT ?"
)
