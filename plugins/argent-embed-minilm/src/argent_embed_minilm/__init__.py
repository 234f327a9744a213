"""all-MiniLM-L6-v2 for Argent: texts by what they mean, on this machine."""

from __future__ import annotations

from functools import partial

from argent_embed_minilm.settings import MiniLmSettings
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
        summary="Compares texts by what they mean, with all-MiniLM-L6-v2, on this machine.",
        settings=MiniLmSettings,
    )


@hookimpl
def argent_services(ctx: PluginContext) -> list[Service[TextEmbedder]]:
    """Offer to turn texts into vectors."""
    from argent_embed_minilm.embedder import MiniLmEmbedder

    return [Service(key=EMBEDDER, open=MiniLmEmbedder(ctx).open)]


@hookimpl
def argent_health_checks(ctx: PluginContext) -> list[HealthCheck]:
    """Check the weights."""
    from argent_embed_minilm.catalogue import MINILM

    return [HealthCheck(id="weights", check=partial(ctx.downloads.health, MINILM))]
