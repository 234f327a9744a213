"""Event sources at work: each listens until its plugin stops, and is started again if it fails."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from functools import partial
from typing import Any

from attrs import define, field

from argent_core.backoff import backoff
from argent_core.guard import Guard, attempt, attempt_async
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_core.inbound.gate import asks_to_stop
from argent_core.inbound.intake import Intake
from argent_core.log import current_event
from argent_core.running import end
from argent_hookspecs import ArgentError, Channel, Event, EventRefused, EventSource, StorageError

log = logging.getLogger("argent.sources")

_LONGEST_WAIT = 60.0
_LONGEST_REASON = 200
_SOUND_SECONDS = 60.0
_MOST_TOGETHER = 128
_BACK_SECONDS = 5.0
"""How long a source that has failed listens until it counts as back, if nothing comes."""


def source_names(host: PluginHost) -> list[str]:
    """Return the names that events come under: of sources, channels, and plugins that emit some."""
    records = [found.record for kind in (EventSource, Channel) for found in host.registered(kind)]
    plugins = [plugin.name for plugin in host.plugins.values() if plugin.up]
    return sorted({*(record.id for record in records), *plugins})


@define(eq=False, repr=False)
class _Emission:
    """An event on its way in.

    Args:
        place: Rises from one to the next.
        alone: Whether it needs a transaction of its own.
        storing: The transaction that it shares, once that has begun.
    """

    event: Event
    cursor: str | None
    place: int
    alone: bool
    storing: asyncio.Task[None] | None = None
    stored: bool = False
    id: str | None = None

    def is_again(self, earlier: _Emission) -> bool:
        """Tell whether this is what was emitted before."""
        return (self.event, self.cursor) == (earlier.event, earlier.cursor)


@define(eq=False, repr=False)
class SourceFeed:
    """Where one source puts its events: they are stored in the order in which it emits them.

    Those that come while an earlier one is being stored share the next transaction. It is all or
    nothing: where it fails, each has one of its own.

    Args:
        cursor: The one last stored.
        pairing: Whether those who send its events have to be let in.
        names_whole: Whether it is a channel's and says of each conversation whose it is.
        gap: Done once the source wants to pass over an event that was not stored.
        stored: Called after each event that was.
    """

    intake: Intake
    plugin: str
    source: str
    cursor: str | None
    pairing: bool = False
    names_whole: bool = field(default=False, kw_only=True)
    stored: Callable[[], None] = lambda: None
    gap: asyncio.Future[None] = field(factory=lambda: asyncio.get_running_loop().create_future())
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)
    _places: Iterator[int] = field(factory=itertools.count)
    _waiting: dict[_Emission, None] = field(factory=dict)
    _storing: asyncio.Task[None] | None = None
    _failed: list[_Emission] = field(factory=list)

    async def emit(self, event: Event, *, cursor: str | None = None) -> str | None:
        """Store an event and the cursor; see the contract's ``Feed``."""
        one = _Emission(event, cursor, next(self._places), alone=_is_alone(event))
        self._waiting[one] = None
        try:
            async with self._one_by_one:
                await self._store(one)
        except asyncio.CancelledError:
            if one.storing is not None:  # so that it is either stored or not
                await asyncio.wait({one.storing})
            raise
        finally:
            self._waiting.pop(one, None)
            if not one.stored:
                self._take_up(one)
                self._failed.append(one)
        return one.id

    async def _store(self, one: _Emission) -> None:
        """Store the first that waits, and with it those behind it."""
        if self._storing is not None:  # whoever began it may have been cancelled
            await asyncio.wait({self._storing})
        if len(self._waiting) > 1 and not one.alone:
            await self._store_with_next()
        if not one.stored:
            await self._store_alone(one)

    async def _store_with_next(self) -> None:
        await self.intake.room(self.plugin)
        if self._failed:
            return
        behind = itertools.takewhile(lambda other: not other.alone, self._waiting)
        together = list(itertools.islice(behind, _MOST_TOGETHER))
        # An empty context: the plugin whose events they are does not own the task.
        self._storing = asyncio.create_task(self._store_all(together), context=Context())
        for one in together:
            one.storing, one.alone = self._storing, True
            del self._waiting[one]
        await asyncio.wait({self._storing})

    async def _store_all(self, together: Sequence[_Emission]) -> None:
        """Store all or none; what is wrong with one of them it hears when it is stored alone."""
        emit = partial(
            self.intake.emit_all,
            [(one.event, one.cursor) for one in together],
            plugin=self.plugin,
            source=self.source,
            pairing=self.pairing,
            names_whole=self.names_whole,
        )
        ids = (await attempt_async(emit)).value
        for one, id in zip(together, ids or (), strict=False):
            self._note_stored(one, id)

    async def _store_alone(self, one: _Emission) -> None:
        self._take_up(one)
        if one.cursor is not None and any(failed.place < one.place for failed in self._failed):
            # The cursor would pass over an event that was not stored.
            if not self.gap.done():
                self.gap.set_result(None)
            raise EventRefused("an earlier event of this source was not stored; it starts again")
        id = await self.intake.emit(
            one.event,
            plugin=self.plugin,
            source=self.source,
            cursor=one.cursor,
            pairing=self.pairing,
            names_whole=self.names_whole,
        )
        self._note_stored(one, id)

    def _take_up(self, one: _Emission) -> None:
        """Let an event that failed before have the place that it had."""
        again = [failed for failed in self._failed if one.is_again(failed)]
        one.place = min(each.place for each in (one, *again))
        self._failed = [failed for failed in self._failed if failed not in again]

    def _note_stored(self, one: _Emission, id: str | None) -> None:
        one.stored, one.id = True, id
        if one.cursor is not None:
            self.cursor = one.cursor
        self.stored()


