"""The service: fetches and loads the model when it is first asked."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import Context

from argent_embed_minilm.catalogue import MINILM
from argent_embed_minilm.given_back import give_back
from argent_embed_minilm.network import DIMENSIONS
from argent_embed_minilm.vectors import LONGEST, MiniLm
from argent_hookspecs import DownloadFailed, ModelUnavailable, PluginContext

_RETRY = 60.0
_AT_ONCE = 16
_THREADS = 2
"""One for a long list and one for a question: each thread more keeps memory of its own."""


class MiniLmEmbedder:
    """all-MiniLM-L6-v2; the contract's ``TextEmbedder``.

    Args:
        ctx: Settings, folder, log and progress of the plugin.
    """

    id = "all-minilm-l6-v2-int8"
    dimensions = DIMENSIONS
    longest = LONGEST
    local = True
    scripts = ("LATIN",)

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self._loading: asyncio.Task[MiniLm] | None = None
        self._ended_at = 0.0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="minilm")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[MiniLmEmbedder]:
        """Be there for as long as the plugin runs."""
        try:
            yield self
        finally:
            if self._loading is not None:
                self._loading.cancel()
                await asyncio.wait([self._loading])
                self._loading = None
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[array[float]]:
        """Return one vector for each text; see ``TextEmbedder.embed``."""
        if not texts:
            return []
        vectors: list[array[float]] = []
        loop = asyncio.get_running_loop()
        try:
            model = await self._model()
            for start in range(0, len(texts), _AT_ONCE):
                piece = texts[start : start + _AT_ONCE]
                vectors += await loop.run_in_executor(self._threads, model.vectors, piece)
            if len(texts) > 1:
                await loop.run_in_executor(self._threads, give_back)
        except OSError as error:
            self._loading = None
            raise ModelUnavailable(f"{error}; asked again, it is mended") from error
        return vectors

    async def _model(self) -> MiniLm:
        """Wait for the model. Who gives up waiting does not stop the others, nor the download."""
        if self._loading is None or self._may_try_again(self._loading):
            # An empty context: a plugin that happens to ask first does not own the task.
            self._loading = asyncio.create_task(self._load(), context=Context())
        await asyncio.wait([self._loading])
        return self._loading.result()

    def _may_try_again(self, task: asyncio.Task[MiniLm]) -> bool:
        failed = task.done() and not task.cancelled() and task.exception() is not None
        return failed and self._ctx.clock.monotonic() - self._ended_at >= _RETRY

    async def _load(self) -> MiniLm:
        try:
            (path,) = await self._ctx.downloads.fetch(MINILM)
            return await asyncio.to_thread(MiniLm, path, threads=self._ctx.settings.threads)
        except DownloadFailed as error:
            raise ModelUnavailable(str(error), retry_after=error.retry_after) from error
        finally:
            self._ended_at = self._ctx.clock.monotonic()
