"""The intake: the one door for events, with a limit for each plugin, shut when the disk is full."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from attrs import define, field

from argent_core.guard import Guard
from argent_core.inbound.ballast import Ballast
from argent_core.inbound.journal import Journal
from argent_core.log import current_event
from argent_core.loop.approvals import Approvals
from argent_hookspecs import Address, DiskFull, Event, EventRefused, PluginError, Trust

log = logging.getLogger("argent.intake")

MOST_READY = 1000
"""Events of one plugin that may wait before it is made to wait itself."""
_CHECK_EVERY = 100
_MOST_AT_ONCE = 64


@define(eq=False)
class _Door:
    """What is known of one plugin at the intake."""

    places: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(_MOST_AT_ONCE))
    unchecked: int = 0
    flooding: bool = False


@define(eq=False)
class Intake:
    """Takes events into the journal.

    Args:
        stored: Called when an event was stored.
        heard_from: Called with the address that an event came from.
    """

    journal: Journal
    approvals: Approvals
    guard: Guard
    ballast: Ballast
    stored: Callable[[], None]
    heard_from: Callable[[Address], None]
    closed: str = ""
    _doors: dict[str, _Door] = field(factory=dict)
    _drained: asyncio.Event = field(factory=asyncio.Event)

    async def emit(
        self, event: Event, *, plugin: str, source: str, cursor: str | None = None
    ) -> str | None:
        """Store an event durably and wake the loop.

        Returns:
            The event's id, or None if its ``dedupe_key`` was seen before.

        Raises:
            EventRefused: The kernel takes no new work now; says why.
            PluginError: It is no event.
        """
        if not isinstance(event, Event):
            raise PluginError(plugin, f"emitted {event!r:.80}, which is no Event")
        door = self._doors.setdefault(plugin, _Door())
        async with door.places:
            await self._hold_back(plugin, door)
            id = await self._store(event, plugin=plugin, source=source, cursor=cursor)
        if event.reply_to is not None:
            self.heard_from(event.reply_to)
        if id is not None and event.from_person and event.trust is Trust.OWNER:
            await self.approvals.supersede(event.conversation, by=event.sender)
        self.stored()
        return id

    def drained(self) -> None:
        """Let those look again who wait because they had too many events here."""
        self._drained.set()
        self._drained = asyncio.Event()

    def reopen_if_roomy(self) -> None:
        """Take new work again if the disk has room again."""
        if self.closed and self.ballast.restore():
            log.warning("there is room on the disk again; new events are taken")
            self.closed = ""

    async def _store(
        self, event: Event, *, plugin: str, source: str, cursor: str | None
    ) -> str | None:
        if self.closed:
            raise EventRefused(self.closed)
        try:
            return await self.journal.append(event, source=source, plugin=plugin, cursor=cursor)
        except DiskFull as error:
            self.closed = f"no new events are taken: {error}"
            self.ballast.release()
            log.error("%s", self.closed)
            raise EventRefused(self.closed) from error

    async def _hold_back(self, plugin: str, door: _Door) -> None:
        """Make a plugin wait while too many of its events do."""
        door.unchecked += 1
        if door.unchecked < _CHECK_EVERY and not door.flooding:
            return
        door.unchecked = 0
        while await self.journal.ready(plugin) >= MOST_READY:
            if not door.flooding:
                door.flooding = True
                self.guard.on_fault(
                    plugin, f"floods events: {MOST_READY} of them wait; its new ones are held back"
                )
            if current_event.get() is not None:
                # Called within a turn: to wait here would be to wait for oneself.
                raise EventRefused(f"{MOST_READY} events of {plugin} wait already")
            await self._drained.wait()
        door.flooding = False
