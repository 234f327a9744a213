from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from argent_core.clock import SystemClock
from argent_hookspecs import Clock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return SystemClock()


async def test_now_is_the_time_in_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


async def test_waiting_takes_as_long_as_it_was_told(clock: Clock) -> None:
    began = clock.monotonic()

    await clock.sleep(0.02)

    assert 0.015 < clock.monotonic() - began < 5
