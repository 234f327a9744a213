"""Talk with Argent over IRC."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from argent_hookspecs import Channel, Plugin, PluginContext, hookimpl

from argent_irc.settings import Settings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="Talk with the agent over IRC.", settings=Settings)


@hookimpl
def argent_channels(ctx: PluginContext) -> Iterable[Channel]:
    """Bring the channel."""
    from argent_irc.channel import open_channel

    channel = partial(open_channel, ctx)
    return [Channel(id="irc", open=channel, longest=400, timeout=180, names_whole=True)]
