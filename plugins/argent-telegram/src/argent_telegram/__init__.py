"""Talk with Argent in Telegram."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from argent_hookspecs import (
    Channel,
    HealthCheck,
    Observer,
    Plugin,
    PluginContext,
    Service,
    hookimpl,
)
from argent_telegram.bots import BOTS, NOTICES, Bots, open_bots, pass_on
from argent_telegram.settings import TelegramSettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="Talk with the agent in Telegram.", settings=TelegramSettings)


@hookimpl
def argent_services(ctx: PluginContext) -> Iterable[Service[Bots]]:
    """Offer the open bots, where the channels and the observer of this plugin meet."""
    return [Service(key=BOTS, open=partial(open_bots, ctx))]


@hookimpl
def argent_channels(ctx: PluginContext) -> Iterable[Channel]:
    """Add a channel for each bot that has a token."""
    from argent_telegram.connection import open_connection

    return [
        Channel(
            id=place.id,
            open=partial(open_connection, ctx, place),
            longest=3900,
            names_whole=True,
            timeout=120,
            order=order,
        )
        for order, place in enumerate(ctx.settings.all())
    ]


@hookimpl
def argent_observers(ctx: PluginContext) -> Iterable[Observer]:
    """Show what happens in a turn where it is waited for."""
    return [Observer(id="telegram", notify=partial(pass_on, ctx.services), kinds=NOTICES)]


@hookimpl
def argent_health_checks(ctx: PluginContext) -> Iterable[HealthCheck]:
    """Check each bot's token, and who takes what is sent to it."""
    from argent_telegram.health import check, no_bot

    places = ctx.settings.all()
    if not places:
        return [HealthCheck(id="telegram", check=partial(no_bot, ctx))]
    return [
        HealthCheck(id=place.id, check=partial(check, ctx, place), timeout=30, order=order)
        for order, place in enumerate(places)
    ]
