"""The watchdog: notices when somebody blocks the event loop, says who, and breaks it off."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from attrs import define, field

log = logging.getLogger("argent.watchdog")

_BEAT = 0.1
_LATE = 0.3


class PluginBlocked(BaseException):
    """Thrown into a plugin that blocks the event loop for too long."""


@define(eq=False, repr=False)
class Watchdog:
    """Watches one event loop from a thread.

    Args:
        owner: Names the plugin that a task belongs to.
        on_fault: Told, on the loop, the plugin's name and the reason.
        patience: Seconds after which a plugin that blocks the loop is interrupted. Only Python
            code can be: a call into C is waited for.
    """

    owner: Callable[[asyncio.Task[Any]], str | None]
    on_fault: Callable[[str, str], None]
    patience: float = 10.0
    stalled: float = 0.0
    packages: dict[str, str] = field(factory=dict)
    _beat: float = 0.0
    _loop: asyncio.AbstractEventLoop | None = None
    _thread_id: int = 0
    _stop: threading.Event = field(factory=threading.Event)

    def start(self) -> None:
        """Begin to watch the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._beat = time.monotonic()
        self._tick()
        threading.Thread(target=self._watch, name="argent watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()

    def measure(self) -> float:
        """Return the seconds, in all, for which the loop was blocked until now."""
        now = time.monotonic()
        late = now - self._beat - _BEAT
        if self._beat and late > _BEAT:
            self.stalled += late
        self._beat = now
        return self.stalled

    def _tick(self) -> None:
        if self._loop is not None and not self._stop.is_set():
            self._loop.call_later(_BEAT, self._tick)
        self.measure()

    def _watch(self) -> None:
        named_beat = broken_beat = 0.0
        woke = time.monotonic()
        while not self._stop.wait(_BEAT * 2):
            slept, woke = time.monotonic() - woke, time.monotonic()
            if slept > _BEAT * 2 + _LATE:
                # This thread was held up too: it may be that somebody kept Python's lock, and not
                # the loop, which then goes on at once.
                self._stop.wait(_BEAT / 2)
                woke = time.monotonic()
            beat = self._beat
            blocked = time.monotonic() - beat
            if blocked < _LATE + _BEAT:
                continue
            plugin = self._culprit()
            if beat != named_beat:
                named_beat = beat
                self._name(plugin)
            if plugin is not None and blocked > self.patience and beat != broken_beat:
                broken_beat = beat
                self._interrupt(plugin, beat)

    def _name(self, plugin: str | None) -> None:
        if plugin is None:
            log.warning("the event loop is blocked, by no plugin")
            return
        log.error("%s blocks the event loop", plugin, extra={"plugin": plugin})
        self._report(plugin, "blocked the event loop")

    def _report(self, plugin: str, reason: str) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            self._loop.call_soon_threadsafe(self.on_fault, plugin, reason)

    def _culprit(self) -> str | None:
        assert self._loop is not None
        task = asyncio.current_task(self._loop)
        plugin = self.owner(task) if task is not None else None
        return plugin or self._plugin_on_stack(sys._current_frames().get(self._thread_id))

    def _plugin_on_stack(self, frame: FrameType | None) -> str | None:
        while frame is not None:
            package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            if package in self.packages:
                return self.packages[package]
            frame = frame.f_back
        return None

    def _interrupt(self, plugin: str, beat: float) -> None:
        log.error("%s is interrupted", plugin, extra={"plugin": plugin})
        self._report(plugin, f"blocked the event loop for {self.patience:g} s; interrupted")
        throw, thread = ctypes.pythonapi.PyThreadState_SetAsyncExc, ctypes.c_ulong(self._thread_id)
        throw(thread, ctypes.py_object(PluginBlocked))
        if self._beat != beat:
            throw(thread, None)  # it let go at this very moment; the next in turn is innocent
