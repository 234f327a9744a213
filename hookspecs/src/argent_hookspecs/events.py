"""Events: what wakes the agent."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from argent_hookspecs.messages import EventPart, Text
from argent_hookspecs.trust import Trust


class Priority(enum.IntEnum):
    """Rank of an event. A lower number is served first."""

    URGENT = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3
    BACKGROUND = 4


DEFAULT_PRIORITIES: Mapping[str, Priority] = MappingProxyType(
    {
        "message": Priority.NORMAL,
        "task": Priority.HIGH,
        "heartbeat": Priority.LOW,
        "calendar": Priority.URGENT,
        "webhook": Priority.NORMAL,
    }
)
"""Priority of an event whose source does not say one, by kind. Other kinds are normal."""


@frozen
class Address:
    """Where a reply goes: a place within a channel.

    Args:
        channel: Id of the output handler that delivers there.
        chat: The channel's own name of the place.
        thread: A topic within it, where the channel has them.
    """

    channel: str
    chat: str
    thread: str | None = None


def _content(value: str | tuple[EventPart, ...]) -> tuple[EventPart, ...]:
    return (Text(value),) if isinstance(value, str) else tuple(value)


def _priority(value: Priority | int | None) -> Priority | None:
    return None if value is None else Priority(value)


@frozen(kw_only=True)
class Event:
    """Something that happened and that the agent should deal with.

    Args:
        kind: ``message``, ``task``, ``heartbeat``, ``calendar``, ``webhook``, or a plugin's own.
        conversation: Events of one conversation are dealt with one at a time, in order, and the
            model is told what was said in it before. The name begins with the channel's and a
            colon (``irc:#home``). Where people have to be paired, a channel may leave that out of
            all its names: the kernel puts it there, and filters, tools, replies and notices have
            the whole name.
        content: What was said and what came with it; a plain string is taken as one text part.
        sender: The source's own, unchanging name of who said it.
        sender_name: What people call the sender.
        trust: Whose word the content is. Content from outside is data, not instruction. A channel
            that cannot prove who its people are leaves it at that: the kernel knows who is paired.
        group: Whether others read along where it was said.
        group_name: What people call that group.
        addressed: Whether it is said to the agent: not, if a group talks and does not mention it.
        priority: Overrides the priority of the kind (see ``DEFAULT_PRIORITIES``).
        dedupe_key: The same key is taken once in 45 days, however often it is emitted.
        reply_to: Where the answer goes; without it the turn's answer is only recorded.
        occurred_at: When it happened, with a time zone; now, if not given.
        expires_at: An event not begun by then is cancelled, with that as its reason.
        data: Further facts for context providers and tools, JSON values only.
    """

    kind: str = "message"
    conversation: str
    content: tuple[EventPart, ...] = field(converter=_content, default=())
    sender: str = ""
    sender_name: str = ""
    trust: Trust = field(converter=Trust, default=Trust.OUTSIDE)
    group: bool = False
    group_name: str = ""
    addressed: bool = True
    priority: Priority | None = field(converter=_priority, default=None)
    dedupe_key: str | None = None
    reply_to: Address | None = None
    occurred_at: datetime | None = None
    expires_at: datetime | None = None
    data: Mapping[str, Any] = field(factory=dict)

    @property
    def text(self) -> str:
        """The text parts of the content, joined by new lines."""
        return "\n".join(part.text for part in self.content if isinstance(part, Text))

    @property
    def effective_priority(self) -> Priority:
        """The priority given, or that of the kind."""
        if self.priority is not None:
            return self.priority
        return DEFAULT_PRIORITIES.get(self.kind, Priority.NORMAL)

    @property
    def from_person(self) -> bool:
        """Whether somebody who may talk to the agent is waiting for the answer."""
        return self.kind == "message" and self.trust is not Trust.OUTSIDE
