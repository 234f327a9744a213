"""The callbacks of plugins: none ends the event loop, and one that holds it up is known.

A step of a task is a callback too, so whatever a plugin does on the loop passes here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any

from attrs import define

from argent_core.outcome import shown
from argent_core.plugin_tasks import plugin_in
from argent_core.watchdog import Watchdog

_SCHEDULERS = {"call_soon": 0, "call_soon_threadsafe": 0, "call_at": 1}
"""Methods of a loop that take a callback, and which of their arguments it is."""
_EXITS = "a callback of it tried to exit the process"

log = logging.getLogger("argent.guard")


@define(eq=False, repr=False)
class PluginCallbacks:
    """Watches what plugins put on the event loop.

    Args:
        on_fault: Told the plugin's name and the reason each time one misbehaves.
        watchdog: Told which plugin runs, and since when.
    """

    on_fault: Callable[[str, str], None]
    watchdog: Watchdog
    _failed: str = ""

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Contain what is scheduled from now on."""
        for name, position in _SCHEDULERS.items():
            schedule = getattr(loop, name)
            setattr(loop, name, partial(self._schedule, schedule, position))
        vars(loop)["call_soon_threadsafe"] = partial(
            self._schedule_from_thread, loop.call_soon_threadsafe
        )
        loop.set_exception_handler(self._unhandled)

    def uninstall(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the loop its own methods back."""
        for name in _SCHEDULERS:
            vars(loop).pop(name, None)
        loop.set_exception_handler(None)

    def _schedule(
        self,
        schedule: Callable[..., Any],
        position: int,
        *arguments: Any,
        context: Context | None = None,
    ) -> Any:
        plugin = plugin_in(context)
        if plugin is not None:
            contained = partial(self._run, plugin, arguments[position])
            arguments = (*arguments[:position], contained, *arguments[position + 1 :])
        return schedule(*arguments, context=context)

    def _schedule_from_thread(
        self,
        schedule: Callable[..., Any],
        callback: Callable[..., Any],
        *arguments: Any,
        context: Context | None = None,
    ) -> Any:
        """Schedule what comes from a thread, which does not know whose it is."""
        if plugin_in(context) is None:
            callback = partial(self._run_stray, callback)
        return schedule(callback, *arguments, context=context)

    def _run(self, plugin: str, callback: Callable[..., Any], *arguments: Any) -> None:
        watchdog, self._failed = self.watchdog, plugin
        watchdog.running = mine = (plugin, time.monotonic())
        try:
            callback(*arguments)
            self._failed = ""
        except SystemExit:
            self.on_fault(plugin, _EXITS)
        finally:
            watchdog.running = None
            if time.monotonic() - mine[1] > watchdog.late:
                watchdog.has_blocked(mine)

    def _run_stray(self, callback: Callable[..., Any], *arguments: Any) -> None:
        try:
            callback(*arguments)
        except SystemExit:
            package = str(getattr(callback, "__module__", "")).partition(".")[0]
            plugin = self.watchdog.packages.get(package)
            if plugin:
                self.on_fault(plugin, _EXITS)
            else:
                log.error("a callback from a thread tried to exit the process: %r", callback)

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Name the plugin whose callback, or whose task, has failed and nobody else hears of it."""
        thing = context.get("task") or context.get("future")
        plugin = self.watchdog.owner(thing) if isinstance(thing, asyncio.Task) else None
        if "handle" in context:  # that of the callback that has just been run
            plugin, self._failed = self._failed, ""
        plugin = plugin or plugin_in(None)
        error = context.get("exception")
        if plugin is None:
            loop.default_exception_handler(context)
            return
        self.on_fault(plugin, f"{context.get('message')!s:.200}: {shown(error)}")
