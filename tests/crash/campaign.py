"""A campaign: homes that are killed again and again, each under its own plan, and judged."""

from __future__ import annotations

import gc
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, define, evolve, field, frozen

from argent_core.paths import Home
from tests.crash.failpoints import COMMIT, Failpoint, is_commit, phases
from tests.crash.judge import Finding
from tests.crash.life import End, Life
from tests.crash.way import OwnWay, Way
from tests.crash.world import World

_ATTEMPTS = (5, 100)
_SIDE_BY_SIDE = (2, 8)
_AIMED = 0.5
_AT_RANDOM = 0.35
_SELDOM = 5
_STOPPED = 0.15
_STOP_SECONDS = 0.02
_MOST_NTH = 3
_MOST_COMMITS = 24


@frozen
class LifePlan:
    """What is done in one life, enough to do it again.

    Args:
        kill: A failpoint, or seconds.
        stop: Seconds after which the kernel is asked to stop, if it is.
        batches: Messages that are sent: at first, and then whenever there is nothing to do.
    """

    kill: Failpoint | float | None
    stop: float | None
    batches: list[list[tuple[str, str]]]

    @property
    def end(self) -> str:
        """How the life ended, in words."""
        words = f"killed after {self.kill} s" if isinstance(self.kill, float) else str(self.kill)
        asked = "" if self.stop is None else f", asked to stop after {self.stop} s"
        return ("quiet" if self.kill is None else words) + asked


@define(eq=False)
class Coverage:
    """Which failpoints there are, as far as is known, and how often each was hit."""

    first_lives: Counter[str] = field(factory=Counter)
    later_lives: Counter[str] = field(factory=Counter)
    hits: Counter[Failpoint] = field(factory=Counter)
    tries: Counter[tuple[Failpoint, bool]] = field(factory=Counter)

    def learn(self, kill: Failpoint | float | None, end: End, *, first: bool) -> None:
        """Learn from a life; the first one of a home comes to places of its own."""
        if first:
            self.first_lives |= end.passed
        else:
            self.later_lives |= end.passed
        if isinstance(kill, Failpoint):
            self.tries[kill, first] += 1
            self.hits[kill] += end.at_point

    def points(self) -> list[Failpoint]:
        """Return all failpoints, as far as is known."""
        return _points(self.first_lives | self.later_lives)

    def rarest(self, rng: random.Random, *, first: bool) -> Failpoint | None:
        """Return one that was hit most seldom, among those that such a life comes to."""
        # One that lives seldom come to is tried more often; the first of each comes before the
        # second of any, and effects before commits.
        ranked = [
            (
                (
                    _SELDOM * self.hits[p] + self.tries[p, first],
                    p.nth,
                    is_commit(p.name),
                    rng.random(),
                ),
                p,
            )
            for p in _points(self.first_lives if first else self.later_lives)
        ]
        return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


def _points(passed: Counter[str]) -> list[Failpoint]:
    return [
        Failpoint(name, phase, nth)
        for name, times in sorted(passed.items())
        for nth in range(1, min(times, _MOST_COMMITS if name == COMMIT else _MOST_NTH) + 1)
        for phase in phases(name)
    ]


def _settle_home(home: Home, rng: random.Random, more: dict[str, Any]) -> None:
    """Make a home that differs from others in how busy it may be, and when it gives up."""
    home.create()
    loop = {"maxAttempts": rng.choice(_ATTEMPTS), "conversations": rng.choice(_SIDE_BY_SIDE)}
    home.config_file.write_text(json.dumps({"loop": loop, **more}))


@frozen
class Failure:
    """A home in which a promise was broken, and how each of its lives ended."""

    number: int
    findings: tuple[Finding, ...]
    folder: Path
    plan: Path
    ends: tuple[str, ...]


