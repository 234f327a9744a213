"""A memory in a folder of its own, with an embedder or without one, for the memory benchmarks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import frozen

import argent_memo
from argent_hookspecs import Memory, MemoryFilter
from argent_memo.memo import Memo, memo_of
from argent_memo.store import Store
from argent_testing import load_plugin

EMBEDDERS = ("minilm", "static", "none")


@frozen
class OpenMemory:
    """The memory as it runs in an agent."""

    memo: Memo

    @property
    def store(self) -> Store:
        """Where things are kept."""
        return self.memo.store

    async def search(
        self, query: str, k: int, *, filters: MemoryFilter | None = None
    ) -> Sequence[Memory]:
        """Ask it."""
        return await self.memo.search(query, k, filters=filters)

    async def settle(self) -> None:
        """Wait until everything has its vector."""


@asynccontextmanager
async def open_memory(folder: Path, embedder: str) -> AsyncIterator[OpenMemory]:
    """Open an empty memory.

    Args:
        embedder: One of ``EMBEDDERS``.
    """
    async with load_plugin(argent_memo, folder=folder) as specimen:
        yield OpenMemory(memo_of(specimen.ctx))
