"""Embedders: what a person is told where nothing compares by meaning."""

from __future__ import annotations

from argent_hookspecs import Agent

NONE = "no embedder is installed"
_CALLED = "embed-"
"""How the names of the plugins begin that offer one."""


async def lacking(agent: Agent) -> str:
    """Say what keeps each embedder that is installed from its work; empty, if there is none."""
    plugins = (await agent.status())["plugins"]
    return "; ".join(
        f"{one['name']} is installed, but {one['state']}: {one['reason']}"
        for one in plugins
        if one["name"].startswith(_CALLED) and one["reason"]
    )
