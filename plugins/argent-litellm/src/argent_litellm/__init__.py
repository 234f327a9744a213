"""Models of any provider that LiteLLM knows, for Argent."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from argent_hookspecs import HealthCheck, ModelProvider, Plugin, PluginContext, hookimpl
from argent_litellm.settings import LiteLLMSettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="Models of any provider that LiteLLM knows.", settings=LiteLLMSettings)


@hookimpl
def argent_model_providers(ctx: PluginContext) -> Iterable[ModelProvider]:
    """Offer whatever LiteLLM reaches."""
    from argent_litellm.client import PROVIDER, open_client

    settings: LiteLLMSettings = ctx.settings
    return [
        ModelProvider(
            id=PROVIDER,
            open=partial(open_client, ctx),
            timeout=900,
            idle_timeout=settings.silence + 30,
        )
    ]


@hookimpl
def argent_health_checks() -> Iterable[HealthCheck]:
    """Check that LiteLLM is there, in the right version."""
    from argent_litellm.health import check

    return [HealthCheck(id="library", check=check)]
