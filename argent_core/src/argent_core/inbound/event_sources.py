"""Event sources at work: each listens until its plugin stops, and is started again if it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from attrs import define, field

from argent_core.backoff import backoff
from argent_core.guard import Guard
from argent_core.hosted_plugin import Registered
from argent_core.inbound.intake import Intake
from argent_hookspecs import Channel, Event, EventRefused, EventSource

log = logging.getLogger("argent.sources")

_LONGEST_WAIT = 60.0
_SOUND_SECONDS = 60.0


@define(eq=False)
class SourceFeed:
    """Where one source puts its events.

    Args:
        cursor: The one last stored.
    """

    intake: Intake
    plugin: str
    source: str
    cursor: str | None
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)
    _broken: bool = False

    async def emit(self, event: Event, *, cursor: str | None = None) -> str | None:
        """Store an event and the cursor; see the contract's ``Feed``."""
        async with self._one_by_one:
            if self._broken:
                # A later cursor would pass over the event that was not stored.
                raise EventRefused(
                    "an earlier event of this source was not stored; it starts again"
                )
            self._broken = True
            id = await self.intake.emit(
                event, plugin=self.plugin, source=self.source, cursor=cursor
            )
            self._broken = False
        if cursor is not None:
            self.cursor = cursor
        return id


@define(eq=False)
class EventSources:
    """Runs the sources of every plugin that runs."""

    guard: Guard
    intake: Intake
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
        tasks = self._tasks.pop(plugin, [])
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _keep_listening(self, found: Registered) -> None:
        plugin, source = found.plugin, found.record.id
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            cursor = await self.intake.journal.cursor(source)
            feed = SourceFeed(self.intake, plugin, source, cursor)
            task = self.guard.start(plugin, partial(found.live.listen, feed), name=source)
            try:
                await asyncio.wait({task})
            finally:
                await self.guard.tasks.dispose(plugin, task, what=f"source {source}")
            failures = 1 if loop.time() - began > _SOUND_SECONDS else failures + 1
            error = task.result().error
            words = f"raised {error!r}" if error is not None else "ended by itself"
            seconds = backoff(failures, longest=_LONGEST_WAIT)
            self.guard.on_fault(plugin, f"source {source} {words}; again in {seconds:.0f} s")
            await asyncio.sleep(seconds)
