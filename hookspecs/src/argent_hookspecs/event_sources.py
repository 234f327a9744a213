"""Event sources and channels: how the world reaches the agent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from attrs import field, frozen
from attrs.validators import ge, instance_of, optional

from argent_hookspecs.events import Event
from argent_hookspecs.output_handlers import Delivery


class Feed(Protocol):
    """Where a source puts its events."""

    @property
    def cursor(self) -> str | None:
        """The cursor that was last stored with an event; None at first."""
        ...

    async def emit(self, event: Event, *, cursor: str | None = None) -> str | None:
        """Store an event durably, and the source's new cursor in the same transaction.

        When it returns, the event will be dealt with, whatever happens: now is the time to
        acknowledge it to the platform. Waits while the kernel has too many of this plugin's events
        before it. Returns the event's id, or None if its ``dedupe_key`` was seen before. Raises
        ``EventRefused`` when the kernel takes no work; keep the event and try later.

        Several may be emitted at once: they are stored in that order, many in one commit, and no
        cursor is stored as long as an event that was emitted before it is not.
        """
        ...


@runtime_checkable
class Listener(Protocol):
    """An event source that is open."""

    async def listen(self, feed: Feed) -> None:
        """Emit what happens, until cancelled. After an error the kernel starts it again."""
        ...


@frozen(kw_only=True)
class EventSource:
    """Something that makes events.

    Args:
        id: Unique among sources; its cursor is kept under this name.
        open: Yields the listener and closes it.
        timeout: Seconds that opening may take.
    """

    id: str
    open: Callable[[], AbstractAsyncContextManager[Listener]]
    timeout: float = 30.0
    order: int = 0


@runtime_checkable
class ChannelConnection(Listener, Delivery, Protocol):
    """A channel that is open: it listens and it delivers."""


@frozen(kw_only=True)
class Channel:
    """An event source and an output handler that belong together.

    Args:
        id: Name of the channel, in addresses and in the configuration.
        open: Yields the connection and closes it; entered once for each start of the plugin,
            however often the kernel lets it listen.
        idempotent: Whether the platform drops a second reply with the same key.
        pairing: Whether its senders are strangers until they are paired: messages from outside
            reach the agent only from people that its owner has let in. Without it they come in as
            content from outside.
        names_whole: Whether it begins the names of its conversations with its id and a colon
            itself; otherwise the kernel does, so that no two channels have the same.
        longest: Characters that one message may have; a longer reply is delivered in parts, each
            with a key of its own.
        timeout: Seconds that opening, or one delivery, may take; what the channel itself makes
            wait counts.
    """

    id: str
    open: Callable[[], AbstractAsyncContextManager[ChannelConnection]]
    idempotent: bool = False
    pairing: bool = True
    longest: int | None = field(default=None, validator=optional([instance_of(int), ge(1)]))
    timeout: float = 30.0
    names_whole: bool = False
    order: int = 0