@define(eq=False)
class Campaign:
    """Kills, until there were enough.

    Args:
        seed: Everything is drawn from it, except the exact moment at which a kill comes.
        kills: How many.
        way: How messages come and go.
        patch: Changes the kernel for the worse.
        until_caught: Whether the first broken promise ends it.
        lives: How many a home has before its quiet one.
        aims: Failpoints where about half of the lives are to end.
        progress: Told after each home.
    """

    seed: str
    kills: int
    way: Way = field(factory=OwnWay)
    patch: Callable[[], None] | None = None
    until_caught: bool = False
    lives: int = 20
    aims: Sequence[Failpoint] = ()
    progress: Callable[[Campaign], None] = lambda _: None
    coverage: Coverage = field(factory=Coverage)
    done: int = 0
    homes: int = 0
    idle: int = 0
    figures: Counter[str] = field(factory=Counter)
    dead: int = 0
    beside: int = 0
    steered: int = 0
    messages: int = 0
    failures: list[Failure] = field(factory=list)
    began: float = field(factory=time.monotonic)
    _usual: float = 0.1

    def run(self) -> dict[str, int]:
        """Run it; return the figures."""
        gc.collect()
        gc.freeze()  # a fork then copies less
        while self.done < self.kills and not (self.failures and self.until_caught):
            self.homes += 1
            rng = random.Random(f"{self.seed} {self.homes}")
            self._run_home(self.way.make_world(f"{self.seed} {self.homes}"), rng)
            self.progress(self)
        return self.result

    @property
    def result(self) -> dict[str, int]:
        """The figures, by their fixed names."""
        names = (*self.way.faults, "unknown")
        return {"kills": self.done, **{name: self.figures[name] for name in names}}

    def stay_calm(self) -> bool:
        """Let one home live without any kill; tell whether all promises were kept."""
        rng = random.Random(f"{self.seed} calm")
        plan = evolve(self._plan(rng, first=True), kill=None, stop=None)
        self._run_home(self.way.make_world(f"{self.seed} calm", calm=True), rng, [plan])
        return not self.failures

    def replay(self, plan: Path) -> dict[str, int]:
        """Do again what was done to one home; return the figures."""
        kept = json.loads(plan.read_text())
        lives = [
            LifePlan(
                Failpoint(**k) if isinstance(k := life["kill"], dict) else k,
                life["stop"],
                life["batches"],
            )
            for life in kept["lives"]
        ]
        self.homes = kept["home"]
        self._run_home(self.way.make_world(kept["world"]), random.Random(0), lives)
        return self.result

    def _run_home(
        self, world: World, rng: random.Random, given: list[LifePlan] | None = None
    ) -> None:
        folder = Path(tempfile.mkdtemp(prefix="argent-crash-"))
        rest = self.way.settings(folder, world)
        _settle_home(Home(folder / "home"), random.Random(f"{world.seed} settings"), rest)
        wanted = len(given) - 1 if given else min(self.lives, self.kills - self.done)
        plans: list[LifePlan] = []
        end: End | None = None
        for number in range(wanted + 1):
            quiet = number == wanted
            plans.append(
                given[number] if given else self._plan(rng, first=number == 0, quiet=quiet)
            )
            end = self._live(world, folder, plans[-1])
            if not (end.killed or end.stopped):
                break
        self._judge(world, folder, plans, end)

    def _plan(self, rng: random.Random, *, first: bool, quiet: bool = False) -> LifePlan:
        def batch(most: int) -> list[tuple[str, str]]:
            places = [(kind.name, chat) for kind in self.way.kinds for chat in kind.chats]
            return rng.choices(places, k=rng.randint(1, most))

        if quiet:
            return LifePlan(None, None, [[]])
        kill: Failpoint | float | None = None
        if self.aims and rng.random() < _AIMED:
            kill = rng.choice(self.aims)
        elif rng.random() >= _AT_RANDOM:
            kill = self.coverage.rarest(rng, first=first)
        if kill is None:
            kill = self._moment(rng)
        stop = None
        if rng.random() < _STOPPED:
            stop = self._moment(rng)
            if isinstance(kill, float):
                kill = round(stop + rng.random() * _STOP_SECONDS, 4)
        return LifePlan(kill, stop, [batch(4), batch(4), batch(4)])

    def _moment(self, rng: random.Random) -> float:
        """Draw a moment of a usual life, or shortly after."""
        return round(rng.random() * self._usual * 1.2, 4)

    def _live(self, world: World, folder: Path, plan: LifePlan) -> End:
        end = Life(
            self.way, world, folder / "home", plan.kill, plan.stop, list(plan.batches), self.patch
        ).run()
        self.done += end.killed and plan.kill is not None
        self.coverage.learn(plan.kill, end, first=world.life == 1)
        if end.settled is not None:
            self._usual += (end.settled - self._usual) / 10
        self.idle += isinstance(plan.kill, Failpoint) and not end.at_point
        return end

    def _judge(self, world: World, folder: Path, plans: list[LifePlan], end: End | None) -> None:
        verdict = self.way.judge(world, end.report if end else None)
        self.messages += len(world.ledger.messages)
        self.figures["unknown"] += verdict.unknown
        self.dead += verdict.dead
        self.beside += verdict.beside
        self.steered += len(world.ledger.steered)
        if not verdict.findings:
            shutil.rmtree(folder)
            return
        self.figures.update(finding.counts_as for finding in verdict.findings)
        plan = folder / "plan.json"
        lives: list[Any] = [asdict(life) for life in plans]
        plan.write_text(
            json.dumps({"home": self.homes, "world": world.seed, "lives": lives}, indent=1)
        )
        ends = tuple(f"{n} {life.end}" for n, life in enumerate(plans, 1))
        self.failures.append(Failure(self.homes, verdict.findings, folder, plan, ends))
