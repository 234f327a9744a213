"""Whether the model's file is whole, and whether it loads and says something."""

from __future__ import annotations

import asyncio
import functools
import threading

from attrs import frozen

from argent_hookspecs import Health, ModelError, PluginContext
from argent_llama.background import in_thread
from argent_llama.loading import find_damage, load
from argent_llama.models import LocalModel, find_model
from argent_llama.server import ServerOptions, processors
from argent_llama.weights import WeightStore, is_there

_SMALL = 512


@frozen
class LlamaHealth:
    """Checks of the model that the settings name.

    Args:
        ctx: Settings and folder of the plugin.
    """

    ctx: PluginContext

    async def weights(self) -> Health:
        """Say whether the file is there and whole."""
        model = self._find()
        if isinstance(model, Health):
            return model
        size = model.weights.size if model.weights else None
        if not await asyncio.to_thread(is_there, model.path, size):
            return _missing(model)
        if problem := await in_thread(functools.partial(find_damage, model)):
            return Health(
                False,
                f"{model.path} is damaged: {problem}",
                remedy=f"Remove {model.path}; "
                + ("it is fetched anew when needed." if model.weights else "copy it there again."),
            )
        return Health(True, f"{model.title} is whole, in {model.path}")

    async def loads(self) -> Health:
        """Say whether the model loads and answers."""
        model = self._find()
        if isinstance(model, Health):
            return model
        size = model.weights.size if model.weights else None
        if not await asyncio.to_thread(is_there, model.path, size):
            return _missing(model)
        try:
            answered = await in_thread(functools.partial(_try, model))
        except ModelError as error:
            return Health(
                False,
                str(error),
                remedy="Free some memory, lower plugins.llama.context, or choose another model: "
                "argent config set plugins.llama.model smollm2-135m",
            )
        return Health(answered, f"{model.title} loads{'' if answered else ' but says nothing'}")

    def _find(self) -> LocalModel | Health:
        settings = self.ctx.settings
        try:
            return find_model(settings.model, WeightStore(self.ctx).folder, sha256=settings.sha256)
        except ModelError as error:
            return Health(
                False, str(error), remedy="argent config set plugins.llama.model smollm2-135m"
            )


def _missing(model: LocalModel) -> Health:
    if model.weights is None:
        return Health(
            False,
            f"there is no file {model.path}",
            remedy="Put it there, or correct plugins.llama.model.",
        )
    size = f", {model.weights.size / 1e6:,.0f} MB" if model.weights.size else ""
    return Health(True, f"{model.title} is not here yet; the first question fetches it{size}")


def _try(model: LocalModel, stop: threading.Event) -> bool:
    options = ServerOptions(context=_SMALL, parallel=1, threads=processors())
    server = load(model, stop, options=options, report=lambda done: None)
    chunks: list[bytes] = []

    def on_chunk(chunk: bytes) -> bool:
        chunks.append(chunk)
        return stop.is_set()

    hello = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1, "stream": True}
    server.complete(hello, on_chunk)
    return any(b'"choices"' in chunk for chunk in chunks)
