"""Dice for the agent to roll."""

from __future__ import annotations

from collections.abc import Iterable

from argent_hookspecs import Plugin, PluginContext, Tool, hookimpl

from argent_dice.settings import Settings
from argent_dice.tools import dice_tool


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="Dice for the agent to roll.", settings=Settings)


@hookimpl
def argent_tools(ctx: PluginContext) -> Iterable[Tool]:
    """Bring the tool."""
    return [dice_tool(ctx.settings)]
