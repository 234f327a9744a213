"""The memory, open: what the plugin's records and other plugins work with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from attrs import define

from argent_hookspecs import (
    MEMORY,
    Memory,
    MemoryFilter,
    NewMemory,
    PluginContext,
    ServiceMissing,
    Transaction,
)
from argent_memo import mending
from argent_memo.capture import Capture
from argent_memo.embedding import Embedding, Followed
from argent_memo.items import Place
from argent_memo.local import Desk, serve
from argent_memo.schema import MIGRATIONS
from argent_memo.search import Search
from argent_memo.settings import MemoSettings
from argent_memo.store import Store


@define(eq=False, repr=False)
class Memo:
    """The contract's ``MemoryStore``.

    Args:
        capture: Follows the journal.
        embedding: Compares by meaning.
    """

    settings: MemoSettings
    store: Store
    searching: Search
    capture: Capture
    embedding: Embedding

    async def search(
        self, query: str, k: int = 10, *, filters: MemoryFilter | None = None
    ) -> Sequence[Memory]:
        """Return the memories that answer a question best, best first; fewer where few fit."""
        return await self.searching.find(query, k, filters=filters)

    async def add(self, memory: NewMemory) -> int:
        """Keep something; return its id, or that of what it repeats."""
        return await self.store.add(memory, Place(origin="plugin"))

    async def forget(self, ids: Sequence[int]) -> int:
        """Delete memories with all that was made of them; return how many went."""
        gone = await self.store.forget(ids)
        return len(gone.items) + len(gone.made_of_them)


@asynccontextmanager
async def open_memo(ctx: PluginContext) -> AsyncIterator[Memo]:
    """Open the memory of a home."""
    async with ctx.database("memory", MIGRATIONS) as opened:
        await opened.write(_overwrite_what_is_deleted)
        embedding = Embedding(ctx, opened)
        database = Followed(opened, embedding.wake)
        store = Store(database, ctx.clock)
        capture = Capture(ctx, store, keeping=ctx.settings.auto_capture)
        ctx.spawn(capture.run(), name="capture")
        ctx.spawn(embedding.run(), name="embedding")
        search = Search(database, ctx.clock, embedding)
        if await mending.is_under_way(database):
            ctx.spawn(mending.end(database), name="reindex")
        memo = Memo(ctx.settings, store, search, capture, embedding)
        async with ctx.serve_local(partial(serve, Desk(ctx, memo))):
            yield memo


def memo_of(ctx: PluginContext) -> Memo:
    """Return the memory that is open. Raises ``ServiceMissing`` if it is not."""
    found = ctx.services.get(MEMORY)
    if not isinstance(found, Memo):
        raise ServiceMissing(ctx.name, "another plugin offers the memory; disable one of the two")
    return found


def _overwrite_what_is_deleted(tx: Transaction) -> None:
    tx.execute("PRAGMA secure_delete = ON").fetchall()
