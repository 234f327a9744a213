"""Does a kernel stay as it is when it runs for long?

Compressed, it lives hours by a clock that is moved: jobs, housekeeping, retention and waiting are
all by that clock. In real time it runs in a process of its own, which is stopped, or killed, and
started again in between. Either way every message must be answered once, memory, handles and tasks
must not grow, and the journal keeps no more than its term, which is short here.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import click
from attrs import asdict, define, field

from argent_core.paths import Home
from argent_testing import FakeClock
from benchmarks.soak_ledger import Ledger
from benchmarks.soak_world import Saying, World, life, sample, sayings

_ROOT = Path(__file__).resolve().parent.parent
_TERMS = 12
_PATIENCE = 60.0
_BACKLOG = 100
_GLANCE = 0.005
_REST = 0.005
_TRIM = 0.05  # what is trimmed takes real time, in which this clock must not run ahead


@click.command()
@click.option("--hours", type=float, help="Hours to live by a clock that is moved.")
@click.option("--minutes", type=float, help="Minutes to live in real time.")
@click.option("--rate", type=float, help="Messages a second.  [default: 2 by the clock, 20 real]")
@click.option(
    "--restarts", default=0, show_default=True, help="Ends in between; each second kills."
)
@click.option("--conversations", default=10, show_default=True, help="Conversations at once.")
@click.option("--seed", default=1, show_default=True, help="Makes up the same messages again.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(
    hours: float | None,
    minutes: float | None,
    *,
    rate: float | None,
    restarts: int,
    conversations: int,
    seed: int,
    as_json: bool,
) -> None:
    """Let a kernel live for long, and see whether it stays as it is.

    \b
    Examples:
      python -m benchmarks.soak --hours 1
      python -m benchmarks.soak --minutes 20 --rate 20 --restarts 6 --json
    """
    if (hours is None) == (minutes is None):
        raise click.UsageError("say how long: either --hours or --minutes")
    people = sayings(conversations, seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if hours is not None:
            compressed = Compressed(home, people, hours * 3600, rate or 2.0, restarts)
            figures = asyncio.run(compressed.run())
        else:
            seconds = (minutes or 0.0) * 60
            figures = asyncio.run(RealTime(home, people, seconds, rate or 20.0, restarts).run())
    for name, value in figures.items():
        click.echo(f"{name:20} {value:10.3f}" if isinstance(value, float) else f"{name:20} {value}")
    if as_json:
        click.echo(json.dumps(figures))


@define(eq=False)
class _Soak:
    """What both ways have in common.

    Args:
        seconds: How long it lasts, by the kernel's clock.
        rate: Messages a second, by the same.
        restarts: How often the kernel is ended in between.
    """

    home: Path
    people: Iterator[Saying]
    seconds: float
    rate: float
    restarts: int
    ledger: Ledger = field(factory=Ledger)
    _told: float = 0.0

    @property
    def term(self) -> float:
        """That of the journal: so long that there are a dozen of them."""
        return self.seconds / _TERMS

    @property
    def share(self) -> float:
        """How long one life lasts."""
        return self.seconds / (self.restarts + 1)

    def progress(self, elapsed: float) -> None:
        """Say now and then how far it is."""
        self.ledger.measure(Home(self.home).kernel_database)
        if time.monotonic() - self._told > 5:
            self._told = time.monotonic()
            last = self.ledger.lives[-1][-1:]
            held = "".join(
                f", {m.sample.memory:.1f} MB, {m.sample.handles} handles, {m.sample.tasks} tasks"
                for m in last
            )
            click.echo(
                f"{elapsed:6.0f} s of {self.seconds:.0f}: {self.ledger.turns} turns in life"
                f" {len(self.ledger.lives)}{held}, journal {self.ledger.sizes[-1] / 2**20:.1f} MB",
                err=True,
            )


@define(eq=False)
class Compressed(_Soak):
    """Lives by a clock that is moved, as fast as it can."""

    clock: FakeClock = field(factory=FakeClock)

    async def run(self) -> dict[str, Any]:
        """Live, and return the figures."""
        began, due = self.clock.now(), 0.0
        for number in range(1, self.restarts + 2):
            self.ledger.begin_life()
            world = World(self.ledger.hear)
            living = life(self.home, world, clock=self.clock, term=self.term, rest=_REST)
            async with living as kernel:
                wakers = [kernel.loop.wake, kernel.output_handlers.wake]
                self.clock.watchers[:] = wakers
                while (elapsed := (self.clock.now() - began).total_seconds()) < number * self.share:
                    due += self.rate
                    while due >= 1:
                        due -= 1
                        saying = next(self.people)
                        self.ledger.say(saying)
                        await world.say(saying)
                        self.ledger.open.pop(saying.number)
                    await self._pass()
                    await _until(lambda: len(self.ledger.unanswered) < _BACKLOG, self._pass)
                    self.ledger.look(sample())
                    self.progress(elapsed)
                if number == self.restarts + 1:
                    await _until(lambda: not self.ledger.unanswered, self._pass)
                    for _ in range(int(self.term / 2)):
                        await self._pass()
                        await asyncio.sleep(_TRIM)
                self.clock.watchers.clear()
        self.ledger.measure(Home(self.home).kernel_database)
        return self.ledger.figures(self.home, now=self.clock.now().timestamp(), term=self.term)

    async def _pass(self) -> None:
        """Let a second pass."""
        await self.clock.advance(1.0)


@define(eq=False)
class RealTime(_Soak):
    """Lives in real time, in a process that is ended and started again."""

    _child: Process | None = None

    async def run(self) -> dict[str, Any]:
        """Live, and return the figures."""
        began = time.monotonic()
        talking = asyncio.create_task(self._talk())
        for number in range(1, self.restarts + 2):
            child, hearing = await self._be_born()
            last = number == self.restarts + 1
            while time.monotonic() - began < number * self.share:
                await asyncio.sleep(0.5)
                self.progress(time.monotonic() - began)
                if talking.done():
                    talking.result()
                if child.returncode is not None:
                    raise click.ClickException(f"the kernel ended by itself: {child.returncode}")
            if last:
                talking.cancel()
                await asyncio.wait({talking})
                await _until(lambda: not (self.ledger.unanswered or self.ledger.open))
                await asyncio.sleep(self.term / 5)
            await self._end(child, kill=number % 2 == 0 and not last)
            await hearing
        now = time.time()
        self.ledger.measure(Home(self.home).kernel_database)
        return self.ledger.figures(self.home, now=now, term=self.term)

    async def _be_born(self) -> tuple[Process, asyncio.Task[None]]:
        """Start a life and tell it again what may not have reached the last one."""
        self.ledger.begin_life()
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.soak_world",
            str(self.home),
            str(self.term),
            stdin=PIPE,
            stdout=PIPE,
            cwd=_ROOT,
        )
        for saying in list(self.ledger.open.values()):
            _write(child, saying)
        self._child = child
        return child, asyncio.create_task(self._hear(child))

    async def _talk(self) -> None:
        """Say what people say, at their pace, whether anybody lives to hear it or not."""
        began = time.monotonic()
        for count in itertools.count(1):
            saying = next(self.people)
            self.ledger.say(saying)
            if self._child is not None:
                _write(self._child, saying)
            await asyncio.sleep(max(0.0, began + count / self.rate - time.monotonic()))

    async def _hear(self, child: Process) -> None:
        """Note what a life tells, until it ends; the half of a line that a kill leaves is lost."""
        assert child.stdout is not None
        async for line in child.stdout:
            if line.endswith(b"\n"):
                self.ledger.hear(json.loads(line))

    async def _end(self, child: Process, *, kill: bool) -> None:
        self._child = None
        click.echo(f"the kernel is {'killed' if kill else 'stopped'}", err=True)
        child.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE):
            code = await child.wait()
        if code != (-signal.SIGKILL if kill else 0):
            raise click.ClickException(f"the kernel did not stop as it should: {code}")


def _write(child: Process, saying: Saying) -> None:
    """Say something; if nobody hears it any more, it is said again to the next life."""
    if child.stdin is not None and not child.stdin.is_closing():
        child.stdin.write(json.dumps(asdict(saying)).encode() + b"\n")


async def _until(
    done: Callable[[], bool], meanwhile: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Wait until something holds; what is still open after a minute counts as lost."""
    end = time.monotonic() + _PATIENCE
    while not done() and time.monotonic() < end:
        if meanwhile is not None:
            await meanwhile()
        await asyncio.sleep(_GLANCE)


if __name__ == "__main__":
    main()
