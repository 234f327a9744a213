"""Event sources at work: each listens until its plugin stops, and is started again if it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from attrs import define, field

from argent_core.backoff import backoff
from argent_core.guard import Guard, attempt
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_core.inbound.intake import Intake
from argent_core.running import end
from argent_hookspecs import ArgentError, Channel, Event, EventRefused, EventSource, StorageError

log = logging.getLogger("argent.sources")

_LONGEST_WAIT = 60.0
_LONGEST_REASON = 200
_SOUND_SECONDS = 60.0
_BACK_SECONDS = 5.0
"""How long a source that has failed listens until it counts as back, if nothing comes."""


def source_names(host: PluginHost) -> list[str]:
    """Return the names that events come under: of sources, channels, and plugins that emit some."""
    records = [found.record for kind in (EventSource, Channel) for found in host.registered(kind)]
    plugins = [plugin.name for plugin in host.plugins.values() if plugin.up]
    return sorted({*(record.id for record in records), *plugins})


@define(eq=False, repr=False)
class SourceFeed:
    """Where one source puts its events.

    Args:
        cursor: The one last stored.
        pairing: Whether those who send its events have to be let in.
        gap: Done once the source wants to pass over an event that was not stored.
        stored: Called after each event that was.
    """

    intake: Intake
    plugin: str
    source: str
    cursor: str | None
    pairing: bool = False
    stored: Callable[[], None] = lambda: None
    gap: asyncio.Future[None] = field(factory=lambda: asyncio.get_running_loop().create_future())
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)
    _failed: list[tuple[Event, str | None]] = field(factory=list)

    async def emit(self, event: Event, *, cursor: str | None = None) -> str | None:
        """Store an event and the cursor; see the contract's ``Feed``."""
        async with self._one_by_one:
            this = (event, cursor)
            if cursor is not None and any(other != this for other in self._failed):
                # The cursor would pass over an event that was not stored.
                if not self.gap.done():
                    self.gap.set_result(None)
                raise EventRefused(
                    "an earlier event of this source was not stored; it starts again"
                )
            if this not in self._failed:
                self._failed.append(this)
            id = await self.intake.emit(
                event,
                plugin=self.plugin,
                source=self.source,
                cursor=cursor,
                pairing=self.pairing,
            )
            self._failed.remove(this)
        if cursor is not None:
            self.cursor = cursor
        self.stored()
        return id


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
                pairing = isinstance(found.record, Channel) and found.record.pairing
                feed = SourceFeed(self.intake, plugin, source, cursor, pairing, sound)
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
