"""What the soak knows: what was said, what came back, what the kernel held, and the figures."""

from __future__ import annotations

import sqlite3
import statistics
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from benchmarks.soak_world import Sample, Saying

_WARM_TURNS = 1000
_SLACK_SECONDS = 5.0
_MAY_GROW = 1.6


@frozen
class Moment:
    """A sample, and how many turns its life had had by then."""

    turns: int
    sample: Sample


@define(eq=False)
class Ledger:
    """Keeps count.

    Args:
        open: Messages of which it is not known yet that they are safe, by number.
        unanswered: Numbers of messages that wait for an answer.
        lives: What the kernel held, life by life.
        sizes: Bytes of the journal on the disk, log included, as time went by.
    """

    open: dict[int, Saying] = field(factory=dict)
    unanswered: set[int] = field(factory=set)
    lives: list[list[Moment]] = field(factory=list)
    sizes: list[int] = field(factory=list)
    said: int = 0
    _replies: dict[str, tuple[int, ...]] = field(factory=dict)
    _posted: Counter[str] = field(factory=Counter)
    _turns_before: int = 0

    @property
    def turns(self) -> int:
        """How many turns ended with an answer."""
        return len(self._replies)

    def begin_life(self) -> None:
        """Count a life from here."""
        self.lives.append([])
        self._turns_before = self.turns

    def say(self, saying: Saying) -> None:
        """Note a message."""
        self.said += 1
        self.open[saying.number] = saying
        self.unanswered.add(saying.number)

    def hear(self, told: dict[str, Any]) -> None:
        """Note what the kernel did."""
        if "reply" in told:
            self._replies.setdefault(told["reply"], tuple(told["numbers"]))
            self.unanswered.difference_update(told["numbers"])
        elif "posted" in told:
            self._posted[told["posted"]] += 1
        elif "safe" in told:
            self.open.pop(told["safe"], None)
        elif "sample" in told:
            self.look(Sample(**told["sample"]))

    def look(self, sample: Sample) -> None:
        """Note what the kernel holds."""
        self.lives[-1].append(Moment(self.turns - self._turns_before, sample))

    def measure(self, database: Path) -> None:
        """Note how large the journal is."""
        files = (database, database.with_name(f"{database.name}-wal"))
        self.sizes.append(sum(file.stat().st_size for file in files if file.exists()))

    def figures(self, home: Path, *, now: float, term: float) -> dict[str, Any]:
        """Return what came of it all, after the end.

        Args:
            now: The time by the kernel's clock, in seconds since 1970.
            term: That of the journal, in seconds.
        """
        answers = Counter(number for numbers in self._replies.values() for number in numbers)
        database = home / "data" / "kernel.db"
        oldest = _oldest_ended(database)
        age = 0.0 if oldest is None else now - oldest
        middle, end = _peak(self.sizes, 1 / 3, 2 / 3), _peak(self.sizes, 2 / 3, 1)
        grown = end / middle if middle else 0.0
        warm = [_warm(life) for life in self.lives]
        return {
            "turns": self.turns,
            "lost": len(self.unanswered),
            "doubled": sum(count - 1 for count in [*answers.values(), *self._posted.values()]),
            "mb_per_1000_turns": _slope(warm),
            "handles_growth": max(_growth([m.sample.handles for m in life]) for life in warm),
            "tasks_growth": max(_growth([m.sample.tasks for m in life]) for life in warm),
            "journal_mb": self.sizes[-1] / 2**20,
            "journal_bounded": age <= term * 1.2 + _SLACK_SECONDS and grown <= _MAY_GROW,
            "journal_growth": grown,
            "oldest_in_terms": age / term,
            "memory_mb": max((m.sample.memory for life in self.lives for m in life), default=0.0),
            "handles": max((m.sample.handles for life in self.lives for m in life), default=0),
            "tasks": max((m.sample.tasks for life in self.lives for m in life), default=0),
            "lives": len(self.lives),
            "messages": self.said,
        }


def _oldest_ended(database: Path) -> float | None:
    """Return when the first of the events on record came to its end, with all of its replies."""
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute(
            "SELECT MIN(MAX(finished_at, COALESCE("
            " (SELECT MAX(outbox.finished_at) FROM outbox WHERE outbox.turn = events.id), 0)))"
            " FROM events WHERE state IN ('done', 'dead', 'cancelled')"
        ).fetchone()
        found: float | None = row[0]
        return found


def _peak(values: Sequence[int], start: float, end: float) -> int:
    part = values[int(len(values) * start) : int(len(values) * end)]
    return max(part, default=0)


def _warm(life: Sequence[Moment]) -> Sequence[Moment]:
    """Leave out how a life begins: caches fill, lists reach their size."""
    until = min(_WARM_TURNS, life[-1].turns // 2) if life else 0
    return [moment for moment in life if moment.turns >= until]


def _growth(values: Sequence[int]) -> int:
    """Compare the least that is held at the end with the least at the beginning."""
    third = max(1, len(values) // 3)
    return min(values[-third:]) - min(values[:third]) if values else 0


def _slope(lives: Sequence[Sequence[Moment]]) -> float:
    """Fit one slope to all lives, each with a height of its own: MB for each 1,000 turns."""
    above = below = 0.0
    for life in lives:
        if len(life) < 2:
            continue
        turns = statistics.fmean(moment.turns for moment in life)
        memory = statistics.fmean(moment.sample.memory for moment in life)
        above += sum((m.turns - turns) * (m.sample.memory - memory) for m in life)
        below += sum((m.turns - turns) ** 2 for m in life)
    return above / below * 1000 if below else 0.0
