"""Models behind any OpenAI-compatible address, for Argent."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from argent_hookspecs import HealthCheck, ModelProvider, Plugin, PluginContext, hookimpl
from argent_openai.settings import OpenAISettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(
        summary="Models of OpenAI, or behind any address that speaks as OpenAI does.",
        settings=OpenAISettings,
    )


@hookimpl
def argent_model_providers(ctx: PluginContext) -> Iterable[ModelProvider]:
    """Offer one provider for each address that the settings name."""
    from argent_openai.client import open_client

    return [
        ModelProvider(
            id=endpoint.id,
            open=partial(open_client, ctx, endpoint),
            local=endpoint.local,
            timeout=1800 if endpoint.here or endpoint.local else 900,
            idle_timeout=endpoint.patience + 5,
            order=order,
        )
        for order, endpoint in enumerate(ctx.settings.all())
    ]


@hookimpl
def argent_health_checks(ctx: PluginContext) -> Iterable[HealthCheck]:
    """Check that each address answers, and takes the key."""
    from argent_openai.health import check

    return [
        HealthCheck(id=endpoint.id, check=partial(check, ctx, endpoint), timeout=20, order=order)
        for order, endpoint in enumerate(ctx.settings.all())
    ]
