"""The plugin ``play`` with two more providers: one that sells, and one that fetches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext

from play_plugin import (
    Model,
    argent_channels,
    argent_health_checks,
    argent_plugin,
    argent_tools,
)

from argent_hookspecs import (
    FREE,
    Finish,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRejected,
    ModelRequest,
    ModelTier,
    Price,
    PullProgress,
    TextDelta,
    Usage,
    hookimpl,
)

__all__ = ["argent_channels", "argent_health_checks", "argent_plugin", "argent_tools"]

DEAR = Price(input=100.0, output=1000.0, cache_read=10.0)


class Shop:
    """A provider whose models have a price, of which it has twenty."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        if request.model == "sold-out":
            raise ModelRejected("the shop is closed")
        yield TextDelta("one, two, three")
        yield Finish(usage=Usage(input_tokens=20, output_tokens=10))

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=8000, price=None if model == "riddle" else DEAR)

    async def models(self) -> Sequence[ModelInfo]:
        return [await self.describe(f"model-{number:02}") for number in range(20)]


class Larder(Model):
    """A provider that fetches models."""

    async def pull(self, model: str) -> AsyncIterator[PullProgress]:
        if model == "riddle":
            yield "a third"  # type: ignore[misc]
        if model == "none":
            raise ModelRejected("nobody has a model none")
        if model == "endless":
            yield PullProgress(status="fetching for ever")
            await asyncio.Event().wait()
        yield PullProgress(status="looking")
        yield PullProgress(status="fetching", done=1_000_000, total=2_000_000)
        yield PullProgress(status="done", done=2_000_000, total=2_000_000)

    async def models(self) -> Sequence[ModelInfo]:
        return [ModelInfo(id="pickle", context_window=512, price=FREE, good_for="small talk")]


@hookimpl
def argent_model_providers() -> list[ModelProvider]:
    return [
        ModelProvider(id="shop", open=lambda: nullcontext(Shop())),
        ModelProvider(id="larder", open=lambda: nullcontext(Larder()), local=True),
    ]


@hookimpl
def argent_model_tiers() -> list[ModelTier]:
    return [
        ModelTier(id="dear", name="balanced", below=0.8, provider="shop", model="gold"),
        ModelTier(id="home", name="local", below=0.3, provider="larder", model="pickle"),
        ModelTier(id="lost", name="powerful", below=2.0, provider="nobody", model="x"),
    ]
