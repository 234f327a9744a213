"""The tier ``local``: a small model on your own machine, free of charge."""

from __future__ import annotations

from argent_hookspecs import ModelTier, Plugin, PluginContext, hookimpl
from argent_tier_local.settings import TierSettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(
        summary="The tier local: a small model on your own machine.", settings=TierSettings
    )


@hookimpl
def argent_model_tiers(ctx: PluginContext) -> list[ModelTier]:
    """Name the model that serves scores below 0.3."""
    settings: TierSettings = ctx.settings
    return [
        ModelTier(
            id="local",
            name="local",
            below=0.3,
            provider=settings.provider,
            model=settings.model,
            max_output_tokens=settings.max_output_tokens,
        )
    ]
