"""The watchdog: notices when somebody blocks the event loop, says who, and breaks it off."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection
from types import FrameType
from typing import Any, TypeAlias

from attrs import define, field, frozen

from argent_core.thread_times import LockWaits, ThreadTimes, stolen

log = logging.getLogger("argent.watchdog")

_BEAT = 0.1
_LOOK = 2 * _BEAT
_AGAIN_SECONDS = 1.0
_AMBIGUOUS = ""
_WAITING = frozenset({"threading", "queue", "selectors", "socket", "ssl", "subprocess"})
"""Packages in which threads are that have nothing to do."""

Running: TypeAlias = tuple[str, float]
"""A plugin that runs on the loop, and since when."""


class PluginBlocked(BaseException):
    """Thrown into a plugin that blocks the event loop for too long."""


@frozen
class _Mark:
    """What the loop's thread had computed and lacked by then, and what had held up the other."""

    at: float = 0.0
    computed: float = 0.0
    lacked: float = 0.0
    held_up: float = 0.0


@define(eq=False, repr=False)
class Watchdog:
    """Watches one event loop from a thread.

    Nobody blocks it who merely gets no processor, be it on a busy machine or on one that stands
    still. What counts is for how long a plugin has computed; and for how long it has waited, as far
    as the watching thread, which next to nothing holds up, could run meanwhile.

    Args:
        owner: Names the plugin that a task belongs to.
        on_fault: Told, on the loop, the plugin's name and the reason.
        patience: Seconds after which a plugin that blocks the loop is interrupted, again and
            again if need be. On the main thread that also ends calls that wait in C, as for the
            network; elsewhere, and where C computes, only the next line of Python is.
        late: Seconds without a beat after which the loop counts as blocked.
        stalled: Seconds for which it was blocked until now.
        held_up: Seconds by which the watching thread was late until now, or its processor stolen.
        packages: Plugins by the top-level packages of their code.
        running: The plugin whose code the loop runs now.
    """

    owner: Callable[[asyncio.Task[Any]], str | None]
    on_fault: Callable[[str, str], None]
    patience: float = 10.0
    late: float = 0.4
    stalled: float = 0.0
    held_up: float = 0.0
    packages: dict[str, str] = field(factory=dict)
    running: Running | None = None
    _beat: float = 0.0
    _times: ThreadTimes = field(init=False)
    _mark: _Mark = _Mark()
    _suspect: Running | None = None
    _woke: float = 0.0
    _stolen: float = 0.0
    _condemned: Running | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _thread_id: int = 0
    _old_signal: Any = None
    _stop: threading.Event = field(factory=threading.Event)

    def start(self) -> None:
        """Begin to watch the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._times, self._stolen = ThreadTimes(), stolen()
        self._beat = self._woke = time.monotonic()
        if self._by_signal:
            self._old_signal = signal.signal(signal.SIGURG, self._break_off)
        self._tick()
        threading.Thread(target=self._watch, name="argent watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._old_signal is not None:
            signal.signal(signal.SIGURG, self._old_signal)

    def learn(self, package: str, plugin: str) -> None:
        """Note whose code a package is; one that several plugins share names none of them."""
        known = self.packages.setdefault(package, plugin)
        if known != plugin:
            self.packages[package] = _AMBIGUOUS

    def plugin_of(self, frame: FrameType) -> str:
        """Name the plugin whose code a frame runs; empty if it is nobody's."""
        return self.packages.get(_package(frame), "")

    def measure(self) -> float:
        """Return the seconds, in all, for which the loop was blocked until now."""
        now = time.monotonic()
        late = now - self._beat - _BEAT
        if self._beat and late > _BEAT:
            self.stalled += late
        self._beat = now
        return self.stalled

    async def wait(
        self,
        futures: Collection[asyncio.Future[Any]],
        timeout: float,
        *,
        first: bool = False,
        most: float = 60.0,
    ) -> None:
        """Wait until all of the futures are done; time in which the loop was blocked is given back.

        Args:
            timeout: Seconds to wait at most.
            first: Whether to wait for the first only.
            most: Seconds that are given back at most.
        """
        when = asyncio.FIRST_COMPLETED if first else asyncio.ALL_COMPLETED
        stalled, remaining = self.measure(), timeout
        while remaining > 0:
            done, left = await asyncio.wait(futures, timeout=remaining, return_when=when)
            if not left or (first and done):
                return
            blocked = self.measure() - stalled
            stalled += blocked
            remaining = min(blocked, most)
            most -= remaining

    def has_blocked(self, was: Running) -> None:
        """Name a plugin that has held the loop up and now lets go; called on the loop."""
        plugin, began = was
        seconds = self._own(began)
        self._mark = self._now()
        if seconds <= self.late:
            return
        words = "; interrupted" if self._condemned is was else ""
        self.on_fault(plugin, f"blocked the event loop for {seconds:.1f} s{words}")

    def _own(self, began: float, *, waits: bool = False) -> float:
        """Return for how long the loop's thread has itself computed or waited since then.

        Args:
            began: When; what was before the mark does not count.
            waits: Whether it waits for a processor even now, nobody knows for how long.
        """
        was, now = self._mark, self._now()
        seconds, computed = now.at - max(began, was.at), now.computed - was.computed
        if waits:
            return min(seconds, computed)
        lacked, held_up = now.lacked - was.lacked, now.held_up - was.held_up
        return min(seconds, max(computed, seconds - lacked - held_up))

    def _now(self) -> _Mark:
        now = time.monotonic()
        held_up = self.held_up + max(0.0, now - self._woke - _LOOK)
        return _Mark(now, self._times.computed(), self._times.lacked(), held_up)

    @property
    def _by_signal(self) -> bool:
        return hasattr(signal, "SIGURG") and threading.current_thread() is threading.main_thread()

    def _tick(self) -> None:
        if self._loop is not None and not self._stop.is_set():
            self._loop.call_later(_BEAT, self._tick)
        self.measure()
        self._mark = self._now()

    def _watch(self) -> None:
        named: Running | None = None
        condemned_at = 0.0
        waits = LockWaits()
        while not self._stop.wait(_LOOK):
            kept = waits.since_last(self._wake())
            if kept > self.late:
                self._name_thread(kept)
            running = self._blocking()
            if running is None:
                continue
            if running != named:
                named = running
                self._name(running)
            blocked, now = self._blocked_since(running[1]), time.monotonic()
            if running[0] and blocked > self.patience and now - condemned_at > _AGAIN_SECONDS:
                condemned_at = now
                self._interrupt(running)

    def _wake(self) -> float:
        """Note, and return, how much later than it should this thread goes on."""
        now = time.monotonic()
        late = max(0.0, now - self._woke - _LOOK)
        self.held_up, self._woke = self.held_up + late, now
        before, self._stolen = self._stolen, stolen()  # it may be held up here too, from now on
        self.held_up += self._stolen - before
        return late

    def _blocking(self) -> Running | None:
        """Return who blocks the loop, and since when; with an empty name if it is no plugin."""
        running, beat = self.running, self._beat
        if running is not None:
            return running if self._blocked_since(running[1]) > self.late else None
        if self._blocked_since(beat) < self.late:
            return None
        suspect = self._plugin_on_stack(sys._current_frames().get(self._thread_id)), beat
        if suspect[0] and suspect != self._suspect:
            self._suspect = suspect  # named if it is still there at the next look
            return None
        return suspect

    def _blocked_since(self, began: float) -> float:
        seconds = time.monotonic() - began
        if seconds < self.late:
            return seconds
        return self._own(began, waits=self._times.is_ready())

    def _name(self, running: Running) -> None:
        plugin, _ = running
        if not plugin:
            log.warning("the event loop is blocked, by no plugin")
            return
        log.error("%s blocks the event loop", plugin, extra={"plugin": plugin})
        if self.running is not running:
            self._report(plugin, "blocked the event loop")

    def _report(self, plugin: str, reason: str) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            self._loop.call_soon_threadsafe(self.on_fault, plugin, reason)

    def _plugin_on_stack(self, frame: FrameType | None) -> str:
        while frame is not None:
            plugin = self.plugin_of(frame)
            if plugin:
                return plugin
            frame = frame.f_back
        return ""

    def _name_thread(self, seconds: float) -> None:
        """Say whose thread has held up all of Python, as far as that can be seen."""
        mine = (self._thread_id, threading.get_ident())
        others = [frame for id, frame in sys._current_frames().items() if id not in mine]
        busy = [frame for frame in others if _package(frame) not in _WAITING]
        found = {self._plugin_on_stack(frame) for frame in busy} - {""}
        if len(found) == 1:
            (plugin,) = found
            words = "a thread of %s kept Python's lock for %.1f s"
            log.warning(words, plugin, seconds, extra={"plugin": plugin})

    def _interrupt(self, running: Running) -> None:
        plugin, _ = running
        log.error("%s is interrupted", plugin, extra={"plugin": plugin})
        self._condemned = running
        if self.running is not running:
            self._report(plugin, f"blocked the event loop for {self.patience:g} s; interrupted")
        if self._old_signal is not None:
            signal.pthread_kill(self._thread_id, signal.SIGURG)
            return
        throw, thread = ctypes.pythonapi.PyThreadState_SetAsyncExc, ctypes.c_ulong(self._thread_id)
        throw(thread, ctypes.py_object(PluginBlocked))
        if not self._still_blocks(running):
            throw(thread, None)  # it let go at this very moment; the next in turn is innocent

    def _break_off(self, *_: object) -> None:
        """Raise where the loop's thread is, if the condemned plugin is still there."""
        if self._condemned is not None and self._still_blocks(self._condemned):
            raise PluginBlocked

    def _still_blocks(self, running: Running) -> bool:
        return self.running is running or (self.running is None and self._beat == running[1])


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
