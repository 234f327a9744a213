"""A feed that keeps what is emitted, and can be out of order as the kernel's can."""

from __future__ import annotations

from attrs import define, field

from argent_hookspecs import Event, EventRefused, PluginError
from argent_testing.waiting import PATIENCE, Changes, hang

Emitted = tuple[Event, str | None]


@define(eq=False)
class RecordingFeed:
    """The contract's ``Feed``, which keeps what is emitted.

    Args:
        cursor: The cursor last stored.
        events: What was emitted, in order.
        refusing: Whether it takes no work, as the kernel does when the disk is full.
        hanging: Whether storing never comes to an end, as when the power fails.
        turned_away: What was emitted then, and not stored.
    """

    cursor: str | None = None
    events: list[Event] = field(factory=list)
    refusing: bool = False
    hanging: bool = False
    turned_away: list[Event] = field(factory=list)
    _open: list[Emitted] = field(factory=list)
    _changes: Changes = field(factory=Changes)
    _ended: str = ""

    async def emit(self, event: Event, *, cursor: str | None = None) -> str | None:
        """Keep an event, unless its key was seen before. Raises ``EventRefused``."""
        if not isinstance(event, Event):
            self.end(f"emitted {event!r:.100}, which is no Event")
            raise PluginError("contract", self._ended)
        await self._turn_away(event, cursor)
        self.cursor = cursor or self.cursor
        if event.dedupe_key is not None and event.dedupe_key in {e.dedupe_key for e in self.events}:
            return None
        self.events.append(event)
        self._changes.notify()
        return f"event-{len(self.events)}"

    async def _turn_away(self, event: Event, cursor: str | None) -> None:
        """Refuse what cannot be stored, and a cursor that would pass over such an event."""
        passes_over = cursor is not None and any(one != (event, cursor) for one in self._open)
        if not (self.refusing or self.hanging or passes_over):
            self._open = [one for one in self._open if one != (event, cursor)]
            return
        self._open.append((event, cursor))
        self.turned_away.append(event)
        self._changes.notify()
        if self.hanging:
            await hang()
        raise EventRefused("the contract takes no work now; keep the event")

    def end(self, reason: str) -> None:
        """Note that nothing more will come, and why."""
        self._ended = self._ended or reason
        self._changes.notify()

    async def next_event(self, *, after: int = 0, timeout: float = PATIENCE) -> Event:
        """Wait for the event after so many others. Raises ``AssertionError`` if none comes."""
        await self._changes.until(
            lambda: len(self.events) > after or bool(self._ended), timeout=timeout, what="an event"
        )
        assert len(self.events) > after, f"an event: {self._ended}"
        return self.events[after]

    async def next_turned_away(self, *, timeout: float = PATIENCE) -> Event:
        """Wait until an event was not stored. Raises ``AssertionError`` if none comes."""
        await self._changes.until(
            lambda: bool(self.turned_away), timeout=timeout, what="an event to turn away"
        )
        return self.turned_away[0]
