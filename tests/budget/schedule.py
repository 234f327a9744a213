"""Schedules: workers that make calls beside each other, are cancelled, and crash."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from pathlib import Path
from random import Random

from attrs import define, field

from argent_core.database import Database
from argent_core.loop.budget import OverBudget
from argent_core.loop.prices import cost
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Transaction
from argent_testing import FakeClock
from tests.budget import deals
from tests.budget.auditor import Auditor
from tests.budget.book import Book, Kind
from tests.budget.deals import Deal, Fate

WORKERS = 64
_CANCELLED = 8
_CRASHES = 0.4
_STEPS = 120
_JUMPS = (1.0, 60.0, 7_200.0, 90_000.0, -3_600.0)
"""Seconds by which the clock moves now and then."""


@define(eq=False)
class Desk:
    """Runs one schedule after another, on a database that a crash replaces by its image.

    Args:
        folder: Where the files are.
        kind: How account is kept.
        counts: What happened, by its name.
    """

    folder: Path
    kind: Kind
    counts: Counter[str] = field(factory=Counter)
    _database: Database | None = None
    _files: int = 0

    async def run(self, seed: str) -> list[str]:
        """Run the schedule of a seed, and return what was wrong."""
        database = self._database or await self._open()
        await database.write(_empty)
        schedule = _Schedule(Random(seed), self.kind, database, self.counts)
        image = self.folder / f"{self._files + 1}.db"
        if await schedule.live(WORKERS, image=image):
            await self.close()
            schedule.book.database = await self._open()
            self.counts["crashes"] += 1
            await schedule.book.reopen()
            await schedule.live(WORKERS // 2)
        self.counts["schedules"] += 1
        return schedule.auditor.violations

    async def close(self) -> None:
        """Close the database, and remove its files."""
        if self._database is not None:
            await self._database.close()
            for file in _files(self._database.path):
                file.unlink(missing_ok=True)
            self._files += 1
            self._database = None

    async def _open(self) -> Database:
        database = await Database.open(self.folder / f"{self._files}.db", MIGRATIONS)
        self._database = database
        return database


@define(eq=False)
class _Schedule:
    chance: Random
    kind: Kind
    database: Database
    counts: Counter[str]
    auditor: Auditor = field(init=False)
    clock: FakeClock = field(init=False)
    book: Book = field(init=False)
    _lives: int = 0
    _steps: int = 0
    _dead: bool = False
    _image: Path | None = None
    _crash_at: int | None = None
    _crashing: asyncio.Task[None] | None = None
    _tasks: list[asyncio.Task[None]] = field(factory=list)
    _ends: Counter[int] = field(factory=Counter)

    def __attrs_post_init__(self) -> None:
        self.auditor = Auditor(deals.settings(self.chance))
        self.clock = FakeClock(deals.start(self.chance))
        budget = self.kind.budget(self.auditor.settings, self.clock)
        self.book = self.kind.book(budget, self.database, self.auditor, self._stepped)

    async def live(self, workers: int, *, image: Path | None = None) -> bool:
        """Let workers make their calls; return whether that ended with a crash.

        Args:
            image: The file for what is on the disk at the moment of the crash.
        """
        self._lives, self._steps, self._dead = self._lives + 1, 0, False
        self._ends = Counter(self.chance.randrange(_STEPS) for _ in range(_CANCELLED))
        crashes = image is not None and self.chance.random() < _CRASHES
        self._image, self._crash_at = image, self.chance.randrange(_STEPS) if crashes else None
        self._tasks = [
            asyncio.create_task(self._work(f"{self._lives}.{n}", Random(self.chance.random())))
            for n in range(workers)
        ]
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
        self.counts["cancelled"] += sum(end is not None for end in ends)
        if crashes:
            await (self._crashing or self._crash())
        self._crash_at = self._crashing = None
        return crashes

    async def _crash(self) -> None:
        """Keep what is on the disk; nothing goes on after that."""
        await self.book.database.write(self._copy)
        for task in self._tasks:
            task.cancel()

    def _copy(self, _: Transaction) -> None:
        """Copy the files as they are; on the thread of the writer, so amid its transaction."""
        assert self._image is not None
        self._dead = True
        files = _files(self.book.database.path), _files(self._image)
        for file, copy in zip(*files, strict=True):
            if file.exists():
                shutil.copyfile(file, copy)

    def _stepped(self) -> None:
        self._steps += 1
        for _ in range(self._ends[self._steps]):
            self.chance.choice(self._tasks).cancel()
        if self._steps == self._crash_at:
            self._crashing = asyncio.create_task(self._crash())

    async def _work(self, name: str, chance: Random) -> None:
        """Make a few calls."""
        for n in range(chance.randint(1, 2)):
            deal = deals.deal(chance, f"{name}/1.{n}")
            await _pause(deal.pauses[0])
            if chance.random() < 0.1:
                self.clock.jump(chance.choice(_JUMPS))
            if deal.allowed:
                self.auditor.allowed.add(deal.call.key)
            try:
                granted = await self.book.reserve(deal)
            except OverBudget:
                self.counts["refused"] += 1
                continue
            await self._make(deal, granted)
            self.counts["calls"] += 1

    async def _make(self, deal: Deal, granted: int) -> None:
        """Make a call that is reserved: from here on its vendor charges what it uses."""
        if self._dead:
            return
        usage = deal.usage(granted)
        failure = deals.FAILURES.get(deal.fate)
        charged = failure is None or failure.charged
        spent = cost(deal.worst.price, usage) if charged else 0
        self.auditor.charge(deal.call.key, spent)
        await _pause(deal.pauses[1])
        if failure is not None:
            await self.book.fail(deal.call, failure)
            return
        for _ in range(2 if deal.fate is Fate.ANSWERED_TWICE else 1):
            await self.book.settle(deal.call, spent, usage)


def _files(path: Path) -> tuple[Path, Path]:
    return path, path.with_name(f"{path.name}-wal")


def _empty(tx: Transaction) -> None:
    for table in ("calls", "spending"):
        tx.execute(f"DELETE FROM {table}")


async def _pause(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
