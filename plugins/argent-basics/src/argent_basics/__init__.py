"""Two small tools: time and calc."""

from __future__ import annotations

from argent_basics.calc import calc
from argent_basics.settings import BasicsSettings
from argent_basics.time import time_tool
from argent_hookspecs import Plugin, PluginContext, Tool, hookimpl


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="Time and dates, and exact arithmetic.", settings=BasicsSettings)


@hookimpl
def argent_tools(ctx: PluginContext) -> list[Tool]:
    """Offer both tools; ``time`` reads the kernel's clock."""
    return [time_tool(ctx.clock, zone=ctx.settings.zone), calc]
