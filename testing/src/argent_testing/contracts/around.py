"""The contracts of what stands around a turn: observers, jobs and health checks."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from argent_core.guard import attempt_async
from argent_hookspecs import Health, HealthCheck, Job, Notice, Observer
from argent_testing.contracts.base import RecordContract
from argent_testing.guards import TaskLeaks
from argent_testing.notices import sample_notices
from argent_testing.specimen import Specimen

_FLOOD = 20


class ObserverContract(RecordContract):
    """Tries out a plugin's observers."""

    kind = Observer

    async def test_wants_notices(self, specimen: Specimen) -> None:
        """The kinds that it names are notices, and its mailbox has room."""
        for observer in self.records(specimen):
            for kind in observer.kinds:
                assert issubclass(kind, Notice), f"{observer.id}: {kind.__name__} is no notice"
            assert observer.mailbox > 0, f"{observer.id}: the mailbox has no room"

    async def test_takes_every_notice_that_it_wants(self, specimen: Specimen) -> None:
        """None of them raises, again and again."""
        for observer in self.records(specimen):
            for notice in sample_notices() * _FLOOD:
                if not observer.kinds or isinstance(notice, observer.kinds):
                    await self.soon(
                        observer.notify(notice),
                        what=f"observer {observer.id}",
                        seconds=observer.timeout,
                    )

    async def test_can_be_cancelled(self, specimen: Specimen) -> None:
        """A call that is cancelled ends."""
        for observer in self.records(specimen):
            for notice in sample_notices():
                if not observer.kinds or isinstance(notice, observer.kinds):
                    task = asyncio.create_task(attempt_async(partial(observer.notify, notice)))
                    await self.assert_stops(task, what=f"observer {observer.id}")


class JobContract(RecordContract):
    """Tries out a plugin's jobs."""

    kind = Job

    async def test_runs_again_and_again(self, specimen: Specimen) -> None:
        """Two runs, one after the other, both end in time."""
        for job in self.records(specimen):
            assert job.every > timedelta(0), f"{job.id} would never rest"
            for _ in range(2):
                leaks = TaskLeaks()
                await self.soon(job.run(), what=f"job {job.id}", seconds=job.timeout)
                left = await leaks.found()
                assert not left, (
                    f"job {job.id} ended and its work did not, so that two runs overlap: "
                    f"{', '.join(left)}"
                )

    async def test_runs_let_everything_go(self, specimen: Specimen) -> None:
        """When a run has ended, it holds no thread, no file and no socket any more."""
        for job in self.records(specimen):
            await self.assert_lets_go(job.run, what=f"job {job.id}, done,")

    async def test_can_be_cancelled(self, specimen: Specimen) -> None:
        """A run that is cancelled ends, and the next one works."""
        for job in self.records(specimen):
            task = asyncio.create_task(attempt_async(job.run))
            await self.assert_stops(task, what=f"job {job.id}")
            await self.soon(job.run(), what=f"job {job.id}", seconds=job.timeout)


class HealthCheckContract(RecordContract):
    """Tries out a plugin's health checks."""

    kind = HealthCheck

    async def harm(self, specimen: Specimen) -> None:
        """Break what the plugin depends on: override it, to see whether that is found."""
        pytest.skip("override harm(specimen) to see whether the checks find what is wrong")

    async def test_finds_what_is_wrong(self, specimen: Specimen) -> None:
        """When what it looks at is broken, one of the checks says so, and what to do."""
        await self.soon(self.harm(specimen), what="harm")
        found = [
            await self.soon(check.check(), what=f"health check {check.id}", seconds=check.timeout)
            for check in self.records(specimen)
        ]
        wrong = [health for health in found if not health.ok]
        assert wrong, f"harm was done, and all checks say: {found[0].summary}"
        assert all(health.remedy.strip() for health in wrong), "a check does not say what to do"

    async def test_says_how_it_is(self, specimen: Specimen) -> None:
        """Asked twice, it answers twice; if something is wrong, it says what to do."""
        for check in self.records(specimen):
            for _ in range(2):
                health = await self.soon(
                    check.check(), what=f"health check {check.id}", seconds=check.timeout
                )
                assert isinstance(health, Health), f"{check.id} returned {health!r:.100}"
                assert health.summary.strip(), f"{check.id} does not say what it found"
                assert health.ok or health.remedy.strip(), f"{check.id} does not say what to do"
                told = f"{health.summary} {health.remedy}"
                self.discretion.check(told, what=f"health check {check.id}")

    async def test_can_be_cancelled(self, specimen: Specimen) -> None:
        """A check that is cancelled ends."""
        for check in self.records(specimen):
            task = asyncio.create_task(attempt_async(check.check))
            await self.assert_stops(task, what=f"health check {check.id}")
