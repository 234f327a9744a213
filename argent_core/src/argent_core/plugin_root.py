"""A plugin's root task: what it brings is opened in it, lives there, and is closed there."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from attrs import frozen

from argent_core.guard import attempt, attempt_async
from argent_core.hosted_plugin import OPENS, HostedPlugin
from argent_core.outcome import shown
from argent_hookspecs import ArgentError, Channel, EventSource, PluginError, Service


@frozen
class PluginRoot:
    """The root task of one plugin.

    Args:
        plugin: Whose it is.
        kinds: Classes of records that are opened.
        open_seconds: Longest opening of what has no timeout for it.
        stop_seconds: Longest closing of one of them.
    """

    plugin: HostedPlugin
    kinds: tuple[type[Any], ...]
    open_seconds: float
    stop_seconds: float

    @property
    def patience(self) -> float:
        """Seconds that opening everything may take."""
        records = [record for record in self.plugin.records if type(record) in self.kinds]
        return sum(self._patience(record) for record in records) + self.stop_seconds

    async def live(self, started: asyncio.Future[None]) -> None:
        """Open what the plugin brings, wait, and close it."""
        opened: list[Any] = []
        try:
            for record in self.plugin.records:
                if type(record) in self.kinds:
                    await self._enter(record, opened)
            started.set_result(None)
            await self.plugin.closing.wait()
        finally:
            for manager in reversed(opened):
                outcome = await attempt_async(partial(_leave, self.stop_seconds, manager))
                if outcome.error is not None:
                    self.plugin.blame(f"failed while it was closed: {shown(outcome.error)}")

    async def _enter(self, record: Any, opened: list[Any]) -> None:
        what = f"{type(record).__name__} {record.id}"
        opening = attempt(record.open)
        if opening.error is None:
            entering = await attempt_async(partial(_within, self._patience(record), opening.value))
        if opening.error is not None or entering.error is not None:
            error = opening.error or entering.error
            words = "did not open in time" if isinstance(error, TimeoutError) else shown(error)
            if isinstance(error, ArgentError):
                words = str(error)
            raise PluginError(self.plugin.name, f"{what}: {words}") from error
        opened.append(opening.value)
        if not isinstance(entering.value, OPENS[type(record)]):
            found = type(entering.value).__name__
            raise PluginError(
                self.plugin.name, f"{what}: open yielded a {found}, which lacks methods"
            )
        self.plugin.live[id(record)] = entering.value

    def _patience(self, record: Any) -> float:
        """Return how long a record may take to open; the timeout of some is that of a call."""
        own = isinstance(record, (Service, EventSource, Channel))
        return float(record.timeout) if own else self.open_seconds


async def _within(seconds: float, manager: Any) -> Any:
    async with asyncio.timeout(seconds):
        return await manager.__aenter__()


async def _leave(seconds: float, manager: Any) -> None:
    async with asyncio.timeout(seconds):
        await manager.__aexit__(None, None, None)
