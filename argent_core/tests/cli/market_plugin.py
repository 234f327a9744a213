"""The plugin ``play`` with a tier that can be set, and three more providers for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext

from attrs import frozen
from play_plugin import Model, argent_channels

from argent_hookspecs import (
    Finish,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    ModelUnavailable,
    Plugin,
    PluginContext,
    PullProgress,
    TextDelta,
    Usage,
    hookimpl,
    setting,
)

__all__ = ["argent_channels"]


@frozen(kw_only=True)
class Settings:
    """What serves the tier."""

    provider: str = setting("shed", doc="Id of the model provider.")
    model: str = setting("onion", doc="The provider's name of the model.")


class Market:
    """A provider elsewhere, whose prices are those of the table."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        if request.model == "shut":
            raise ModelUnavailable("the market is shut", retry_after=300)
        yield TextDelta("one, two, three")
        yield Finish(usage=Usage(input_tokens=20, output_tokens=10))

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=8000)


class Shed(Model):
    """A provider that fetches models."""

    async def pull(self, model: str) -> AsyncIterator[PullProgress]:
        yield PullProgress(status="done", done=2_000_000, total=2_000_000)


@hookimpl
def argent_plugin() -> Plugin:
    return Plugin(summary="For tests of models.", settings=Settings)


@hookimpl
def argent_model_providers() -> list[ModelProvider]:
    return [
        ModelProvider(id="market", open=lambda: nullcontext(Market())),
        ModelProvider(id="shed", open=lambda: nullcontext(Shed()), local=True),
        ModelProvider(id="cellar", open=lambda: nullcontext(Model()), local=True),
    ]


@hookimpl
def argent_model_tiers(ctx: PluginContext) -> list[ModelTier]:
    provider, model = ctx.settings.provider, ctx.settings.model
    return [
        ModelTier(id="top", name="fast", below=0.5, provider="cellar", model="swede"),
        ModelTier(id="main", name="local", below=0.3, provider=provider, model=model),
        ModelTier(id="spare", name="local", below=0.3, provider="cellar", model="turnip", order=9),
    ]
