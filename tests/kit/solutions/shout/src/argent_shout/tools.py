"""The tool: something that the agent can do."""

from __future__ import annotations

from typing import Annotated

from argent_hookspecs import Effect, Tool, ToolError, tool
from argent_shout.settings import Settings


def shout_tool(settings: Settings) -> Tool:
    """Return the tool, as a person has set it."""

    # IDEMPOTENT: to run it twice does no harm. If it does, say BLIND, or QUERYABLE with a check.
    @tool(effect=Effect.IDEMPOTENT, hints=("shout",))
    async def shout(text: Annotated[str, "what it is about"]) -> str:
        """Return a text in capitals, for when somebody should hear it."""
        if not text.strip():
            raise ToolError("there is nothing to shout")
        return text.upper()[: settings.longest]

    return shout
