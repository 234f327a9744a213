"""Naming: what a person or a program calls an audience or a source, and which one is meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from argent_hookspecs import Agent, ArgentError, Transaction
from argent_memo.audience import EVERYONE, OWNER

if TYPE_CHECKING:
    from argent_memo.memo import Memo

_MOST_SHOWN = 12
_SHORTEST_BEGINNING = 4


class NotKnown(ArgentError):
    """Report a name that nothing is called by, or several things, and what there is."""


def no_memory(*ids: int) -> ArgentError:
    """Return what says that there is nothing of these numbers."""
    what = "is no memory" if len(ids) == 1 else "are no memories"
    which = ", ".join(map(str, ids))
    return ArgentError(f"there {what} {which}. See: argent memory timeline")


async def demand_audiences(memo: Memo, agent: Agent, *, names: Iterable[str]) -> None:
    """Raise ``NotKnown`` unless something may come up, or was said, at each of the places."""
    for name in dict.fromkeys(names):
        if await _is_audience(memo, agent, name=name):
            continue
        known = [OWNER, EVERYONE, *_shared(memo), *await memo.store.database.read(_audiences)]
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise NotKnown(
            f"there is no audience {name!r:.80}. {meant}There are: {_listed(known)}. A conversation"
            " is one once something was said in it."
        )


async def source_of(memo: Memo, name: str) -> str:
    """Return the source that is called so: in full, by its beginning, or by the end of its path.

    Raises:
        NotKnown: None is, or several are.
    """
    found = await memo.store.database.read(partial(_sources, name=name))
    if name in found:
        return name
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotKnown(
            f"nothing that is remembered came of a source {name!r:.80}. The source of a memory"
            " stands in: argent memory show ID"
        )
    raise NotKnown(f"several sources are called {name!r:.80}; say which: {_listed(found)}")


async def _is_audience(memo: Memo, agent: Agent, *, name: str) -> bool:
    if name in (OWNER, EVERYONE, *_shared(memo)):
        return True
    if not name.strip():
        return False
    known = await memo.store.database.read(partial(_is_place, name=name))
    return known or bool(await agent.history(name, 1))


def _shared(memo: Memo) -> list[str]:
    share = memo.settings.share
    return [*share, *(name for others in share.values() for name in others)]


def _is_place(tx: Transaction, *, name: str) -> bool:
    return tx.execute(_PLACE, (name,)).fetchone() is not None


def _audiences(tx: Transaction) -> list[str]:
    return [name for (name,) in tx.execute(_AUDIENCES).fetchall()]


def _sources(tx: Transaction, *, name: str) -> list[str]:
    if tx.execute(_SOURCE, (name,)).fetchone() is not None:
        return [name]
    begins = len(name) >= _SHORTEST_BEGINNING
    return [found for (found,) in tx.execute(_LIKE, (name, begins)).fetchall()]


def _listed(names: Iterable[str]) -> str:
    all = list(dict.fromkeys(names))
    more = f" and {len(all) - _MOST_SHOWN} more" if len(all) > _MOST_SHOWN else ""
    return ", ".join(all[:_MOST_SHOWN]) + more


_PLACE = (
    "SELECT 1 FROM items WHERE place = ?1 AND origin = 'turn'"
    " UNION ALL SELECT 1 FROM items WHERE audience = ?1 LIMIT 1"
)
_AUDIENCES = "SELECT audience FROM items GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 100"
_SOURCE = (
    "SELECT 1 FROM items WHERE source = ?1 UNION ALL SELECT 1 FROM sayings WHERE source = ?1"
    " LIMIT 1"
)
_LIKE = (
    "SELECT source FROM (SELECT source FROM items UNION SELECT source FROM sayings)"
    " WHERE ?2 AND substr(source, 1, length(?1)) = ?1"
    " OR substr(source, -length(?1) - 1) IN ('/' || ?1, ':' || ?1) ORDER BY source LIMIT 100"
)
