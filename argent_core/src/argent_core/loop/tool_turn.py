"""The turn that calls tools: what they may know of it, and what they add to it."""

from __future__ import annotations

from collections.abc import Callable

from attrs import field, frozen

from argent_core.inbound.journal import Lease
from argent_core.loop.steps import Steps
from argent_hookspecs import Approval, Event, File, ToolResult, ToolRun, Trust

SAME_CALLS = 3
"""How often a turn may make the same call."""


@frozen(kw_only=True)
class ToolTurn:
    """The turn that calls tools.

    Args:
        told: Whose content the model is told; what tools bring from outside is added to it.
        private: Whether it is for models of this machine only.
        files: What its tools have made to go with the answer, by what is in it.
    """

    lease: Lease
    steps: Steps
    told: list[Trust]
    on_ask: Callable[[Approval], None]
    private: bool = False
    calls: dict[str, int] = field(factory=dict)
    files: dict[str, File] = field(factory=dict)

    @property
    def event(self) -> Event:
        """What it deals with."""
        return self.lease.event

    @property
    def goes_round(self) -> bool:
        """Whether the model asks for the same again and again, and should answer instead."""
        return max(self.calls.values(), default=0) > SAME_CALLS

    def take(self, result: ToolResult) -> None:
        """Note whose content a result tells, and what goes with the answer because of it."""
        if result.outside:
            self.told.append(Trust.OUTSIDE)
        for file in result.files:
            self.files.setdefault(file.id, file)

    def run(self, key: str) -> ToolRun:
        """Say what a tool may know of a call.

        Args:
            key: Of the call.
        """
        least = next((t for t in (Trust.OUTSIDE, Trust.PAIRED) if t in self.told), Trust.OWNER)
        event = self.lease.event
        return ToolRun(
            key=key,
            conversation=event.conversation,
            event=event,
            trust=least,
            private=self.private,
            turn=self.lease.id,
        )
