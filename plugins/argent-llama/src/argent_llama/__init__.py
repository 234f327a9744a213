"""An embedded language model for Argent: llama.cpp inside the process, no key, no network."""

from __future__ import annotations

from collections.abc import Iterable

from argent_hookspecs import (
    HealthCheck,
    ModelProvider,
    ModelTier,
    Plugin,
    PluginContext,
    hookimpl,
)
from argent_llama.settings import LlamaSettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(
        summary="A language model inside Argent: answers with no key and no network.",
        settings=LlamaSettings,
    )


@hookimpl
def argent_model_providers(ctx: PluginContext) -> Iterable[ModelProvider]:
    """Offer the models that run in this process."""
    from argent_llama.client import open_client

    return [
        ModelProvider(
            id="llama",
            open=lambda: open_client(ctx),
            local=True,
            timeout=900,
            idle_timeout=600,
        )
    ]


@hookimpl
def argent_model_tiers(ctx: PluginContext) -> Iterable[ModelTier]:
    """Serve the tier ``local``, behind any other provider of it."""
    return [
        ModelTier(
            id="llama",
            name="local",
            below=0.3,
            provider="llama",
            model=ctx.settings.model,
            max_output_tokens=ctx.settings.max_output,
            order=900,
        )
    ]


@hookimpl
def argent_health_checks(ctx: PluginContext) -> Iterable[HealthCheck]:
    """Check the file of the model, and that it loads."""
    from argent_llama.health import LlamaHealth

    health = LlamaHealth(ctx)
    return [
        HealthCheck(id="weights", check=health.weights, timeout=120),
        HealthCheck(id="model", check=health.loads, timeout=180, order=1),
    ]
