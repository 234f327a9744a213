"""The times of a thread: for how long it computed, and for how long it lacked a processor.

The latter is what Linux says of it (https://docs.kernel.org/scheduler/sched-stats.html, and the
state of a thread in proc_pid_stat(5)); elsewhere no thread ever lacks one.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from attrs import define, field

_NANOSECONDS = 1e-9


@define(eq=False)
class ThreadTimes:
    """The times of the thread that makes this, since a mark; other threads may read them too."""

    _folder: Path = field(init=False)
    _at_mark: tuple[float, float] = (0.0, 0.0)

    def __attrs_post_init__(self) -> None:
        self._folder = Path(f"/proc/self/task/{threading.get_native_id()}")
        self.mark()

    def mark(self) -> None:
        """Count from now on."""
        self._at_mark = self._in_all()

    def lacked(self) -> float:
        """Return the seconds for which it has waited for a processor, but for a wait under way."""
        return self._in_all()[1] - self._at_mark[1]

    def own(self, seconds: float) -> float:
        """Return how many of the seconds until now it has, at least, computed or slept.

        Asked by another thread: how long it waits now is not known before it gets its processor.
        """
        computed, lacked = self._in_all()
        if computed and self._is_ready():
            return min(seconds, computed - self._at_mark[0])
        return seconds - (lacked - self._at_mark[1])

    def _in_all(self) -> tuple[float, float]:
        computed, lacked, *_ = (*self._read("schedstat").split(), "0", "0")
        return int(computed) * _NANOSECONDS, int(lacked) * _NANOSECONDS

    def _is_ready(self) -> bool:
        return self._read("stat").rpartition(") ")[2].startswith("R")

    def _read(self, name: str) -> str:
        with contextlib.suppress(OSError):  # another system, or the thread has ended
            return (self._folder / name).read_text()
        return ""
