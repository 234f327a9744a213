"""The intake: the one door for events, with a limit for each plugin, shut when the disk is full."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from functools import partial

from attrs import define, evolve, field

from argent_core import codec
from argent_core.guard import Guard, attempt
from argent_core.inbound.ballast import Ballast
from argent_core.inbound.gate import Arrival, Gate, asks_to_stop
from argent_core.inbound.journal import Journal
from argent_core.log import current_event
from argent_core.loop import approvals
from argent_core.outcome import shown
from argent_hookspecs import (
    Address,
    DatabaseDamaged,
    DiskFull,
    Event,
    EventRefused,
    PluginError,
    Progress,
    StorageError,
    Transaction,
    Trust,
)

log = logging.getLogger("argent.intake")

MOST_READY = 1000
"""Events of one plugin that may wait before it is made to wait itself."""
_CHECK_EVERY = 100
_MOST_AT_ONCE = 64
_LOOK_AGAIN_SECONDS = 2.0
_STOP_SECONDS = 10.0
_STOPPED = "Stopped."
_NOTHING_TO_STOP = "Nothing is being answered here."


_WAITING = Progress(plugin="argent", activity="The disk is full; work waits until there is room")
_GOING_ON = evolve(_WAITING, total=0)


def _tell_nobody(_: Progress) -> None:
    """Serve where there are no observers."""


@define(eq=False, repr=False)
class _Door:
    """What is known of one plugin at the intake."""

    places: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(_MOST_AT_ONCE))
    unchecked: int = 0
    flooding: bool = False


@define(eq=False, repr=False)
class Intake:
    """Takes events into the journal.

    Args:
        stop: Stops the answer of a conversation; returns how many there were.
        stored: Called when an event was stored.
        heard_from: Called with the address that an event came from.
        publish: Tells observers that work waits for room on the disk.
    """

    journal: Journal
    gate: Gate
    guard: Guard
    ballast: Ballast
    stop: Callable[[str], Awaitable[int]]
    stored: Callable[[], None]
    heard_from: Callable[[Address], None]
    publish: Callable[[Progress], None] = field(default=_tell_nobody)
    closed: str = ""
    _starved: bool = False
    _damaged: bool = False
    _doors: dict[str, _Door] = field(factory=dict)
    _drained: asyncio.Event = field(factory=asyncio.Event)

    async def emit(
        self,
        event: Event,
        *,
        plugin: str,
        source: str,
        cursor: str | None = None,
        pairing: bool = False,
        names_whole: bool = False,
    ) -> str | None:
        """Store an event durably and wake the loop.

        Args:
            pairing: Whether it came through a channel whose senders have to be let in.
            names_whole: Whether the names of that channel's conversations begin with its own.

        Returns:
            The event's id, or None if its ``dedupe_key`` was seen before.

        Raises:
            EventRefused: The kernel takes no new work now; says why.
            PluginError: It is no event.
        """
        arrival = _arrival(
            event,
            plugin=plugin,
            source=source,
            cursor=cursor,
            pairing=pairing,
            names_whole=names_whole,
        )
        door = self._door(plugin)
        # One that is called within a turn never waits: it would wait for itself.
        in_turn = current_event.get() is not None
        async with nullcontext() if in_turn else door.places:
            await self._hold_back(plugin, door, in_turn=in_turn)
            id = await self._store(arrival, may_stop=not in_turn)
        self._note_stored([arrival])
        return id

    async def room(self, plugin: str) -> None:
        """Wait while too many events of a plugin wait."""
        await self._hold_back(plugin, self._door(plugin), in_turn=False)

    async def emit_all(
        self,
        events: Sequence[tuple[Event, str | None]],
        *,
        plugin: str,
        source: str,
        pairing: bool = False,
        names_whole: bool = False,
    ) -> list[str | None]:
        """Do for events, and the cursors that go with them, what ``emit`` does, in one transaction.

        None of them may be one that stops an answer.

        Raises:
            ArgentError: None of them is stored; ``emit`` knows for each why.
        """
        arrivals = [
            _arrival(
                event,
                plugin=plugin,
                source=source,
                cursor=cursor,
                pairing=pairing,
                names_whole=names_whole,
            )
            for event, cursor in events
        ]
        if self.closed:
            raise EventRefused(self.closed)
        self._door(plugin).unchecked += len(arrivals) - 1
        ids = await self.gate.admit_all(arrivals, also=self._supersede)
        self._note_stored(arrivals)
        return ids

    def drained(self) -> None:
        """Look again what a turn that has ended made room for: for events, or on the disk."""
        if self._starved:
            self.reopen_if_roomy()
        self._drained.set()
        self._drained = asyncio.Event()

    def cope(self, error: Exception) -> None:
        """Do what an error of the storage asks for: make room, or take nothing more."""
        if isinstance(error, DiskFull):
            self.make_room()
        elif isinstance(error, DatabaseDamaged) and not self._damaged:
            self._damaged = True
            self.closed = f"no new events are taken: {error}"
            log.critical("%s", self.closed)

    def make_room(self) -> None:
        """Make room for work under way on a full disk; say so once there is none to be made."""
        if not self.ballast.release() and not self._starved:
            self._starved = True
            self.publish(_WAITING)

    def reopen_if_roomy(self) -> None:
        """Take new work again if the disk has room again."""
        if self._damaged or not self.ballast.restore():
            return
        if self.closed:
            log.warning("there is room on the disk again; new events are taken")
        if self._starved:
            self.publish(_GOING_ON)
        self.closed, self._starved = "", False

    def _door(self, plugin: str) -> _Door:
        return self._doors.setdefault(plugin, _Door())

    def _note_stored(self, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            if arrival.event.reply_to is not None:
                self.heard_from(arrival.event.reply_to)
        self.stored()

    async def _store(self, arrival: Arrival, *, may_stop: bool) -> str | None:
        if self.closed:
            self.reopen_if_roomy()
        if self.closed:
            raise EventRefused(self.closed)
        try:
            answer = await self._stop(arrival) if may_stop and asks_to_stop(arrival.event) else ""
            if arrival.gated or answer:
                return await self.gate.admit(arrival, also=self._supersede, answer=answer)
            return await self.journal.append(
                arrival.event,
                source=arrival.source,
                plugin=arrival.plugin,
                cursor=arrival.cursor,
                also=partial(self._supersede, event=arrival.event),
            )
        except DiskFull as error:
            least = 2 * self.ballast.size >> 20
            self.closed = f"no new events are taken: {error} New ones need {least} MB."
            self.make_room()
            log.error("%s", self.closed)
            raise EventRefused(self.closed) from error
        except StorageError as error:
            self.cope(error)
            raise EventRefused(f"the event is not stored: {error}") from error

    async def _stop(self, arrival: Arrival) -> str:
        """Stop the answer that an event is to stop; return what to say, if that is all there is."""
        if not await self.gate.may_stop(arrival):
            return ""
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                stopped = await self.stop(arrival.event.conversation)
        except TimeoutError:  # it was told to end, and will
            return _STOPPED
        return _STOPPED if stopped else _NOTHING_TO_STOP

    def _supersede(self, tx: Transaction, event: Event) -> None:
        """Take the owner's new message for a no to what waits for their word."""
        if event.from_person and event.trust is Trust.OWNER:
            approvals.supersede(tx, event.conversation, by=event.sender, now=self.journal.now())

    async def _hold_back(self, plugin: str, door: _Door, *, in_turn: bool) -> None:
        """Make a plugin wait while too many of its events do."""
        door.unchecked += 1
        if door.unchecked < _CHECK_EVERY and not door.flooding:
            return
        door.unchecked = 0
        while True:
            drained = self._drained
            if await self.journal.ready(plugin) < MOST_READY:
                break
            if not door.flooding:
                door.flooding = True
                self.guard.on_fault(
                    plugin, f"floods events: {MOST_READY} of them wait; its new ones are held back"
                )
            if in_turn:
                raise EventRefused(f"{MOST_READY} events of {plugin} wait already")
            # Events also end without a turn: they expire, or are dropped.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                    await drained.wait()
        door.flooding = False


