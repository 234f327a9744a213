"""Texts by what they mean, for small machines: WordLlama's vectors of words."""

from __future__ import annotations

from functools import partial

from argent_embed_static.settings import StaticSettings
from argent_hookspecs import (
    EMBEDDER,
    HealthCheck,
    Plugin,
    PluginContext,
    Service,
    TextEmbedder,
    hookimpl,
)


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(
        summary="Compares texts by what they mean, fast and small, with vectors of words.",
        settings=StaticSettings,
    )


@hookimpl
def argent_services(ctx: PluginContext) -> list[Service[TextEmbedder]]:
    """Offer to turn texts into vectors."""
    from argent_embed_static.embedder import StaticEmbedder

    return [Service(key=EMBEDDER, open=StaticEmbedder(ctx).open, order=100)]


@hookimpl
def argent_health_checks(ctx: PluginContext) -> list[HealthCheck]:
    """Check the weights."""
    from argent_embed_static.catalogue import WORDLLAMA

    return [HealthCheck(id="weights", check=partial(ctx.downloads.health, WORDLLAMA))]
