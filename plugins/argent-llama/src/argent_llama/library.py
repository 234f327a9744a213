"""Which models there are, what is known of them without loading, and how one is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from argent_hookspecs import FREE, ModelInfo, ModelRejected, PluginContext, PullProgress
from argent_llama.catalogue import CATALOGUE
from argent_llama.gguf import NotGguf, read_info
from argent_llama.models import LocalModel, find_model
from argent_llama.settings import LlamaSettings
from argent_llama.weights import WeightStore, is_there, megabytes


class Library:
    """The models of one plugin: those with a name, that of the settings, and what was fetched.

    Args:
        ctx: Settings and log of the plugin.
        store: Keeps the files.
    """

    def __init__(self, ctx: PluginContext, store: WeightStore) -> None:
        self._ctx = ctx
        self._settings: LlamaSettings = ctx.settings
        self._store = store

    def find(self, name: str) -> LocalModel:
        """Return a model by name, path or address. Raises ``ModelRejected``."""
        return find_model(name, self._store.folder, sha256=self._settings.sha256)

    async def describe(self, name: str) -> ModelInfo:
        """Say what is known about a model. Raises ``ModelRejected``."""
        found = self.find(name)
        return await asyncio.to_thread(self._describe, found)

    async def models(self) -> list[ModelInfo]:
        """Return every model that can be asked now; what is not here yet comes when it is."""
        return await asyncio.to_thread(self._all)

    async def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        """Fetch a model, telling how far it is. Raises ``ModelError``."""
        found = self.find(name)
        if found.weights is None:
            if not await asyncio.to_thread(found.path.is_file):
                raise ModelRejected(f"there is no file {found.path}; put it there")
            told = PullProgress(status=f"{found.path} is a file of your own")
        else:
            progress = Progress(f"downloading {found.title}")
            fetching = asyncio.create_task(self._store.fetch(found.weights, report=progress.report))
            fetching.add_done_callback(progress.end)
            try:
                async for told in progress:
                    yield told
                await fetching
            finally:
                fetching.cancel()
                await asyncio.wait([fetching])
            told = PullProgress(status=f"{found.title} is here")
        size = await asyncio.to_thread(_size, found.path)
        yield PullProgress(status=told.status, done=size, total=size)

    def _all(self) -> list[ModelInfo]:
        known = [self.find(name) for name in dict.fromkeys((*CATALOGUE, self._settings.model))]
        taken = {model.path for model in known}
        fetched = sorted(self._store.folder.glob("*.gguf"))
        known += [self.find(str(path)) for path in fetched if path.absolute() not in taken]
        found = []
        for model in known:
            try:
                found.append(self._describe(model))
            except ModelRejected as error:
                self._ctx.log.warning("left out of the list", extra={"reason": str(error)})
        return found

    def _describe(self, model: LocalModel) -> ModelInfo:
        entry, window = model.entry, self._settings.context
        trained = entry.context if entry else _trained(model)
        return ModelInfo(
            id=model.name,
            context_window=min(window, trained) if trained else window,
            price=FREE,
            good_for="; ".join(filter(None, [entry.good_for if entry else "", _to_fetch(model)])),
            advice=entry.advice if entry else "",
        )


class Progress:
    """How far a download is, told from any thread to the one that reads it here.

    Args:
        status: What is done, for people.
    """

    def __init__(self, status: str) -> None:
        self._status = status
        self._loop = asyncio.get_running_loop()
        self._told: asyncio.Queue[PullProgress | None] = asyncio.Queue()

    def report(self, done: int, total: int | None) -> None:
        """Tell how many bytes are done, of how many."""
        progress = PullProgress(status=self._status, done=done, total=total)
        self._loop.call_soon_threadsafe(self._told.put_nowait, progress)

    def end(self, _: object) -> None:
        """Say no more."""
        self._told.put_nowait(None)

    async def __aiter__(self) -> AsyncGenerator[PullProgress]:
        """Yield what is told, until the end."""
        while (progress := await self._told.get()) is not None:
            yield progress


def _to_fetch(model: LocalModel) -> str:
    """Say that a model is not here, and how much is to be fetched."""
    weights = model.weights
    if weights is None or is_there(model.path, weights.size):
        return ""
    return f"not here yet: {megabytes(weights.size)}" if weights.size else "not here yet"


def _size(path: Path) -> int:
    return path.stat().st_size


def _trained(model: LocalModel) -> int | None:
    if not model.path.is_file():
        return None
    try:
        return read_info(model.path).context
    except (NotGguf, OSError) as error:
        raise ModelRejected(f"{model.path} cannot be read as a model: {error}") from error
