"""It brings a tool that nobody tries out."""

from __future__ import annotations

from typing import Any

from argent_hookspecs import Plugin, hookimpl, tool


@tool
async def shrug() -> str:
    """Say that one does not know."""
    return "who knows"


@hookimpl
def argent_plugin() -> Plugin:
    return Plugin(summary="Shrugs.")


@hookimpl
def argent_tools() -> list[Any]:
    return [shrug]
