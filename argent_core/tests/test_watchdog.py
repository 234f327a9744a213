from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from argent_core.guard import Guard
from argent_core.watchdog import Watchdog
from argent_hookspecs import PluginError
from argent_testing import eventually

from .guarding import Faults

pytestmark = pytest.mark.anyio


@contextmanager
def watching(faults: Faults, *, patience: float = 10.0) -> Iterator[Guard]:
    guard = Guard(on_fault=faults)
    guard.watchdog.patience = patience
    guard.install()
    try:
        yield guard
    finally:
        guard.uninstall()


async def block(seconds: float) -> str:
    """Block the event loop, in steps, as Python code does that computes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)  # noqa: ASYNC251 - blocking is the point
    return "done"


@pytest.fixture
def faults() -> Faults:
    return Faults()


async def test_who_blocks_the_loop_is_named(faults: Faults) -> None:
    with watching(faults) as guard:
        assert await guard.ask("demo", lambda: block(0.8), what="it", timeout=5) == "done"

    (reason,) = faults.of("demo")
    assert re.fullmatch(r"blocked the event loop for \d\.\d s", reason)


async def test_so_is_a_task_that_it_has_started(faults: Faults) -> None:
    async def work() -> None:
        await asyncio.create_task(block(0.8))

    with watching(faults) as guard:
        await guard.ask("demo", work, what="it", timeout=5)

    assert [reason[:22] for reason in faults.of("demo")] == ["blocked the event loop"]


async def test_so_is_a_callback_of_its_package(faults: Faults) -> None:
    with watching(faults) as guard:
        guard.watchdog.packages[__name__.partition(".")[0]] = "demo"
        asyncio.get_running_loop().call_soon(time_sleep_in_a_callback)
        await eventually(lambda: faults.found, what="it is named")

    assert faults.found == [("demo", "blocked the event loop")]


def time_sleep_in_a_callback() -> None:
    time.sleep(0.8)


async def test_nobody_is_blamed_while_the_loop_is_free(faults: Faults) -> None:
    async def patient() -> str:
        await asyncio.sleep(0.7)
        return "done"

    with watching(faults) as guard:
        assert await guard.ask("demo", patient, what="it", timeout=5) == "done"

    assert faults.found == []


async def test_the_kernel_itself_is_no_plugin(
    faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    with watching(faults):
        await block(0.8)

    assert faults.found == []
    assert "by no plugin" in caplog.text


async def test_who_blocks_for_too_long_is_interrupted(faults: Faults) -> None:
    with watching(faults, patience=0.5) as guard:
        began = time.monotonic()
        with pytest.raises(PluginError, match="raised PluginBlocked"):
            await guard.ask("demo", lambda: block(30), what="it", timeout=60)

    assert time.monotonic() - began < 10
    blocked, raised = faults.of("demo")
    assert re.fullmatch(r"blocked the event loop for \d\.\d s; interrupted", blocked)
    assert "PluginBlocked" in raised


async def test_the_loop_goes_on_after_an_interruption(faults: Faults) -> None:
    with watching(faults, patience=0.5) as guard:
        for _ in range(2):
            with pytest.raises(PluginError):
                await guard.ask("bad", lambda: block(30), what="it", timeout=60)
            assert await guard.ask("good", lambda: block(0), what="it", timeout=5) == "done"


async def test_blocked_time_is_measured() -> None:
    watchdog = Watchdog(owner=lambda task: None, on_fault=lambda plugin, reason: None)
    watchdog.start()
    try:
        before = watchdog.measure()
        await block(0.6)
        blocked = watchdog.measure() - before
        await asyncio.sleep(0.3)
        free = watchdog.measure() - before - blocked
    finally:
        watchdog.stop()

    assert 0.3 < blocked < 1.5
    assert free < 0.3


async def test_its_thread_ends_with_it(faults: Faults) -> None:
    with watching(faults):
        assert "argent watchdog" in {thread.name for thread in threading.enumerate()}

    await eventually(
        lambda: "argent watchdog" not in {thread.name for thread in threading.enumerate()},
        what="it ends",
    )
