"""The service: fetches and loads the model when it is first asked."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import Context

from argent_embed_static.catalogue import WORDLLAMA
from argent_embed_static.vectors import LONGEST, WordVectors
from argent_hookspecs import DownloadFailed, ModelUnavailable, PluginContext

_RETRY = 60.0
_AT_ONCE = 128


class StaticEmbedder:
    """WordLlama's vectors of words; the contract's ``TextEmbedder``.

    Args:
        ctx: Settings, folder, log and progress of the plugin.
    """

    longest = LONGEST
    local = True
    scripts = ("LATIN",)

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self.dimensions: int = ctx.settings.dimensions
        self.id = f"wordllama-l2-supercat-{self.dimensions}"
        self._loading: asyncio.Task[WordVectors] | None = None
        self._ended_at = 0.0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StaticEmbedder]:
        """Be there for as long as the plugin runs."""
        try:
            yield self
        finally:
            if self._loading is not None:
                self._loading.cancel()
                await asyncio.wait([self._loading])
                self._loading = None

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[array[float]]:
        """Return one vector for each text; see ``TextEmbedder.embed``."""
        if not texts:
            return []
        model = await self._model()
        vectors: list[array[float]] = []
        for start in range(0, len(texts), _AT_ONCE):
            vectors += await asyncio.to_thread(model.vectors, texts[start : start + _AT_ONCE])
        return vectors

    async def _model(self) -> WordVectors:
        """Wait for the model. Who gives up waiting does not stop the others, nor the download."""
        if self._loading is None or self._may_try_again(self._loading):
            # An empty context: a plugin that happens to ask first does not own the task.
            self._loading = asyncio.create_task(self._load(), context=Context())
        await asyncio.wait([self._loading])
        return self._loading.result()

    def _may_try_again(self, task: asyncio.Task[WordVectors]) -> bool:
        failed = task.done() and not task.cancelled() and task.exception() is not None
        return failed and self._ctx.clock.monotonic() - self._ended_at >= _RETRY

    async def _load(self) -> WordVectors:
        try:
            paths = await self._ctx.downloads.fetch(WORDLLAMA)
            return await asyncio.to_thread(WordVectors, *paths, dimensions=self.dimensions)
        except DownloadFailed as error:
            raise ModelUnavailable(str(error), retry_after=error.retry_after) from error
        except OSError as error:
            raise ModelUnavailable(f"{WORDLLAMA.title} could not be read: {error}") from error
        finally:
            self._ended_at = self._ctx.clock.monotonic()
