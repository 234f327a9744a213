"""Jobs at work: what plugins, and the kernel itself, do every so often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from attrs import define, field

from argent_core.guard import Guard
from argent_core.hosted_plugin import Registered
from argent_core.running import end
from argent_hookspecs import ArgentError, Clock, Job

log = logging.getLogger("argent.jobs")


@define(eq=False, repr=False)
class Jobs:
    """Repeats the jobs of every plugin that runs."""

    guard: Guard
    clock: Clock
    _tasks: dict[str, list[asyncio.Task[None]]] = field(factory=dict)

    def plugin_started(self, plugin: str, records: Sequence[Registered]) -> None:
        """Begin a plugin's jobs; each runs for the first time after its first interval."""
        self._tasks[plugin] = [
            asyncio.create_task(self._repeat(plugin, found.record), name=f"job {found.record.id}")
            for found in records
            if isinstance(found.record, Job)
        ]

    async def plugin_stopping(self, plugin: str) -> None:
        """End them."""
        await end(*self._tasks.pop(plugin, []))

    async def _repeat(self, plugin: str, job: Job) -> None:
        while True:
            await self.clock.sleep(job.every / timedelta(seconds=1))
            try:
                await self.guard.ask(plugin, job.run, what=f"job {job.id}", timeout=job.timeout)
            except ArgentError as error:
                log.warning("job %s of %s failed: %s", job.id, plugin, error)