@define(eq=False, repr=False)
class EventSources:
    """Runs the sources of every plugin that runs.

    Args:
        mended: Told the plugin's name, and the reason of a fault that is over.
    """

    guard: Guard
    intake: Intake
    mended: Callable[[str, str], None]
    _tasks: dict[str, list[asyncio.Task[None]]] = field(factory=dict)

    def plugin_started(self, plugin: str, records: Sequence[Registered]) -> None:
        """Let a plugin's sources and channels listen."""
        self._tasks[plugin] = [
            asyncio.create_task(self._keep_listening(found), name=f"source {found.record.id}")
            for found in records
            if isinstance(found.record, (EventSource, Channel))
        ]

    async def plugin_stopping(self, plugin: str) -> None:
        """Let them listen no more."""
        await end(*self._tasks.pop(plugin, []))

    async def _keep_listening(self, found: Registered) -> None:
        plugin, source = found.plugin, found.record.id
        failures, trouble = 0, ""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            sound = partial(self.mended, plugin, trouble)
            back = loop.call_later(_BACK_SECONDS, sound)
            try:
                cursor = await self.intake.journal.cursor(source)
                channel = found.record if isinstance(found.record, Channel) else None
                feed = SourceFeed(
                    self.intake,
                    plugin,
                    source,
                    cursor,
                    channel is not None and channel.pairing,
                    names_whole=channel is not None and channel.names_whole,
                    stored=sound,
                )
                error = await self._listen(found, feed)
            except StorageError as broken:
                error = EventRefused(str(broken))
            finally:
                back.cancel()
            failures = 1 if loop.time() - began > _SOUND_SECONDS else failures + 1
            seconds = backoff(failures, longest=_LONGEST_WAIT)
            again = f"again in {seconds:.0f} s"
            if isinstance(error, EventRefused):
                log.warning("source %s keeps its events; %s: %s", source, again, error)
            else:
                trouble = f"{_failed(found.record, error)}; it starts {again}"
                self.guard.on_fault(plugin, trouble)
            await asyncio.sleep(seconds)

    async def _listen(self, found: Registered, feed: SourceFeed) -> BaseException | None:
        """Let a source listen until it ends; return what it raised, if anything."""
        plugin, source = found.plugin, found.record.id
        task = self.guard.start(plugin, partial(found.live.listen, feed), name=source)
        ends: set[asyncio.Future[Any]] = {task, feed.gap}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self.guard.tasks.dispose(plugin, task, what=f"source {source}")
        if feed.gap.done():
            return EventRefused("an event of it was not stored; it goes on from there")
        return asyncio.CancelledError() if task.cancelled() else task.result().error


def _failed(record: EventSource | Channel, error: BaseException | None) -> str:
    """Say for a person that a source does not listen any more, and why."""
    name = f"its {'channel' if isinstance(record, Channel) else 'event source'} {record.id}"
    if error is None:
        return f"{name} ended by itself"
    words = (attempt(str, error).value or "")[:_LONGEST_REASON]
    known = isinstance(error, ArgentError) and words
    why = words if known else f"{type(error).__name__}: {words}"
    return f"{name} failed ({why.removesuffix(': ')})"


def _is_alone(event: Event) -> bool:
    """Tell whether an event shares no transaction: one of a turn, or that stops one, or is none."""
    return current_event.get() is not None or attempt(asks_to_stop, event).value is not False
