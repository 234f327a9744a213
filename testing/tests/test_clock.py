from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from argent_testing import FakeClock

pytestmark = pytest.mark.anyio


async def test_time_stands_still_until_it_is_advanced() -> None:
    clock = FakeClock()
    began = clock.now()

    await clock.advance(90)

    assert clock.now() - began == timedelta(seconds=90)
    assert clock.monotonic() == 90


async def test_sleepers_wake_in_order_each_at_its_own_time() -> None:
    clock, woken = FakeClock(), []

    async def nap(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    naps = [asyncio.create_task(nap(seconds)) for seconds in (30, 10, 70)]
    await clock.advance(0)
    await clock.advance(60)

    assert woken == [(10, 10), (30, 30)]
    assert clock.sleepers == 1
    await clock.advance(10)
    await asyncio.gather(*naps)


async def test_one_who_sleeps_again_is_woken_again_within_the_same_time() -> None:
    clock, beats = FakeClock(), []

    async def beat() -> None:
        while True:
            await clock.sleep(10)
            beats.append(clock.monotonic())

    heart = asyncio.create_task(beat())
    await clock.advance(0)
    await clock.advance(35)
    heart.cancel()

    assert beats == [10, 20, 30]


async def test_a_corrected_clock_wakes_nobody() -> None:
    clock = FakeClock()
    began = clock.now()
    nap = asyncio.create_task(clock.sleep(5))
    await clock.advance(0)

    clock.jump(-3600)

    assert clock.now() == began - timedelta(hours=1)
    assert clock.monotonic() == 0
    assert not nap.done()
    nap.cancel()


async def test_one_who_gave_up_sleeping_does_no_harm() -> None:
    clock = FakeClock()
    nap = asyncio.create_task(clock.sleep(5))
    await clock.advance(0)
    nap.cancel()

    await clock.advance(10)

    assert nap.cancelled()
