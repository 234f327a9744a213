"""The threads of plugins: one that fails is named, by the code that it ran."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

from attrs import define

from argent_core.outcome import shown
from argent_core.watchdog import Watchdog

log = logging.getLogger("argent.guard")


@define(eq=False, repr=False)
class PluginThreads:
    """Hears of threads that end with an error.

    Args:
        on_fault: Told, on the loop, the plugin's name and the reason.
        watchdog: Knows whose code is whose.
    """

    on_fault: Callable[[str, str], None]
    watchdog: Watchdog
    _loop: asyncio.AbstractEventLoop | None = None
    _before: Callable[[Any], Any] | None = None

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear of every thread from now on."""
        self._loop, self._before = loop, threading.excepthook
        threading.excepthook = self._failed

    def uninstall(self) -> None:
        """Let somebody else hear of them."""
        if self._before is not None:
            threading.excepthook = self._before

    def _failed(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is SystemExit:
            return
        plugin, trace = "", args.exc_traceback
        while trace is not None:
            plugin = plugin or self.watchdog.plugin_of(trace.tb_frame)
            trace = trace.tb_next
        if not plugin or self._loop is None:
            assert self._before is not None
            self._before(args)
            return
        name = args.thread.name if args.thread is not None else "that has ended"
        words = f"its thread {name} raised {shown(args.exc_value)}"
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            self._loop.call_soon_threadsafe(self.on_fault, plugin, words)
