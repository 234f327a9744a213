"""Derived: what is made of items takes over from them whose word it is, and who may hear it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from attrs import evolve

from argent_hookspecs import Memory, NewMemory, Transaction, Trust
from argent_memo import store
from argent_memo.audience import EVERYONE
from argent_memo.items import Place
from argent_memo.words import terms

_LESS_AND_LESS = (Trust.OWNER, Trust.PAIRED, Trust.OUTSIDE)


def derived(
    new: NewMemory, sources: Sequence[Memory], *, share: Mapping[str, Sequence[str]]
) -> NewMemory:
    """Return an item as it may be kept: least trusted and heard by fewest, as its sources are.

    Raises:
        ValueError: Nobody may hear all of them.
    """
    audience = narrowest([new.audience, *(one.audience for one in sources)], share)
    if audience is None:
        raise ValueError("these were said to different people, and nobody may hear all of them")
    return evolve(
        new,
        trust=max((new.trust, *(one.trust for one in sources)), key=_LESS_AND_LESS.index),
        private=new.private or any(one.private for one in sources),
        audience=audience,
    )


def narrowest(audiences: Sequence[str], share: Mapping[str, Sequence[str]]) -> str | None:
    """Return the audience of what is made of things told to several; None if nobody heard all."""
    among = dict.fromkeys(one for one in audiences if one != EVERYONE)
    if not among:
        return EVERYONE
    heard = {one: {one, *share.get(one, ())} for one in among}
    for one, by in heard.items():
        if all(EVERYONE in others or by <= others for others in heard.values()):
            return one
    return None


def likely(text: str, among: Sequence[Memory]) -> list[Memory]:
    """Return what a text is made of where nobody says so: what shares most words with it."""
    own = set(terms(text))
    shared = [len(own & set(terms(one.text))) for one in among]
    least = max(1.0, max(shared, default=0) / 2)
    found = [one for one, n in zip(among, shared, strict=True) if n >= least]
    return found or list(among)


async def keep(kept: store.Store, new: NewMemory, *, place: Place, of: Sequence[int]) -> int:
    """Keep what is made of items, linked to them, so that it goes when one of them goes.

    Raises:
        KeyError: One of them is gone.
    """
    now = kept.clock.now().timestamp()
    return await kept.database.write(partial(_keep, new=new, place=place, of=of, now=now))


def _keep(tx: Transaction, *, new: NewMemory, place: Place, of: Sequence[int], now: float) -> int:
    for other in of:
        if tx.execute("SELECT 1 FROM items WHERE id = ?", (other,)).fetchone() is None:
            raise KeyError(other)
    id = store.add(tx, new, place=place, now=now)
    rows = [(id, other) for other in of if other != id]
    tx.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, 'made of')", rows)
    return id
