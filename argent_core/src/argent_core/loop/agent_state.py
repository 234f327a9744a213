"""The agent's states and every legal way between them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import define

from argent_hookspecs import ArgentError


class AgentState(enum.StrEnum):
    """What the agent does in a turn; between turns it is idle."""

    IDLE = "idle"
    PROCESSING = "processing"
    WAITING_TOOL = "waiting_tool"
    RESPONDING = "responding"


TRANSITIONS: Mapping[AgentState, frozenset[AgentState]] = MappingProxyType(
    {
        AgentState.IDLE: frozenset({AgentState.PROCESSING}),
        AgentState.PROCESSING: frozenset(
            {AgentState.WAITING_TOOL, AgentState.RESPONDING, AgentState.IDLE}
        ),
        AgentState.WAITING_TOOL: frozenset(
            {AgentState.PROCESSING, AgentState.RESPONDING, AgentState.IDLE}
        ),
        AgentState.RESPONDING: frozenset({AgentState.PROCESSING, AgentState.IDLE}),
    }
)
"""Where each state may lead. Anything else is an error."""


class IllegalTransition(ArgentError):
    """Report a change of state that the table does not have."""


@define(eq=False, repr=False)
class StateMachine:
    """The state of one turn.

    Args:
        changed: Told the old and the new state.
    """

    changed: Callable[[AgentState, AgentState], None]
    state: AgentState = AgentState.IDLE

    def to(self, new: AgentState) -> None:
        """Change to a state; to the same one is no change. Raises ``IllegalTransition``."""
        old = self.state
        if new is old:
            return
        if new not in TRANSITIONS[old]:
            legal = ", ".join(sorted(TRANSITIONS[old]))
            raise IllegalTransition(f"{old} → {new} is not legal; from {old}: {legal}")
        self.state = new
        self.changed(old, new)
