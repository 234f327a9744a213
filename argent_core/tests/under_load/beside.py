"""What plugins do wrong beside the calls of the kernel: in tasks, callbacks and threads.

This is loaded once for each culprit, under another name, as real plugins are packages of their own.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType

from attrs import define, field, frozen

from argent_hookspecs import (
    ContextBlock,
    ContextProvider,
    ContextRequest,
    Plugin,
    PluginContext,
    hookimpl,
)

LATE = 0.4
"""Seconds after which it can be seen that somebody blocks the event loop."""
_HOARD = 1100


@frozen
class Mischief:
    """What is done, how the kernel names it, and the seconds after which it can be seen.

    Args:
        words: None where there is nothing that a plugin could be blamed for.
    """

    act: Callable[[PluginContext], object]
    words: str | None
    after: float = 0.0
    listed: bool = True
    """Whether the list of plugins says it too, and not only the log."""


@define(eq=False)
class Mischievous:
    """A plugin that looks sound in every call, and does something else besides."""

    mischief: str
    seen: float = 0.0
    kept: list[object] = field(factory=list)
    ctx: PluginContext = field(init=False)

    @property
    def name(self) -> str:
        """Name of the plugin."""
        return self.mischief.replace(" ", "_")

    @hookimpl
    def argent_plugin(self) -> Plugin:
        """Say who this is."""
        return Plugin(summary="Looks sound.")

    @hookimpl
    def argent_context_providers(self, ctx: PluginContext) -> Iterator[ContextProvider]:
        """Bring what is called."""
        self.ctx = ctx
        yield ContextProvider(id=self.name, provide=self._provide)

    async def _provide(self, request: ContextRequest) -> list[ContextBlock]:
        if self.name in request.event.text.split():
            mischief = MISCHIEFS[self.mischief]
            self.seen = time.monotonic() + mischief.after
            self.kept.append(mischief.act(self.ctx))
        return []


async def _raise() -> None:
    raise RuntimeError("boom")


async def _exit() -> None:
    raise SystemExit(3)


async def _block() -> None:
    _sleep()


async def _idle() -> None:
    await asyncio.get_running_loop().create_future()


def _boom() -> None:
    raise RuntimeError("boom")


def sleep(seconds: float) -> None:
    """Sleep for so long; the time in which the whole process stands still hardly counts."""
    for _ in range(int(seconds * 20)):
        time.sleep(0.05)


async def swallow(seconds: float) -> None:
    """Wait until this is cancelled, and then go on for so long, whatever happens."""
    end = math.inf
    while time.monotonic() < end:
        try:
            await asyncio.sleep(min(60.0, end - time.monotonic()))
        except asyncio.CancelledError:
            end = min(end, time.monotonic() + seconds)


def _sleep() -> None:
    sleep(0.9)


def _spin() -> None:
    end = time.monotonic() + 1
    while time.monotonic() < end:
        pass


def keep_the_lock(seconds: float) -> None:
    """Compute for so long without letting any other thread run: no line of Python is begun."""
    end = time.thread_time() + seconds
    any(map(end.__le__, iter(time.thread_time, None)))


def _keep_the_lock() -> None:
    for _ in range(2):
        keep_the_lock(0.8)


def _in_thread(work: Callable[[], object]) -> None:
    threading.Thread(target=work, daemon=True).start()


def _forget(work: Callable[[], Awaitable[object]]) -> None:
    """Start a task and keep nothing of it."""
    asyncio.ensure_future(work())  # noqa: RUF006


def _exit_the_loop(_: PluginContext) -> None:
    loop = asyncio.get_running_loop()
    _in_thread(lambda: loop.call_soon_threadsafe(leave))


def leave() -> None:
    """Leave the process, as a callback that knows nothing of a plugin."""
    sys.exit(3)


def _flood(ctx: PluginContext) -> None:
    def pour() -> None:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            ctx.progress("pouring", done=1)

    _in_thread(pour)


MISCHIEFS: Mapping[str, Mischief] = MappingProxyType(
    {
        "its task raises": Mischief(lambda _: _forget(_raise), "boom"),
        "its task exits": Mischief(lambda _: _forget(_exit), "exit"),
        "its task blocks": Mischief(lambda _: _forget(_block), "block", LATE),
        "its spawned task raises": Mischief(lambda ctx: ctx.spawn(_raise(), name="s"), "boom"),
        "its callback raises": Mischief(
            lambda _: asyncio.get_running_loop().call_soon(_boom), "boom"
        ),
        "its timer raises": Mischief(
            lambda _: asyncio.get_running_loop().call_later(0.01, _boom), "boom"
        ),
        "its callback exits": Mischief(
            lambda _: asyncio.get_running_loop().call_soon(sys.exit), "exit"
        ),
        "its callback blocks": Mischief(
            lambda _: asyncio.get_running_loop().call_soon(_sleep), "block", LATE
        ),
        "it hoards tasks": Mischief(
            lambda _: [asyncio.ensure_future(_idle()) for _ in range(_HOARD)], "1000 tasks"
        ),
        "its thread raises": Mischief(lambda _: _in_thread(_boom), "boom"),
        "its thread exits the loop": Mischief(_exit_the_loop, "exit"),
        "its thread spins": Mischief(lambda _: _in_thread(_spin), None),
        "its thread keeps the lock": Mischief(
            lambda _: _in_thread(_keep_the_lock),
            "Python's lock",
            3.0,
            listed=False,
        ),
        "its thread floods progress": Mischief(_flood, None),
        "it hogs memory": Mischief(lambda _: bytearray(100_000_000), None),
    }
)
