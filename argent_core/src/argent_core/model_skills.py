"""What a model provider can do besides answering, asked so that what is odd is its own doing.

These run as calls into the plugin, through the guard.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, nullcontext
from typing import Any, TypeVar

from argent_core import codec
from argent_core.outcome import shown
from argent_hookspecs import Embedder, ModelCatalogue, ModelInfo, ModelLibrary, PullProgress

T = TypeVar("T")


async def skills(live: Any) -> tuple[dict[str, bool], Sequence[ModelInfo]]:
    """Say what a provider can do besides answering."""
    return {
        "lists": isinstance(live, ModelCatalogue),
        "pulls": isinstance(live, ModelLibrary),
        "embeds": isinstance(live, Embedder),
    }, ()


async def listed(live: Any) -> tuple[dict[str, bool], Sequence[ModelInfo]]:
    """Return the same, and the models that the provider lists, if it does."""
    able, models = await skills(live)
    if able["lists"]:
        models = [_sound(info, ModelInfo) for info in await live.models()]
    return able, models


async def pulled(live: ModelLibrary, model: str) -> AsyncGenerator[PullProgress]:
    """Have a provider fetch a model."""
    progress: Any = live.pull(model)
    async with aclosing(progress) if hasattr(progress, "aclose") else nullcontext():
        async for one in progress:
            yield _sound(one, PullProgress)


def _sound(given: Any, kind: type[T]) -> T:
    """Read what a plugin gives, so that all of it is as the contract says."""
    if not isinstance(given, kind):
        raise TypeError(f"it gives {shown(given)}, not a {kind.__name__}")
    return codec.load(codec.dump(given), kind)
