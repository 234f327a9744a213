"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from attrs import define, field

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_TURNS_OF_THE_LOOP = 20


@define(eq=False)
class FakeClock:
    """The contract's ``Clock``, as a test tells it.

    Args:
        start: The time at first.
        watchers: Called whenever the time has changed.
    """

    start: datetime = START
    watchers: list[Callable[[], None]] = field(factory=list)
    _elapsed: float = 0.0
    _shift: float = 0.0
    _sleepers: list[tuple[float, int, asyncio.Future[None]]] = field(factory=list)
    _numbers: Iterator[int] = field(factory=itertools.count)

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return self.start + timedelta(seconds=self._elapsed + self._shift)

    def monotonic(self) -> float:
        """Return the seconds by which the clock was advanced in all."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced by this much."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._numbers), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let time pass; who sleeps wakes in order, each at its own moment.

        What they do then is not waited for, but they get a few turns of the event loop, so that
        one who sleeps again within the time is woken again.
        """
        end = self._elapsed + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            self._elapsed = max(self._elapsed, due)
            if not woken.done():
                woken.set_result(None)
                await _let_others_run()
        self._elapsed = end
        self._changed()
        await _let_others_run()

    def jump(self, seconds: float) -> None:
        """Set the time forward or back, as somebody who corrects a clock; nobody wakes."""
        self._shift += seconds
        self._changed()

    @property
    def sleepers(self) -> int:
        """How many wait for the time to pass."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def _changed(self) -> None:
        for watch in list(self.watchers):
            watch()


async def _let_others_run() -> None:
    for _ in range(_TURNS_OF_THE_LOOP):
        await asyncio.sleep(0)
