"""Edits: the person's own word in the place of an item."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from argent_hookspecs import ArgentError, Memory, MemoryFilter, Transaction, Trust
from argent_memo import store
from argent_memo.accounts import account
from argent_memo.confidential import is_confidential
from argent_memo.naming import no_memory
from argent_memo.words import words

if TYPE_CHECKING:
    from argent_memo.memo import Memo

SECRET = (
    "it tells a password, a key or a code, and such things are not kept here. A password manager is"
    " the place for it; what a tool of the agent needs is stored with: argent secrets set NAME"
)
_LIKELY = 20


async def edit(memo: Memo, id: int, *, text: str) -> dict[str, Any]:
    """Put words in the place of an item's, or the item that says them already in its place.

    Raises:
        ArgentError: It is not done; says why.
    """
    if await asyncio.to_thread(is_confidential, text):
        raise ArgentError(SECRET)
    found = await memo.store.get([id])
    if not found:
        raise no_memory(id)
    if found[0].text == text:
        raise ArgentError(f"memory {id} says that already")
    same = await _that_says(memo, text, beside=found[0])
    try:
        if same is not None:
            await memo.store.database.write(partial(_replace, id=id, by=same))
        new = same or await memo.store.correct(id, text=text, trust=Trust.OWNER)
    except KeyError as error:
        words = f"memory {id} was corrected before; see what holds now: argent memory show {id}"
        raise ArgentError(words) from error
    (kept,) = await memo.store.get([new])
    return {**account(kept), "supersedes": id, "said_already": same is not None}


async def _that_says(memo: Memo, text: str, *, beside: Memory) -> int | None:
    """Return the item that says these words to the same people, as the owner's own word."""
    said, to = words(text), (beside.audience, beside.private, Trust.OWNER)
    found = await memo.search(text, _LIKELY, filters=MemoryFilter(audiences=(beside.audience,)))
    for one in found:
        others = (one.audience, one.private, one.trust)
        if one.id != beside.id and others == to and words(one.text) == said:
            return one.id
    return None


def _replace(tx: Transaction, *, id: int, by: int) -> None:
    live = "SELECT COUNT(*) FROM items WHERE id IN (?, ?) AND state = 'live'"
    if tx.execute(live, (id, by)).fetchone()[0] != 2:
        raise KeyError(id)
    store.supersede(tx, id, by=by)