def _arrival(
    event: Event,
    *,
    plugin: str,
    source: str,
    cursor: str | None,
    pairing: bool,
    names_whole: bool,
) -> Arrival:
    """Return an event as it comes to the gate. Raises ``PluginError``."""
    _check(plugin, event)
    if pairing:
        prefix = f"{source}:"  # two channels that name theirs alike would hear each other's
        if not names_whole:
            event = evolve(event, conversation=f"{prefix}{event.conversation}")
        elif not event.conversation.startswith(prefix):
            words = f"named a conversation {event.conversation!r}, which does not begin with"
            raise PluginError(plugin, f"{words} {prefix!r}, though its channel says that all do")
    return Arrival(
        event=event,
        plugin=plugin,
        source=source,
        cursor=cursor,
        gated=pairing and event.trust is Trust.OUTSIDE,
    )


def _check(plugin: str, event: object) -> None:
    """Refuse what is no event, or could not be read back later. Raises ``PluginError``."""
    if not isinstance(event, Event):
        raise PluginError(plugin, f"emitted {shown(event)}, which is no Event")
    read = attempt(_read_back, event)
    if read.error is not None:
        words = f"emitted an event with a field of the wrong type: {shown(event)}"
        raise PluginError(plugin, words) from read.error


def _read_back(event: Event) -> None:
    codec.load(codec.dump(event), Event)
    if event.data:
        json.dumps(event.data, default=str)  # which takes no pair for a key, as the codec would
    place = event.reply_to.chat if event.reply_to is not None else ""
    names = (event.kind, event.conversation, event.sender, event.dedupe_key or "", place)
    "".join((*names, event.sender_name, event.group_name))
    "".join(names).encode()
