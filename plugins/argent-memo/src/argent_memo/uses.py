"""Uses: which memories were told to a model, and whether that mattered.

That a memory is told by itself says nothing about its worth. It mattered when distinctive words of
it, which the question did not have, came up in the answer; the answer is then made of it. What the
agent has said itself does not matter for being said by it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from argent_hookspecs import FinishedTurn, Memory, Transaction, Trust
from argent_memo.learned import AGENT
from argent_memo.words import terms
from argent_memo.worth import distinctive

SOURCE = "memory "
"""How the source of a block of context begins; the id follows."""
_SHARED = 3
_LOOKED_BACK = 20


@frozen
class Made:
    """What an answer was made of.

    Args:
        outside: Whether some of it came from outside.
        private: Whether some of it is for models of this machine only.
        audiences: To whom it was told.
    """

    of: tuple[int, ...] = ()
    outside: bool = False
    private: bool = False
    audiences: tuple[str, ...] = ()


def note(tx: Transaction, memories: Iterable[Memory], *, turn: str, now: float) -> None:
    """Put down that a tool told memories in a turn; once, however often it runs."""
    for memory in memories:
        _put(tx, memory.id, turn=turn, why=memory.why, now=now)


def keep(tx: Transaction, turn: FinishedTurn, *, now: float) -> Made:
    """Put down what was told in a turn that has ended, and what of it mattered."""
    for source, why in turn.told.items():
        if (id := _id_of(source)) is not None:
            _put(tx, id, turn=turn.id, why=why, now=now)
    told = tx.execute(_TOLD, (turn.id,)).fetchall()
    earlier = tx.execute(_OUTSIDE, (turn.conversation, turn.id, _LOOKED_BACK)).fetchall()
    found = list(dict.fromkeys([*told, *earlier]))
    asked, answered = turn.asked, turn.answered
    mattered = that_mattered(tx, found, text=answered, asked=asked)
    tx.executemany(_MATTERED, [(turn.id, id, AGENT) for id, *_ in mattered])
    for item, text in tx.execute(_BY_TOOLS, (turn.id,)).fetchall():
        made = _made(that_mattered(tx, found, text=text, asked=asked, wary=True))
        link(tx, item, made=made)
    return _made(that_mattered(tx, found, text=answered, asked=asked, wary=True))


def told(tx: Transaction, *, turn: str, ids: Sequence[int]) -> list[Sequence[Any]]:
    """Return what was told in a turn: memories by their ids, and what tools put down."""
    given = (turn, json.dumps(ids))
    return list(tx.execute(_TOLD_SO_FAR, given).fetchall())


def _made(of: Iterable[Sequence[Any]]) -> Made:
    parts = list(of)
    return Made(
        of=tuple(id for id, *_ in parts),
        outside=any(trust == Trust.OUTSIDE for _, _, trust, *_ in parts),
        private=any(bool(private) for *_, private, _ in parts),
        audiences=tuple(dict.fromkeys(audience for *_, audience in parts)),
    )


def link(tx: Transaction, item: int, *, made: Made) -> None:
    """Put down what an item is made of, so that it goes when that goes."""
    rows = [(item, other) for other in made.of if other != item]
    tx.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, 'made of')", rows)


def that_mattered(
    tx: Transaction,
    found: Iterable[Sequence[Any]],
    *,
    text: str,
    asked: str,
    wary: bool = False,
) -> list[Sequence[Any]]:
    """Return what a text of a turn is made of: what it has words of that nobody asked with.

    Args:
        wary: Whether one word is enough of what comes from outside.
    """
    known, made = set(terms(asked)), set(terms(text))
    mattered = []
    for row in found:
        _, words, trust, *_ = row
        if made.isdisjoint(set(terms(words)) - known):
            continue
        own = distinctive(tx, words) - known
        least = 1 if wary and trust == Trust.OUTSIDE else min(_SHARED, len(own))
        if own and len(own & made) >= least:
            mattered.append(row)
    return mattered


def _put(tx: Transaction, id: int, *, turn: str, why: str, now: float) -> None:
    tx.execute(_USE, (now, turn, why, id, turn))


def _id_of(source: str) -> int | None:
    number = source.removeprefix(SOURCE)
    return int(number) if number.isdecimal() and number != source else None


_USE = (
    "INSERT INTO uses (item, at, turn, why) SELECT id, ?, ?, ? FROM items WHERE id = ?"
    " AND NOT EXISTS (SELECT 1 FROM uses WHERE uses.item = items.id AND turn = ?)"
)
_TOLD = (
    "SELECT items.id, text, trust, private, audience FROM uses JOIN items ON items.id = uses.item"
    " WHERE turn = ? ORDER BY items.id"
)
_TOLD_SO_FAR = (
    "SELECT id, text, trust, private, audience FROM items WHERE id IN"
    " (SELECT item FROM uses WHERE turn = ?1 UNION SELECT value FROM json_each(?2)) ORDER BY id"
)
_OUTSIDE = (
    "SELECT id, text, trust, private, audience FROM"
    " (SELECT * FROM items WHERE place = ? AND source != ? ORDER BY id DESC LIMIT ?)"
    " WHERE trust = 'outside' ORDER BY id"
)
_BY_TOOLS = "SELECT id, text FROM items WHERE source = ? AND origin != 'turn'"
_MATTERED = (
    "UPDATE uses SET mattered = 1 WHERE turn = ? AND item = ?"
    " AND (SELECT speaker FROM items WHERE id = item) != ?"
)
