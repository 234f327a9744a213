"""Filters: a say in what comes in, what is done and what goes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import frozen

from argent_hookspecs.events import Event
from argent_hookspecs.output_handlers import Reply
from argent_hookspecs.tools import ToolCall


@frozen
class Reject:
    """A filter's no, with the reason that is recorded and shown."""

    reason: str


@frozen(kw_only=True)
class Filter:
    """Look at what passes and let it through, change it or reject it.

    Filters run one after another, in order; a filter that fails rejects: an event is tried again
    and then put aside as dead, a tool call is denied, a reply is held. Nothing is dropped.

    Args:
        id: Unique within the plugin.
        event: Sees each event before its turn.
        tool_call: Sees each validated tool call before it is run.
        reply: Sees each reply before it is sent.
        timeout: Seconds that one look may take.
    """

    id: str
    event: Callable[[Event], Awaitable[Event | Reject]] | None = None
    tool_call: Callable[[ToolCall], Awaitable[ToolCall | Reject]] | None = None
    reply: Callable[[Reply], Awaitable[Reply | Reject]] | None = None
    timeout: float = 5.0
    order: int = 0
