"""A memory in a folder of its own, with an embedder or without one, for the memory benchmarks."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from attrs import frozen

import argent_memo
from argent_core.paths import Home
from argent_hookspecs import EMBEDDER, Memory, MemoryFilter
from argent_memo.memo import Memo, memo_of
from argent_memo.store import Store
from argent_testing import load_plugin
from argent_testing.targets import PluginTarget

_PLUGINS = MappingProxyType({"minilm": "argent_embed_minilm", "static": "argent_embed_static"})
EMBEDDERS = (*_PLUGINS, "none")
_PATIENCE = 30.0
"""Seconds that a question may wait for its vector, so that a busy machine finds the same."""


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
        """Wait until everything has its vector. Raises ``RuntimeError`` if it cannot have one."""
        await self.memo.embedding.settled()
        if self.memo.embedding.trouble:
            raise RuntimeError(self.memo.embedding.trouble)


@asynccontextmanager
async def open_memory(
    folder: Path, embedder: str, *, beside: Sequence[PluginTarget] = ()
) -> AsyncIterator[OpenMemory]:
    """Open an empty memory. An embedder's weights are fetched once, into the person's cache.

    Args:
        embedder: One of ``EMBEDDERS``.
        beside: Further plugins.

    Raises:
        ModelUnavailable: The weights cannot be had; says what to do.
    """
    plugins = [*beside]
    if embedder in _PLUGINS:
        plugins.append(importlib.import_module(_PLUGINS[embedder]))
        await asyncio.to_thread(share_downloads, folder)
    async with load_plugin(argent_memo, folder=folder, beside=plugins) as specimen:
        memo = memo_of(specimen.ctx)
        memo.embedding.patience = _PATIENCE
        if embedder in _PLUGINS:
            await specimen.ctx.services.get(EMBEDDER).embed(["Is it there?"])
        yield OpenMemory(memo)


def share_downloads(home: Path) -> None:
    """Let what plugins fetch be kept in a folder that outlives the home."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    shared = cache / "argent-benchmarks" / "downloads"
    shared.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = Home(home).downloads
    own.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    own.symlink_to(shared, target_is_directory=True)
