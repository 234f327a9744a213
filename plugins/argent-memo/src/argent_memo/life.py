"""Life: how much an item counts now, by its importance, its age and what came of it.

Nothing is rewritten for it: it is worked out when it is read. Each saying and each use that
mattered brings an item nearer to the highest importance, and its age begins anew with the last of
them. That something was told to a model by itself counts for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from attrs import astuple, evolve, frozen

from argent_hookspecs import Transaction
from argent_memo.ranking import Scored, Weights

HALF_LIFE = 90.0
"""Days, where no setting says otherwise."""
_KEPT = 0.9
_LEAST = 0.01
_DAY = 86400.0


@frozen
class Facts:
    """What is known of an item's life.

    Args:
        importance: From 0 to 1, as it was when the item was made.
        last: When it was last said, or mattered, in seconds since 1970.
        count: How often it was said.
        mattered: In how many turns it was told to a model and came up in the answer.
    """

    importance: float
    last: float
    count: int = 1
    mattered: int = 0


def weight(facts: Facts, now: float, *, half_life: float = HALF_LIFE) -> float:
    """Return how much an item counts, above 0 and up to 1.

    >>> weight(Facts(importance=0.5, last=0.0), 90 * 86400.0)
    0.25

    Args:
        now: In seconds since 1970.
        half_life: Days after which what was never used counts half.
    """
    lifted = 1.0 - (1.0 - facts.importance) * _KEPT ** (facts.count - 1 + facts.mattered)
    days = max(0.0, now - facts.last) / _DAY
    return float(max(_LEAST, lifted * 0.5 ** (days / half_life)))


def lives(tx: Transaction, ids: Iterable[int]) -> dict[int, Facts]:
    """Return what is known of the lives of items; those that are gone are left out."""
    rows = tx.execute(_LIVES, (json.dumps(list(ids)),)).fetchall()
    return {id: Facts(*facts) for id, *facts in rows}


def weights(
    tx: Transaction, ids: Iterable[int], *, now: float, half_life: float = HALF_LIFE
) -> Mapping[int, float]:
    """Return how much items count, by id."""
    return {id: weight(one, now, half_life=half_life) for id, one in lives(tx, ids).items()}


def ordered(
    scored: Sequence[Scored], lives: Mapping[int, float], *, weights: Weights
) -> list[Scored]:
    """Return items in the order that how much each matters gives them, too."""
    highest = sum(astuple(weights))
    moved = [
        evolve(one, score=one.score + weights.life * lives.get(one.id, 0.0) / highest)
        for one in scored
    ]
    return sorted(moved, key=_best_first)


def _best_first(one: Scored) -> tuple[float, int]:
    return -one.score, -one.id


_LIVES = (
    "SELECT id, importance, MAX(said_at,"
    "  COALESCE((SELECT MAX(said_at) FROM sayings WHERE item = items.id), said_at),"
    "  COALESCE((SELECT MAX(at) FROM uses WHERE item = items.id AND mattered), said_at)),"
    " count, (SELECT COUNT(DISTINCT turn) FROM uses WHERE item = items.id AND mattered)"
    " FROM items WHERE id IN (SELECT value FROM json_each(?))"
)
