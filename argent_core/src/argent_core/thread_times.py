"""For how long a thread computed, and for how long it lacked a processor.

The latter is what Linux says of it (https://docs.kernel.org/scheduler/sched-stats.html, and the
state of a thread in proc_pid_stat(5)); elsewhere no thread ever lacks one.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

from attrs import define, field

_NANOSECONDS = 1e-9
_BUSY = 0.1
"""The machine is busy if who waits for the lock waits this part of that for a processor."""
_OFTEN = 0.05
"""Seconds of waiting for the lock, at least, that others than those who wait in turn cause."""


@define(eq=False)
class ThreadTimes:
    """The times of the thread that makes this, all in seconds; other threads may read them too."""

    _folder: Path = field(init=False)
    _clock: int | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._folder = Path(f"/proc/self/task/{threading.get_native_id()}")
        if sys.platform == "linux":
            self._clock = time.pthread_getcpuclockid(threading.get_ident())

    def computed(self) -> float:
        """Return for how long it has computed; elsewhere than on Linux it must ask itself."""
        if self._clock is None:
            return time.thread_time()
        with contextlib.suppress(OSError):  # it has ended
            return time.clock_gettime(self._clock)
        return 0.0

    def lacked(self) -> float:
        """Return for how long it has waited for a processor, but for a wait under way."""
        return int(self._schedstat()[1]) * _NANOSECONDS

    def wanted_lock(self) -> float | None:
        """Return for how long it has waited for Python's lock, at least; None if nobody can tell.

        Who waits for the lock looks for it once in each switch interval, and gets a processor for
        that. So this does not count the time in which the whole process, or machine, stood still.
        Meant for threads that do little else than to wait.
        """
        turns = int(self._schedstat()[2])
        return turns * sys.getswitchinterval() if turns else None

    def is_ready(self) -> bool:
        """Tell whether it computes, or would if it had a processor."""
        return _read(self._folder / "stat").rpartition(") ")[2].startswith("R")

    def _schedstat(self) -> list[str]:
        return [*_read(self._folder / "schedstat").split(), "0", "0", "0"]


@define(eq=False)
class LockWaits:
    """For how long the thread that makes this, which only waits, was kept from Python's lock."""

    _times: ThreadTimes = field(factory=ThreadTimes)
    _before: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __attrs_post_init__(self) -> None:
        self.since_last(0.0)

    def since_last(self, late: float) -> float:
        """Return the seconds for which somebody who could go on has kept the lock since last time.

        On a busy machine that is no more than all threads have computed: who keeps the lock may
        itself wait for a processor.

        Args:
            late: Seconds by which this thread was late.
        """
        wanted = self._times.wanted_lock()
        now = (wanted or 0.0, self._times.lacked(), time.process_time())
        kept, lacked, computed = (a - b for a, b in zip(now, self._before, strict=True))
        self._before = now
        if wanted is None:
            return late
        if lacked < _BUSY * kept:
            return min(late, kept)
        return min(late, kept + lacked, computed) if kept > _OFTEN else 0.0


def stolen() -> float:
    """Return for how many seconds each processor, on average, was another machine's since boot.

    What a virtual machine is told by its host: the eighth number of ``/proc/stat`` (proc_stat(5)).
    """
    every, *rest = [line.split() for line in _read(Path("/proc/stat")).splitlines()] or [[]]
    processors = sum(line[:1] != [] and line[0].startswith("cpu") for line in rest)
    return int(every[8]) / os.sysconf("SC_CLK_TCK") / processors if len(every) > 8 else 0.0


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):  # another system, or the thread has ended
        return path.read_text("ascii", "replace")
    return ""
