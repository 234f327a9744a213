"""Failpoints: the places at which a life can be made to end, in the child.

Commits are seen at the driver, whatever the kernel does to come there: a connection that is a
subclass of the driver's counts them, by what they write. Effects are counted where they leave.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import apsw
from attrs import define, field, frozen

BEFORE, HELD, AFTER = "before", "held", "after"
COMMIT = "commit"

_HOLD_SECONDS = 0.02
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b(?:\s+(?:OR|INTO|FROM|[A-Z]+))*\s+(\w+)")
_STATE = re.compile(r"\bstate = '(\w+)'")
_KERNEL = "kernel.db"
_FINISHED = "SELECT key FROM steps WHERE kind = 'model' AND state = 'done'"


@frozen
class Failpoint:
    """A place, and how often it is passed before the end comes there.

    Args:
        name: An effect with its object (``deliver mail``), ``commit``, or ``commit`` and what it
            writes; where that is not in the kernel's own file, with the file before it.
        phase: ``before``; ``after``; or, for a commit, ``held``: before it, but only after a pause
            in which the rest of the kernel goes on, as it does when a disk is slow.
        nth: Counted from 1, in one life.
    """

    name: str
    phase: str
    nth: int

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.phase} {self.name} #{self.nth}"


def is_commit(name: str) -> bool:
    """Tell whether a place is a commit."""
    return name.partition(" ")[0] == COMMIT


def phases(name: str) -> tuple[str, ...]:
    """Return the phases in which a life can end at a place."""
    return (BEFORE, HELD, AFTER) if is_commit(name) else (BEFORE, AFTER)


@define(eq=False)
class Failpoints:
    """Counts what is passed, and ends the process where that was asked for."""

    end: Failpoint | None
    _passed: Counter[tuple[str, str]] = field(factory=Counter)

    def passing(self, phase: str, *names: str) -> None:
        """Pass a place that has these names; it may be the last."""
        for name in names:
            self._passed[name, phase] += 1
        for name in names:
            if self.end == Failpoint(name, phase, self._passed[name, phase]):
                if phase == HELD:
                    time.sleep(_HOLD_SECONDS)
                os.kill(os.getpid(), signal.SIGKILL)


def written(sql: str) -> str | None:
    """Return what a statement writes, in short, or None if it writes nothing.

    >>> written("UPDATE outbox SET state = 'sending', attempts = 1 WHERE seq = ?")
    'update outbox sending'
    >>> written("INSERT OR REPLACE INTO cursors VALUES (?, ?)")
    'insert cursors'
    """
    match = _WRITES.match(sql)
    if match is None:
        return None
    state = _STATE.search(sql.partition("WHERE")[0]) if match[1] == "UPDATE" else None
    return " ".join([match[1].lower(), match[2], *(state.groups() if state else ())])


def watch_driver(points: Failpoints, committed: Callable[[list[str], list[str]], None]) -> None:
    """Make every new connection of this process pass the failpoints.

    Args:
        committed: Told after each commit what it wrote, and the keys of all finished model calls
            if it wrote steps.
    """

    class Connection(apsw.Connection):
        def __init__(self, file: str, **options: Any) -> None:
            super().__init__(file, **options)
            name = PurePath(file).name
            self.place = "" if name == _KERNEL else f"{name}: "  # before what is written
            self.tags: dict[str, None] = {}

        def execute(self, sql: str, *given: Any) -> Any:  # type: ignore[override]
            return self._noticed(sql, lambda: super(Connection, self).execute(sql, *given))

        def executemany(self, sql: str, *given: Any) -> Any:  # type: ignore[override]
            return self._noticed(sql, lambda: super(Connection, self).executemany(sql, *given))

        def _noticed(self, sql: str, run: Callable[[], Any]) -> Any:
            word = sql[:8].upper()
            if word.startswith("BEGIN;"):
                self.tags = {"migration": None}
                return self._commit(run)
            if word.startswith(("COMMIT", "END")):
                return self._commit(run)
            if word.startswith("BEGIN"):
                self.tags = {}
            elif tag := written(sql):
                self.tags[self.place + tag] = None
            return run()

        def _commit(self, run: Callable[[], Any]) -> Any:
            names = [COMMIT, *(f"{COMMIT} {tag}" for tag in self.tags)]
            points.passing(BEFORE, *names)
            points.passing(HELD, *names)
            result = run()
            done: list[str] = []
            if not self.place and any(tag.endswith("steps") for tag in self.tags):
                done = [key for (key,) in super().execute(_FINISHED)]
            committed(names, done)
            points.passing(AFTER, *names)
            return result

    apsw.Connection = Connection  # type: ignore[assignment, misc]
