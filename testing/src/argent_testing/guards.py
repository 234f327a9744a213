"""Guards: what must not happen in a test, whatever else it checks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from attrs import define, field, frozen
from blockbuster import BlockBuster

from argent_hookspecs import Secret

_LAST_CHANCE = 0.5
_CHEAP = ("os.stat", "os.access", "os.getcwd", "os.path.abspath", "os.path.islink")
"""Calls that look at a file's name or size: they take microseconds."""
_DESCRIPTORS = next((Path(p) for p in ("/proc/self/fd", "/dev/fd") if Path(p).is_dir()), None)
_VISITS = 4
_GLANCE = 0.01


@contextmanager
def no_blocking(packages: Iterable[ModuleType]) -> Iterator[None]:
    """Fail when code of some packages blocks the event loop: sleeps, reads files, opens sockets.

    To look at a file's size or whether it exists is allowed.
    The blocking call raises ``blockbuster.BlockingError`` where it is made. One that the kernel
    caught on its way fails the block at its end.

    Raises:
        AssertionError: A blocking call was made.
    """
    scanned = list(packages)
    if not scanned:
        yield
        return
    blocked = _BlockingCalls()
    log = logging.getLogger("argent")
    log.addHandler(blocked)
    guard = BlockBuster(scanned_modules=scanned)
    for name in _CHEAP:
        guard.functions.pop(name, None)
    guard.activate()
    try:
        yield
    finally:
        guard.deactivate()
        log.removeHandler(blocked)
    assert not blocked.found, f"blocked the event loop: {'; '.join(blocked.found)}"


@define(eq=False)
class _BlockingCalls(logging.Handler):
    """Finds in the log what the kernel says of a blocking call."""

    found: list[str] = field(factory=list)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a line."""
        text = record.getMessage()
        if "BlockingError" in text:
            self.found.append(text)


@frozen(eq=False)
class TaskLeaks:
    """The tasks that were there at first; those that are there later were left behind."""

    before: frozenset[asyncio.Task[object]] = field(factory=lambda: frozenset(asyncio.all_tasks()))

    async def found(self) -> list[str]:
        """Return the tasks that were left behind, and cancel them.

        A task that only needs another moment to end is given it.
        """
        tasks = self._new()
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_CHANCE)
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_LAST_CHANCE)
        return sorted(task.get_name() for task in left)

    def _new(self) -> set[asyncio.Task[object]]:
        tasks = asyncio.all_tasks() - self.before - {asyncio.current_task()}
        return {task for task in tasks if not _is_of_the_test_runner(task)}


def _is_of_the_test_runner(task: asyncio.Task[object]) -> bool:
    """Tell whether it is anyio that runs a test or a fixture in the task."""
    return getattr(task.get_coro(), "__qualname__", "").startswith("TestRunner.")


@contextlib.asynccontextmanager
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail when tasks that were started in the block are still there at its end.

    Raises:
        AssertionError: Names them.
    """
    leaks = TaskLeaks()
    yield
    left = await leaks.found()
    assert not left, f"tasks left behind: {', '.join(left)}"


async def what_it_holds(work: Callable[[], Awaitable[object]]) -> list[str]:
    """Do something again and again, and name what it holds each time and does not let go.

    These are threads, files and sockets. What is kept once, such as a pool, does not count.

    Args:
        work: Opens and closes something.
    """
    await work()
    before, kept = _held(), None
    for _ in range(_VISITS - 1):
        await work()
        now = await _let_go(before)
        more = Counter({kind: now[kind] - before[kind] for kind in now})
        kept = +more if kept is None else kept & more
        if not kept:
            return []
        before = now
    return sorted(kept or ())


async def _let_go(before: Counter[str]) -> Counter[str]:
    """Return what is held, once it is no more than before, or after a while."""
    until = time.monotonic() + _LAST_CHANCE
    while (now := _held()) - before and time.monotonic() < until:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(_GLANCE)
    return now


def _held() -> Counter[str]:
    """Count the threads, files and sockets of the process.

    Threads of the event loop's own pool are not counted: they are kept for all.
    """
    names = [thread.name for thread in threading.enumerate()]
    held = Counter("a thread" for name in names if not name.startswith("asyncio_"))
    for link in sorted(_DESCRIPTORS.iterdir()) if _DESCRIPTORS is not None else ():
        with contextlib.suppress(OSError):
            kind = os.readlink(link).partition(":")[0]  # noqa: PTH115 - a socket is no path
            held["a socket" if kind == "socket" else "a file" if kind[0] == "/" else kind] += 1
    return held


@frozen(eq=False)
class Canary:
    """A secret that must never be seen again.

    Args:
        secret: What a setting refers to it by.
        value: What must not turn up in logs, output or files.
    """

    secret: Secret
    value: str = field(factory=lambda: f"canary-{secrets.token_hex(12)}", repr=False)

    def seen_in(self, folder: Path) -> list[Path]:
        """Return the files of a folder that hold the value."""
        value = self.value.encode()
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return [path for path in files if value in path.read_bytes()]
