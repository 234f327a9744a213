from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from argent_hookspecs import Job, ToolError
from argent_testing import Argent, FakeClock, eventually, hang

from .demo import Demo

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


def job(run: Callable[[], Awaitable[None]], *, id: str = "tidy", timeout: float = 300) -> Job:
    return Job(id=id, run=run, every=HOUR, timeout=timeout)


class Runs:
    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1

    async def until(self, count: int) -> None:
        await eventually(lambda: self.count >= count, what=f"run number {count}")


async def rests(clock: FakeClock) -> None:
    """Wait until the one job rests, as do housekeeping, the look for damage and retention."""
    await eventually(lambda: clock.sleepers == 4, what="the job rests")


async def test_it_runs_once_in_every_interval_and_not_at_the_start(argent: Argent) -> None:
    runs = Runs()

    async with argent(plugins=[Demo(job(runs))]):
        await argent.clock.advance(3599)
        assert runs.count == 0
        for count in (1, 2, 3):
            await argent.clock.advance(3600)
            await runs.until(count)
        assert runs.count == 3


async def test_the_interval_begins_when_the_run_before_has_ended(argent: Argent) -> None:
    began, go_on = Runs(), asyncio.Event()

    async def slow() -> None:
        await began()
        await go_on.wait()

    async with argent(plugins=[Demo(job(slow))]):
        await argent.clock.advance(3600)
        await began.until(1)
        await argent.clock.advance(36000)
        assert began.count == 1
        go_on.set()
        await rests(argent.clock)
        await argent.clock.advance(3600)
        await began.until(2)


@pytest.mark.parametrize("error", [OSError("no network"), ToolError("no"), SystemExit(1)])
async def test_one_that_fails_runs_again(argent: Argent, error: BaseException) -> None:
    runs = Runs()

    async def failing() -> None:
        await runs()
        raise error

    async with argent(plugins=[Demo(job(failing))], allow_faults=True):
        for count in (1, 2):
            await argent.clock.advance(3600)
            await runs.until(count)
            await rests(argent.clock)


async def test_one_that_hangs_is_ended_and_named(argent: Argent) -> None:
    async with argent(plugins=[Demo(job(hang, timeout=0.05))], allow_faults=True) as kernel:
        await argent.clock.advance(3600)
        plugin = kernel.host.plugins["demo"]
        await eventually(lambda: plugin.faults, what="it is named")

        assert plugin.reason == "job tidy did not answer in 0.05 s"


async def test_neighbours_keep_their_times(argent: Argent) -> None:
    runs = Runs()
    plugins = [Demo(job(hang, id="bad"), job(runs, id="good")), Demo(job(runs), name="other")]

    async with argent(plugins=plugins):
        await argent.clock.advance(3600)
        await runs.until(2)


async def test_it_ends_with_its_plugin(argent: Argent) -> None:
    runs = Runs()

    async with argent(plugins=[Demo(job(runs))]) as kernel:
        await kernel.host.disable("demo")
        await argent.clock.advance(3 * 3600)

    assert runs.count == 0
