from __future__ import annotations

import asyncio
import math
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from argent_core.guard import Guard
from argent_core.watchdog import Watchdog
from argent_hookspecs import PluginError
from argent_testing import eventually

from .guarding import Faults
from .under_load.beside import keep_the_lock, sleep

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
    sleep(seconds)
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
    sleep(3.0)


async def test_nobody_is_blamed_while_the_loop_is_free(faults: Faults) -> None:
    async def patient() -> str:
        await asyncio.sleep(0.7)
        return "done"

    with watching(faults) as guard:
        assert await guard.ask("demo", patient, what="it", timeout=5) == "done"

    assert faults.found == []


@contextmanager
def busy(*, nice: int) -> Iterator[None]:
    """Share the only processor that this thread may use with another process; for good."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    code = "print(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
            yield
        finally:
            other.kill()


def spin(clock: Callable[[], float], seconds: float) -> None:
    end = clock() + seconds
    while clock() < end:
        pass


def stand_still(seconds: float) -> None:
    """Have this whole process stopped from outside, as if the machine stood still."""
    script = f"kill -STOP $PPID; sleep {seconds}; kill -CONT $PPID"
    subprocess.run(["sh", "-c", script], check=True)


def lose_the_lock(seconds: float) -> None:
    """Wait for a thread that is nobody's, and lets nobody else run."""
    thread = threading.Thread(target=keep_the_lock, args=(seconds,))
    thread.start()
    thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who waits for a processor")
@pytest.mark.parametrize(
    ("work", "nice", "named"),
    [
        pytest.param(partial(spin, time.monotonic, 2.0), 19, False, id="starves"),
        pytest.param(partial(stand_still, 1.5), 0, False, id="stands still"),
        pytest.param(partial(lose_the_lock, 0.8), 0, False, id="waits for the lock"),
        pytest.param(partial(spin, time.thread_time, 0.9), 0, True, id="computes"),
        pytest.param(partial(sleep, 1.2), 19, True, id="sleeps"),
        pytest.param(partial(keep_the_lock, 0.9), 0, True, id="keeps the lock"),
    ],
)
async def test_who_gets_no_processor_does_not_block(
    faults: Faults,
    caplog: pytest.LogCaptureFixture,
    work: Callable[[], None],
    nice: int,
    named: bool,
) -> None:
    async def call() -> str:
        work()
        return "done"

    async def run() -> None:
        with watching(faults, patience=math.inf) as guard, busy(nice=nice):
            assert await guard.ask("demo", call, what="it", timeout=60) == "done"

    # In a thread of its own, as none gets its priority and its processors back.
    await asyncio.to_thread(asyncio.run, run())

    assert bool(faults.of("demo")) is named
    assert named or "demo blocks" not in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who waits for what")
@pytest.mark.parametrize(
    ("work", "named"),
    [
        pytest.param(lambda: [keep_the_lock(0.8) for _ in range(2)], True, id="keeps the lock"),
        pytest.param(lambda: stand_still(1.5), False, id="stands still"),
    ],
)
async def test_whose_thread_keeps_the_lock_is_named(
    faults: Faults, caplog: pytest.LogCaptureFixture, work: Callable[[], None], named: bool
) -> None:
    def nap() -> None:
        """Be found at work, in code of the package, when this goes on."""
        work()
        time.sleep(1.0)

    with watching(faults) as guard:
        guard.watchdog.packages[__name__.partition(".")[0]] = "demo"
        await asyncio.to_thread(nap)

    assert ("a thread of demo kept Python's lock" in caplog.text) is named
    assert faults.found == []


async def test_the_kernel_itself_is_no_plugin(
    faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    with watching(faults):
        await block(3.0)

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
        began = time.monotonic()
        await asyncio.sleep(0.3)
        late = time.monotonic() - began - 0.3
        free = watchdog.measure() - before - blocked
    finally:
        watchdog.stop()

    assert blocked > 0.3
    assert free - late < 0.25


async def test_its_thread_ends_with_it(faults: Faults) -> None:
    with watching(faults):
        assert "argent watchdog" in {thread.name for thread in threading.enumerate()}

    await eventually(
        lambda: "argent watchdog" not in {thread.name for thread in threading.enumerate()},
        what="it ends",
    )
