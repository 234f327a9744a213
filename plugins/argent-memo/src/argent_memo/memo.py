"""The memory, open: what the plugin's records and other plugins work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from attrs import define, field

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
from argent_memo.embedding import Embedding
from argent_memo.followed import Followed
from argent_memo.hemisphere import is_south
from argent_memo.items import Place
from argent_memo.local import Desk
from argent_memo.mirror import Mirror
from argent_memo.rebuilding import take_over
from argent_memo.requests import serve
from argent_memo.schema import MIGRATIONS
from argent_memo.search import Search
from argent_memo.settings import MemoSettings
from argent_memo.store import Store
from argent_memo.told import Told


@define(eq=False, repr=False)
class Memo:
    """The contract's ``MemoryStore``.

    Args:
        capture: Follows the journal.
        embedding: Compares by meaning.
        mirror: Shows in the workspace what is remembered.
        told: What the turns of late were told.
        worker: Why the HTTP worker does not listen; empty while it does, None before it tried.
    """

    settings: MemoSettings
    store: Store
    searching: Search
    capture: Capture
    embedding: Embedding
    mirror: Mirror
    told: Told
    worker: str | None = None

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


@define(eq=False, repr=False)
class Work:
    """What goes on in the background, and ends before the file is closed that it works on."""

    ctx: PluginContext
    _tasks: set[asyncio.Task[Any]] = field(factory=set)

    def begin(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin something."""

        async def go_on() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await run()
            finally:
                self._tasks.discard(task)

        self.ctx.spawn(go_on(), name=name)

    async def __aenter__(self) -> None:
        """Let it go on for the block."""

    async def __aexit__(self, *error: object) -> None:
        """End it."""
        for task in self._tasks:
            task.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)


@asynccontextmanager
async def open_memo(ctx: PluginContext) -> AsyncIterator[Memo]:
    """Open the memory of a home."""
    await take_over(ctx)
    async with ctx.database("memory", MIGRATIONS) as opened:
        await opened.write(_overwrite_what_is_deleted)
        embedding = Embedding(ctx, opened)

        def written() -> None:
            embedding.wake()
            mirror.wake()

        database = Followed(opened, written)
        mirror = Mirror(ctx, database)
        store = Store(database, ctx.clock)
        capture = Capture(ctx, store, ctx.settings.auto_capture, share=ctx.settings.share)
        work = Work(ctx)
        work.begin("capture", capture.run)
        work.begin("embedding", embedding.run)
        work.begin("mirror", mirror.run)
        south = await asyncio.to_thread(is_south, ctx.settings.time_zone)
        search = Search(
            database, ctx.clock, embedding, half_life=ctx.settings.half_life, south=south
        )
        if await mending.is_under_way(database):
            work.begin("reindex", partial(mending.end, database))
        told = Told(store, ctx.settings.share)
        memo = Memo(ctx.settings, store, search, capture, embedding, mirror, told)
        async with work, ctx.serve_local(partial(serve, Desk(ctx, memo))):
            yield memo
        await mirror.finish()


def memo_of(ctx: PluginContext) -> Memo:
    """Return the memory that is open. Raises ``ServiceMissing`` if it is not."""
    found = ctx.services.get(MEMORY)
    if not isinstance(found, Memo):
        raise ServiceMissing(ctx.name, "another plugin offers the memory; disable one of the two")
    return found


def _overwrite_what_is_deleted(tx: Transaction) -> None:
    tx.execute("PRAGMA secure_delete = ON").fetchall()
