"""Wrong jobs."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

from argent_hookspecs import Job
from argent_testing import JobContract, MadePlugin, hang
from tests.mutants.declaring import bringing, caught_by, stubborn


def a_job(run: Any, **options: Any) -> MadePlugin:
    return bringing(Job(id="j", run=run, every=timedelta(hours=1), **options))


async def tidy() -> None:
    await asyncio.sleep(0)


class TestRightJob(JobContract):
    plugin = a_job(tidy)


class OnceOnly:
    """It works once."""

    done = False

    async def run(self) -> None:
        if self.done:
            raise RuntimeError("ran before")
        self.done = True


@caught_by("test_runs_again_and_again", "ran before")
class TestOnceOnly(JobContract):
    plugin = a_job(OnceOnly().run)


@caught_by("test_runs_again_and_again", "job j took longer than")
class TestJobHangs(JobContract):
    plugin = a_job(hang, timeout=0.2)


async def starts_only() -> None:
    asyncio.get_running_loop().create_task(hang(), name="the work itself")


@caught_by("test_runs_again_and_again", "two runs overlap: the work itself")
class TestOverlaps(JobContract):
    plugin = a_job(starts_only)


async def in_a_thread() -> None:
    threading.Thread(target=threading.Event().wait, daemon=True).start()


@caught_by("test_runs_let_everything_go", "job j, done, keeps hold of a thread")
class TestJobLeavesAThread(JobContract):
    plugin = a_job(in_a_thread)


class Locked:
    """Its lock stays shut when it is cancelled."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    async def run(self) -> None:
        await self.lock.acquire()
        await asyncio.sleep(0.05)
        self.lock.release()


@caught_by("test_can_be_cancelled", "job j took longer than")
class TestStaysLocked(JobContract):
    plugin = a_job(Locked().run, timeout=0.5)


@caught_by("test_can_be_cancelled", "job j did not end within")
class TestWorksOn(JobContract):
    plugin = a_job(stubborn)


@caught_by("test_runs_again_and_again", "Blocking call to time.sleep")
class TestJobBlocks(JobContract):
    plugin = "tests.mutants.wrong_modules.blocking"
