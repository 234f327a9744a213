"""A guard to try out, and plugins' code that misbehaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field

from argent_core.guard import Guard


@define
class Faults:
    """What plugins were blamed for."""

    found: list[tuple[str, str]] = field(factory=list)

    def __call__(self, plugin: str, reason: str) -> None:
        self.found.append((plugin, reason))

    def of(self, plugin: str) -> list[str]:
        return [reason for name, reason in self.found if name == plugin]


@contextmanager
def installed(guard: Guard) -> Iterator[Guard]:
    guard.install()
    try:
        yield guard
    finally:
        guard.uninstall()


async def fine() -> str:
    return "fine"


def raising(error: BaseException) -> Callable[[], Coroutine[Any, Any, None]]:
    async def work() -> None:
        raise error

    return work


async def deaf() -> None:
    """Swallow every cancellation, for a while."""
    end = time.monotonic() + 0.7
    while time.monotonic() < end:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue


def block(seconds: float) -> None:
    time.sleep(seconds)
