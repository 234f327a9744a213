"""Wrong model tiers."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, ClassVar

from attrs import frozen

from argent_hookspecs import (
    ModelInfo,
    ModelProvider,
    ModelTier,
    Plugin,
    PluginContext,
    hookimpl,
    setting,
)
from argent_testing import MadePlugin, ModelTierContract
from tests.mutants.declaring import bringing, caught_by
from tests.mutants.minds import Mind


def a_tier(client: type[Mind] = Mind, **options: Any) -> MadePlugin:
    """Return a plugin with a tier and its provider."""
    told = {"id": "t", "name": "local", "below": 0.3, "provider": "p", "model": "m", **options}
    provider = ModelProvider(id="p", open=lambda: nullcontext(client()))
    return bringing(ModelTier(**told), provider)


class TestRightTier(ModelTierContract):
    plugin = a_tier()
    says: ClassVar = {"name": "local", "model": "m"}


@caught_by("test_tiers_make_sense", "serves no score")
class TestNoScores(ModelTierContract):
    plugin = a_tier(below=0)


@caught_by("test_tiers_make_sense", "t names no model")
class TestNoModel(ModelTierContract):
    plugin = a_tier(model=" ")


@caught_by("test_tiers_make_sense", "t has no name")
class TestNoName(ModelTierContract):
    plugin = a_tier(name="")


@caught_by("test_tiers_make_sense", "leaves no room for an answer")
class TestNoRoom(ModelTierContract):
    plugin = a_tier(max_output_tokens=0)


@caught_by("test_the_provider_is_there", "no provider 'elsewhere'")
class TestNoProvider(ModelTierContract):
    plugin = a_tier(provider="elsewhere")


class NoWindow(Mind):
    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=0)


@caught_by("test_the_provider_knows_the_model", "m has no context window")
class TestUnknownToItsProvider(ModelTierContract):
    plugin = a_tier(NoWindow)


@caught_by("test_tiers_are_what_they_say", "not {'name': 'fast'}")
class TestAnotherTier(ModelTierContract):
    plugin = a_tier()
    says: ClassVar = {"name": "fast"}


@frozen
class Settings:
    """What can be set."""

    model: str = setting("m", doc="The model.")


class Settable:
    """A tier whose model can be set."""

    name = "mutant"

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary="A tier.", settings=Settings)

    @hookimpl
    def argent_model_tiers(self, ctx: PluginContext) -> list[ModelTier]:
        return [self.tier(ctx.settings.model)]

    def tier(self, model: str) -> ModelTier:
        return ModelTier(id="t", name="local", below=0.3, provider="p", model=model)


class SettableContract(ModelTierContract):
    providers = ("p",)
    settable = ("model",)


class TestRightSettable(SettableContract):
    plugin = Settable()


class Headstrong(Settable):
    """It does not look at its settings."""

    def tier(self, model: str) -> ModelTier:
        return super().tier("m")


@caught_by("test_the_settings_go_before", "does not heed its settings")
class TestHeadstrong(SettableContract):
    plugin = Headstrong()
