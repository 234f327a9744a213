"""The tier ``powerful``: Claude Opus, for the hardest work."""

from __future__ import annotations

from argent_hookspecs import ModelTier, Plugin, PluginContext, hookimpl
from argent_tier_powerful.settings import TierSettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="The tier powerful: Claude Opus.", settings=TierSettings)


@hookimpl
def argent_model_tiers(ctx: PluginContext) -> list[ModelTier]:
    """Name the model that serves scores from 0.8 on."""
    settings: TierSettings = ctx.settings
    return [
        ModelTier(
            id="powerful",
            name="powerful",
            below=2.0,
            provider=settings.provider,
            model=settings.model,
            max_output_tokens=settings.max_output_tokens,
        )
    ]
