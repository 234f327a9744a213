"""A model router that learns from the person's own turns."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from argent_hookspecs import (
    SCORER,
    Health,
    HealthCheck,
    Job,
    Observer,
    Plugin,
    PluginContext,
    Service,
    hookimpl,
)
from argent_router_learned.router import ROUTER, Scoring
from argent_router_learned.serving import Door
from argent_router_learned.settings import RouterSettings
from argent_router_learned.watching import NOTICES, Watch


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(
        summary="Learns from your turns which of them need an able model.", settings=RouterSettings
    )


@hookimpl
def argent_services(ctx: PluginContext) -> list[Service[Any]]:
    """Offer the scorer, and the router behind it."""
    return [
        Service(key=ROUTER, open=Door(ctx).open),
        Service(key=SCORER, open=lambda: nullcontext(Scoring(ctx.services)), order=1),
    ]


@hookimpl
def argent_observers(ctx: PluginContext) -> list[Observer]:
    """Watch for outcomes."""
    return [Observer(id="outcomes", notify=Watch(ctx).notify, kinds=NOTICES)]


@hookimpl
def argent_jobs(ctx: PluginContext) -> list[Job]:
    """Learn every so often."""

    async def learn() -> None:
        await ctx.services.get(ROUTER).learn_when_due()

    return [Job(id="learn", run=learn, every=timedelta(hours=1))]


@hookimpl
def argent_health_checks(ctx: PluginContext) -> list[HealthCheck]:
    """Say whether it has learned something."""

    async def learned() -> Health:
        status = await ctx.services.get(ROUTER).status()
        score = "its own score" if status["in_use"] else "the table's score"
        return Health(True, f"uses {score}; learned from {status['learned_from']} outcomes")

    return [HealthCheck(id="learned", check=learned)]
