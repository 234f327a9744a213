"""The callbacks of plugins: none of them can end the event loop by leaving the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any

from attrs import define

from argent_core.plugin_tasks import plugin_in

_SCHEDULERS = {"call_soon": 0, "call_soon_threadsafe": 0, "call_at": 1}
"""Methods of a loop that take a callback, and which of their arguments it is."""


@define(eq=False, repr=False)
class PluginCallbacks:
    """Watches what plugins put on the event loop besides tasks.

    Args:
        on_fault: Told the plugin's name and the reason each time one misbehaves.
    """

    on_fault: Callable[[str, str], None]

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Contain what is scheduled from now on."""
        for name, position in _SCHEDULERS.items():
            setattr(loop, name, partial(self._schedule, getattr(loop, name), position))

    def uninstall(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the loop its own methods back."""
        for name in _SCHEDULERS:
            vars(loop).pop(name, None)

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

    def _run(self, plugin: str, callback: Callable[..., Any], *arguments: Any) -> None:
        try:
            callback(*arguments)
        except SystemExit:
            self.on_fault(plugin, "a callback of it tried to exit the process")
