"""The agent, as a channel sees it: what a person may ask of it besides an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from argent_hookspecs.observers import Approval
from argent_hookspecs.people import PairingRequest, Sender
from argent_hookspecs.trust import Trust


class Agent(Protocol):
    """What channels offer to people: ``/status /trace /stop``, buttons for approvals.

    A plugin with one channel whose people have to be paired may name a conversation as it does in
    its events, without the channel before it, and reaches that channel's alone; with several, it
    says which.
    """

    async def stop(self, conversation: str | None = None) -> int:
        """Stop the answer being given in a conversation, or in all; return how many."""
        ...

    async def status(self, *, deep: bool = False) -> Mapping[str, Any]:
        """Say how the agent is, in JSON values; deep asks each health check too."""
        ...

    async def trace(self, conversation: str) -> Mapping[str, Any] | None:
        """Explain the last answer of a conversation, in JSON values."""
        ...

    async def history(self, conversation: str, limit: int = 20) -> Sequence[Mapping[str, Any]]:
        """Return the last exchanges, oldest first.

        Each is ``{"asked": …, "answered": …, "at": …, "private": …}``; one that is private is told
        to models of this machine only.
        """
        ...

    async def approvals(self, conversation: str | None = None) -> Sequence[Approval]:
        """Return the tool calls that wait for a person's word."""
        ...

    async def answer(
        self, approval: str, *, allow: bool, by: str, sender: Sender | None = None, key: str = ""
    ) -> bool:
        """Allow or deny a tool call; False if it no longer waits, or the sender may not.

        Args:
            by: Who speaks, for the record.
            sender: Who speaks, where a channel cannot vouch that it is the owner: the kernel looks.
            key: The same for every try of this answer, of a button's press perhaps: one that was
                given before is given, also after a crash.
        """
        ...

    async def trust(self, sender: Sender) -> Trust:
        """Return how far a sender is trusted: a stranger is outside, and so is who is blocked.

        A channel asks before it fetches what came with a message: of a stranger nothing is kept.
        """
        ...

    async def pairings(self) -> Sequence[PairingRequest]:
        """Return who asks to be let in."""
        ...

    async def pair(self, code: str, *, allow: bool, by: str, sender: Sender | None = None) -> bool:
        """Let somebody in, or send them away; False if nobody asks with that code, or may not.

        Whoever is let in so is paired, no owner.

        Args:
            by: Who speaks, for the record.
            sender: As in ``answer``.
        """
        ...
