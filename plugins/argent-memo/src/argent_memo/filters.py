"""Filters: which items may be found, in SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import evolve

from argent_hookspecs import MemoryFilter


def conditions(filters: MemoryFilter, *, state: str = "live") -> tuple[str, Sequence[Any]]:
    """Return what a filter comes to, in SQL over ``items``, and its parameters."""
    where, given = [f"items.state = '{state}'"], list[Any]()
    for column, wanted in (
        ("audience", filters.audiences),
        ("kind", filters.kinds or None),
        ("trust", filters.trust or None),
        ("speaker", (filters.speaker,) if filters.speaker else None),
    ):
        if wanted is not None:
            where.append(f"items.{column} IN (SELECT value FROM json_each(?))")
            given.append(json.dumps([str(one) for one in wanted]))
    if filters.without_private:
        where.append("NOT items.private")
    if filters.since is not None:
        where.append("items.said_at >= ?")
        given.append(filters.since.timestamp())
    if filters.until is not None:
        where.append("items.said_at < ?")
        given.append(filters.until.timestamp())
    return " AND ".join(where), given


def heard(filters: MemoryFilter) -> MemoryFilter:
    """Return which items may help to find others: all that may come up there, of anybody."""
    return evolve(filters, since=None, until=None, kinds=(), speaker="", trust=())
