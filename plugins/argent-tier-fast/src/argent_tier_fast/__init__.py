"""The tier ``fast``: Claude Haiku, for quick answers."""

from __future__ import annotations

from argent_hookspecs import ModelTier, Plugin, PluginContext, hookimpl
from argent_tier_fast.settings import TierSettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="The tier fast: Claude Haiku.", settings=TierSettings)


@hookimpl
def argent_model_tiers(ctx: PluginContext) -> list[ModelTier]:
    """Name the model that serves scores from 0.3 to below 0.5."""
    settings: TierSettings = ctx.settings
    return [
        ModelTier(
            id="fast",
            name="fast",
            below=0.5,
            provider=settings.provider,
            model=settings.model,
            max_output_tokens=settings.max_output_tokens,
        )
    ]
