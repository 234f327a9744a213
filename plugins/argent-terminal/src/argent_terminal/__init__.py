"""Talk with Argent in a terminal."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial

from argent_hookspecs import Channel, Observer, Plugin, PluginContext, Service, hookimpl
from argent_terminal.channel import TerminalChannel
from argent_terminal.notices import NOTICES, forward
from argent_terminal.sessions import SESSIONS, Sessions


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="Talk with the agent in a terminal: argent chat.")


@hookimpl
def argent_services(ctx: PluginContext) -> list[Service[Sessions]]:
    """Offer the open terminals, where the channel and the observer of this plugin meet."""
    return [Service(key=SESSIONS, open=lambda: nullcontext(Sessions()))]


@hookimpl
def argent_channels(ctx: PluginContext) -> list[Channel]:
    """Add the channel. Idempotent, because a terminal remembers the replies that it has shown."""
    return [
        Channel(
            id="terminal",
            open=lambda: nullcontext(TerminalChannel(ctx)),
            idempotent=True,
            names_whole=True,
        )
    ]


@hookimpl
def argent_observers(ctx: PluginContext) -> list[Observer]:
    """Show what happens in a turn to the terminals that wait for it."""
    return [Observer(id="terminal", notify=partial(forward, ctx.services), kinds=NOTICES)]
