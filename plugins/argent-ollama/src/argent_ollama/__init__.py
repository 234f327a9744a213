"""Models that run in Ollama, for Argent."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from argent_hookspecs import HealthCheck, ModelProvider, Plugin, PluginContext, hookimpl
from argent_ollama.settings import OllamaSettings, settings_of


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="Models that run in Ollama.", settings=OllamaSettings)


@hookimpl
def argent_model_providers(ctx: PluginContext) -> Iterable[ModelProvider]:
    """Offer the models of one server."""
    from argent_ollama.client import PROVIDER, open_client

    settings = settings_of(ctx)
    return [
        ModelProvider(
            id=PROVIDER,
            open=partial(open_client, ctx),
            local=settings.is_local,
            timeout=1800,
            idle_timeout=settings.silence + 5,
        )
    ]


@hookimpl
def argent_health_checks(ctx: PluginContext) -> Iterable[HealthCheck]:
    """Check that the server answers."""
    from argent_ollama.health import check

    return [HealthCheck(id="server", check=partial(check, ctx), timeout=20)]
