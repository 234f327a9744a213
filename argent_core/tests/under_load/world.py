"""A kernel under load with culprits in it, and who is named when."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field

from argent_core.kernel import Kernel
from argent_core.thread_times import ThreadTimes
from argent_testing import Argent, eventually

from .crowd import PATIENCE, PEOPLE, Crowd

NAMED_WITHIN = 1.0
"""Seconds, at most, from the moment at which a fault can be seen until its plugin is named."""


class Named(logging.Handler):
    """Notes when which plugin is named in the log, and what the kernel thinks is its own fault."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[float, str, str]] = []
        self.own_faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line of the log."""
        plugin = vars(record).get("plugin")
        if plugin is not None and record.levelno >= logging.WARNING:
            self.lines.append((time.monotonic(), plugin, record.getMessage()))
        if record.levelno >= logging.CRITICAL:
            self.own_faults.append(record.getMessage())

    def first(self, plugin: str, words: str) -> float | None:
        """Return when a plugin was first named with these words."""
        found = (t for t, name, line in self.lines if name == plugin and re.search(words, line))
        return next(found, None)


@define(eq=False)
class World:
    """A kernel under load."""

    argent: Argent
    kernel: Kernel
    crowd: Crowd
    named: Named
    times: ThreadTimes = field(factory=ThreadTimes)

    def delay(self, named: float, seen: float, stalled: float) -> float:
        """Return the seconds between a fault and its name, without those of a stalled loop.

        A deadline is put off while somebody else blocks the loop; so is everything that is said.

        Args:
            named: When the plugin was named.
            seen: When the fault could be seen.
            stalled: What the kernel had measured of stalls before the fault.
        """
        return named - seen - (self.stalled - stalled)

    @property
    def stalled(self) -> float:
        """Seconds for which the loop was held up until now, be it by the machine."""
        return self.kernel.guard.watchdog.stalled + self.lacked

    @property
    def lacked(self) -> float:
        """Seconds for which this process had no processor until now, though it wanted one."""
        return self.kernel.guard.watchdog.held_up + self.times.lacked()

    async def names(self, plugin: str, words: str, *, listed: bool = True) -> float:
        """Wait until a plugin is named, in the log and in the list; return when it was."""

        def is_named() -> bool:
            in_list = bool(self.plugin(plugin)["reason"]) or not listed
            return in_list and self.named.first(plugin, words) is not None

        await eventually(is_named, what=f"{plugin} is named: {words}", timeout=PATIENCE)
        when = self.named.first(plugin, words)
        assert when is not None
        return when

    def plugin(self, name: str) -> dict[str, Any]:
        """Say how a plugin is, as ``argent plugins list`` does."""
        return next(p for p in self.kernel.agent.plugins() if p["name"] == name)


@asynccontextmanager
async def world(
    argent: Argent,
    culprits: Iterable[Any],
    crowd: Crowd | None = None,
    *,
    retried: bool = False,
    **config: Any,
) -> AsyncIterator[World]:
    """Run a kernel with culprits in it while fifty people talk; nobody else loses anything.

    Args:
        retried: Whether turns may be tried a second time.
    """
    culprits, crowd, named = list(culprits), crowd or Crowd(), Named()
    sound = {plugin.name for plugin in crowd.plugins()}
    settings = {"loop": {"conversations": PEOPLE}, **config}
    log = logging.getLogger("argent")
    log.addHandler(named)
    try:
        async with argent(
            plugins=[*crowd.plugins(), *culprits], config=settings, allow_faults=True
        ) as kernel:
            kernel.guard.watchdog.patience = 1.0
            async with crowd.talking():
                yield World(argent, kernel, crowd, named)
            for plugin in kernel.agent.plugins():
                if plugin["name"] in sound:
                    assert (plugin["state"], plugin["faults"]) == ("running", 0), plugin
    finally:
        log.removeHandler(named)
    crowd.assert_lost_nothing(retried=retried)
    assert named.own_faults == []
    assert not sound & {name for _, name, _ in named.lines}
