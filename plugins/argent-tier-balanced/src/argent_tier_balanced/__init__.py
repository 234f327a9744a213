"""The tier ``balanced``: Claude Sonnet, for most work."""

from __future__ import annotations

from argent_hookspecs import ModelTier, Plugin, PluginContext, hookimpl
from argent_tier_balanced.settings import TierSettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="The tier balanced: Claude Sonnet.", settings=TierSettings)


@hookimpl
def argent_model_tiers(ctx: PluginContext) -> list[ModelTier]:
    """Name the model that serves scores from 0.5 to below 0.8."""
    settings: TierSettings = ctx.settings
    return [
        ModelTier(
            id="balanced",
            name="balanced",
            below=0.8,
            provider=settings.provider,
            model=settings.model,
            max_output_tokens=settings.max_output_tokens,
        )
    ]
