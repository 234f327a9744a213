"""Turns under way."""

from __future__ import annotations

import asyncio

from attrs import define

from argent_core.loop.agent_turn import AgentTurn


@define(eq=False, repr=False)
class RunningTurn:
    """A turn under way, and how to end it.

    Args:
        stopped: Why it is to end now, once somebody wants that.
    """

    turn: AgentTurn
    task: asyncio.Task[None]
    stopped: str = ""
    deadline: asyncio.Timeout | None = None
