"""People: who may talk with the agent, and who asks to."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from argent_hookspecs.events import Address


@frozen
class Sender:
    """Somebody on a channel.

    Args:
        channel: Id of the channel.
        id: The channel's own, unchanging name of the person.
    """

    channel: str
    id: str


@frozen(kw_only=True)
class PairingRequest:
    """Somebody who asks to be let in, or a group that does.

    Args:
        code: What it is approved with.
        sender: Who asks.
        name: What people call them, or the group.
        to: Where they were told the code; for a group the group itself.
        group: Whether it is a group that is to be let in.
        expires_at: After that the code is worth nothing.
    """

    code: str
    sender: Sender
    name: str
    to: Address
    group: bool
    expires_at: datetime


@frozen(kw_only=True)
class PairingAsked:
    """Somebody asks to be let in."""

    request: PairingRequest
