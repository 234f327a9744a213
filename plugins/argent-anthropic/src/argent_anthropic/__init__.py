"""Claude for Argent: Anthropic's Messages API, or whatever speaks it."""

from __future__ import annotations

from collections.abc import Iterable

from argent_anthropic.settings import AnthropicSettings
from argent_hookspecs import HealthCheck, ModelProvider, Plugin, PluginContext, hookimpl


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(
        summary="Claude: Anthropic's Messages API, or whatever speaks it.",
        settings=AnthropicSettings,
    )


@hookimpl
def argent_model_providers(ctx: PluginContext) -> Iterable[ModelProvider]:
    """Offer the models behind the address in the settings."""
    from argent_anthropic.client import PROVIDER, open_client

    settings: AnthropicSettings = ctx.settings
    return [
        ModelProvider(
            id=PROVIDER,
            open=lambda: open_client(ctx),
            local=settings.is_local,
            timeout=1800,
            idle_timeout=settings.timeout,
        )
    ]


@hookimpl
def argent_health_checks(ctx: PluginContext) -> Iterable[HealthCheck]:
    """Check the key, and that the server answers."""
    from argent_anthropic.health import AnthropicHealth

    health = AnthropicHealth(ctx)
    return [
        HealthCheck(id="key", check=health.key),
        HealthCheck(id="server", check=health.server, timeout=20, order=1),
    ]
